//! `dbus:NAME`, and units with `Type=dbus`: against a real dbus-daemon(1), and without one.

use std::process::{Child, Command, Stdio};

use crate::harness::{Dir, Exit, Service, Svc, installed, wait_until};

/// A bus of the test's own.
struct OwnBus {
    daemon: Child,
    dir: Dir,
}

impl OwnBus {
    /// `None` where dbus-daemon(1) is not installed.
    fn new() -> Option<Self> {
        let program = installed("dbus-daemon")?;
        let dir = Dir::new();
        let socket = dir.join("bus").display().to_string();
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\"/><allow eavesdrop=\"false\"/><allow own=\"*\"/>\
             </policy></busconfig>"
        );
        let config = dir.write("bus.conf", &config);
        let daemon = Command::new(program)
            .arg(format!("--config-file={}", config.display()))
            .arg("--nofork")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the bus listens", || dir.join("bus").exists().then_some(()));
        Some(Self { daemon, dir })
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.dir.join("bus").display())
    }

    /// `svcadapt` with this bus as the one of the system and of the session.
    fn svcadapt<'a>(&'a self, words: &[&str]) -> Svc<'a> {
        Svc::new(&self.dir)
            .args(words)
            .env("DBUS_SYSTEM_BUS_ADDRESS", self.address())
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
    }
}

impl Drop for OwnBus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn service_is_ready_when_its_process_owns_the_name() {
    let Some(bus) = OwnBus::new() else { return };
    let owner = bus.dir.program("bus_owner").display().to_string();
    let (socket, file) =
        (bus.dir.join("bus").display().to_string(), bus.dir.join("owns").display().to_string());
    let service = Service::new();
    let unit = format!(
        "[Service]\nType=dbus\nBusName=org.example.Svcadapt\nTimeoutStartSec=20s\nExecStart={owner} {socket} org.example.Svcadapt {file}\n"
    );
    let unit = bus.dir.write("bus.service", &unit).display().to_string();
    bus.svcadapt(&["run", "--mode", "classic", "--name", service.name(), &unit]).run();
    // The program writes the file right before it asks for the name, which it does after a while.
    assert!(bus.dir.join("owns").exists());
    let main = service.main();
    bus.svcadapt(&["stop", service.name()])
        .stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n")
        .name("[NAME]", service.name())
        .run();
    main.wait_gone();
}

#[test]
fn name_of_another_program_is_not_the_services_own() {
    let Some(bus) = OwnBus::new() else { return };
    let owner = bus.dir.program("bus_owner").display().to_string();
    let (socket, file) =
        (bus.dir.join("bus").display().to_string(), bus.dir.join("owns").display().to_string());
    let mut other =
        Command::new(&owner).args([socket.as_str(), "org.example.Svcadapt", &file]).spawn().unwrap();
    wait_until("another program owns the name", || bus.dir.join("owns").exists().then_some(()));
    let service = Service::new();
    let options =
        ["--mode", "classic", "--ready", "dbus:org.example.Svcadapt", "--timeout-start-sec", "500ms"];
    let words = [&["run", "--name", service.name()], &options[..], &["--", "/bin/sleep", "1000"]].concat();
    let output = bus.svcadapt(&words).output();
    assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
    assert!(output.stderr.contains("dbus:org.example.Svcadapt"), "{}", output.stderr);
    let _ = other.kill();
    let _ = other.wait();
}

#[test]
fn name_without_a_bus_is_reported_and_not_waited_for() {
    let dir = Dir::new();
    let service = Service::new();
    let unit = dir.write("web.service", "[Service]\nBusName=org.example.Web\nExecStart=/bin/sleep 1000\n");
    let address = format!("unix:path={}", dir.join("none").display());
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", service.name(), &unit.display().to_string()])
        .env("DBUS_SYSTEM_BUS_ADDRESS", &address)
        .env("DBUS_SESSION_BUS_ADDRESS", &address)
        .stderr(
            "svcadapt: ready 'dbus:org.example.Web': its owner is not waited for, because no bus answers at \
             unix:path=[DIR]/none: no such file or directory\n",
        )
        .run();
    assert!(service.main().is_alive());
}
