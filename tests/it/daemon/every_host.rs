//! One program with one command line and no option, `activated PORT` (examples/activated.rs), adapts to every host. It
//! answers with what it has detected, so one table covers all hosts.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{
    Capability, Dir, Exit, Launchd, Process, Svc, Systemd, free_port, have, require, wait_until,
};
use crate::supervised::support::Unit;

/// The host, the expected answer, and how to start it there.
type Place = (&'static str, &'static str, fn(&Started));

const PLACES: [Place; 14] = [
    ("a shell", "classic, none", in_a_shell),
    ("svcadapt run, as a daemon", "supervised, svcadapt", below_run),
    ("systemd, Type=simple", "supervised, systemd", |it| by_systemd(it, "simple")),
    ("systemd, Type=exec", "supervised, systemd", |it| by_systemd(it, "exec")),
    ("systemd, Type=notify", "supervised, systemd", |it| by_systemd(it, "notify")),
    ("systemd, Type=notify-reload", "supervised, systemd", |it| by_systemd(it, "notify-reload")),
    ("systemd, Type=forking", "classic, systemd", |it| by_systemd(it, "forking")),
    ("systemd, by a socket", "supervised, systemd", by_a_socket),
    ("systemd, as another user", "supervised, systemd", |it| by_systemd(it, "notify\nUser=nobody")),
    ("launchd", "supervised, launchd", |it| by_launchd(it, "<key>RunAtLoad</key><true/>")),
    ("launchd, by a socket", "supervised, launchd", |it| by_launchd(it, SOCKETS)),
    ("s6", "supervised, s6", by_s6),
    ("runit", "supervised, runit", by_runit),
    ("a container, as its process 1", "supervised, container", as_process_one),
];

#[test]
fn program_without_options_adapts_to_every_host() {
    for (place, says, start) in PLACES {
        let dir = Dir::new();
        let built = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples/activated");
        let program = dir.program(built.to_str().unwrap()).display().to_string();
        let it = Started { place, says, dir, program, port: free_port() };
        start(&it);
        it.dir.wait_nothing_left();
    }
}

/// One of the places.
struct Started {
    place: &'static str,
    says: &'static str,
    dir: Dir,
    program: String,
    port: u16,
}

impl Started {
    /// The command line, the same on every host.
    fn line(&self) -> String {
        format!("{} {}", self.program, self.port)
    }

    /// It answers at once, because its starter has its readiness.
    fn serves(&self) {
        let connection = TcpStream::connect(("127.0.0.1", self.port));
        self.answers(connection.unwrap_or_else(|error| panic!("{}: {error}", self.place)));
    }

    /// It answers soon; nothing here reports readiness.
    fn will_serve(&self) {
        let connection = || TcpStream::connect(("127.0.0.1", self.port)).ok();
        self.answers(wait_until(&format!("{}: it listens", self.place), connection));
    }

    fn answers(&self, mut connection: TcpStream) {
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{}: {error}", self.place));
        assert_eq!(answer.trim_end(), self.says, "{}", self.place);
    }

    /// Its processes.
    fn processes(&self) -> Vec<Process> {
        Process::of_program(Path::new(&self.program))
    }

    fn ends_at_term(&self) {
        let all = self.processes();
        assert_eq!(all.len(), 1, "{}: {all:?}", self.place);
        all[0].signal(Signal::SIGTERM);
        all[0].wait_gone();
    }
}

fn in_a_shell(it: &Started) {
    Svc::new(&it.dir).program("/bin/sh").args(["-c", &it.line()]).run();
    it.serves();
    it.ends_at_term();
}

fn below_run(it: &Started) {
    let port = it.port.to_string();
    Svc::new(&it.dir).args(["run", "--mode", "classic", "--ready", "notify", "--", &it.program, &port]).run();
    it.serves();
    it.ends_at_term();
}

/// In every available systemd.
fn by_systemd(it: &Started, kind: &str) {
    // Before 253 there was no such type; and what is built here may not run where the C library is older than ours.
    let oldest = if kind == "notify-reload" { 253 } else { 252 };
    for systemd in Systemd::of_versions(oldest..) {
        let text = format!("[Service]\nType={kind}\nExecStart={}\n", it.line());
        let unit = Unit::write(systemd, &format!("everywhere-{}", it.port), &text);
        assert_eq!(unit.start().exit, Exit::Status(0), "{}: {}", it.place, unit.status());
        if matches!(kind, "simple" | "exec") {
            it.will_serve();
        } else {
            it.serves();
        }
        let main = unit.main();
        if kind == "notify-reload" {
            systemd.must(&["reload", &unit.name]);
            it.serves();
        }
        unit.ends_cleanly(&main, &it.dir);
    }
}

fn by_a_socket(it: &Started) {
    for systemd in Systemd::of_versions(252..) {
        let name = format!("everywhere-{}", it.port);
        let unit = Unit::write(systemd, &name, &format!("[Service]\nType=notify\nExecStart={}\n", it.line()));
        let socket = format!("it-{name}.socket");
        let text = format!(
            "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:{}\nFileDescriptorName=web\n",
            it.port
        );
        systemd.write_unit(&socket, &text);
        systemd.must(&["start", &socket]);
        assert_eq!(unit.show("ActiveState"), "inactive");
        // Nothing runs before the first connection.
        it.serves();
        unit.wait_active();
        let main = unit.main();
        systemd.must(&["stop", &socket]);
        unit.ends_cleanly(&main, &it.dir);
        fs::remove_file(systemd.path("/run/systemd/system").join(&socket)).unwrap();
    }
}

const SOCKETS: &str = "<key>Sockets</key><dict><key>web</key><dict>\
    <key>SockNodeName</key><string>127.0.0.1</string><key>SockServiceName</key><integer>[PORT]</integer>\
    </dict></dict>";

fn by_launchd(it: &Started, keys: &str) {
    let Some(launchd) = Launchd::start(&it.dir, Duration::from_millis(50)) else { return };
    // A stand-in for launch_activate_socket.
    let shim = it.dir.program("launch_shim").display().to_string();
    let keys = format!(
        "<key>ProgramArguments</key><array><string>{}</string><string>{}</string></array>\
         <key>EnvironmentVariables</key><dict><key>LD_PRELOAD</key><string>{shim}</string></dict>{}",
        it.program,
        it.port,
        keys.replace("[PORT]", &it.port.to_string())
    );
    launchd.load("everywhere", &keys);
    it.will_serve();
    launchd.must("bootout everywhere");
    launchd.wait("everywhere", "removed");
    assert_eq!(launchd.story("everywhere"), "loaded spawned sent(15) exited(0) removed", "{}", it.place);
}

/// A service directory that executes it.
fn service_directory(it: &Started) {
    fs::create_dir(it.dir.join("service")).unwrap();
    it.dir.executable("service/run", &format!("#!/bin/sh\nexec {}\n", it.line()));
}

fn by_s6(it: &Started) {
    if !have("s6-supervise") {
        return;
    }
    service_directory(it);
    it.dir.write("service/notification-fd", "3\n");
    let s6 = |program: &str, words: &[&str]| {
        Svc::new(&it.dir).program(&format!("/usr/bin/{program}")).args(words).args(["service"]).output().exit
    };
    let running = Svc::new(&it.dir).program("/usr/bin/s6-supervise").args(["service"]).spawn();
    wait_until("s6 listens", || (s6("s6-svok", &[]) == Exit::Status(0)).then_some(()));
    assert_eq!(s6("s6-svwait", &["-U", "-t", "20000"]), Exit::Status(0));
    it.serves();
    assert_eq!(s6("s6-svc", &["-dx"]), Exit::Status(0));
    assert_eq!(running.finish().exit, Exit::Status(0));
}

fn by_runit(it: &Started) {
    if !have("runsv") {
        return;
    }
    service_directory(it);
    let running = Svc::new(&it.dir).program("/usr/bin/runsv").args(["service"]).spawn();
    it.will_serve();
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
}

fn as_process_one(it: &Started) {
    if !require(Capability::Root) {
        return;
    }
    let port = it.port.to_string();
    let running = Svc::new(&it.dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--mount-proc", "--kill-child", &it.program, &port])
        .spawn();
    it.will_serve();
    let all = it.processes();
    let init = all.iter().find(|one| !crate::supervised::support::children(one.pid()).is_empty()).unwrap();
    init.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
}
