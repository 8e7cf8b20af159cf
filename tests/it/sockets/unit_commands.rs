//! The commands of a socket unit: `ExecStartPre=`, `ExecStartPost=`, `ExecStopPre=` and `ExecStopPost=` of `[Socket]`.

use std::fs;

use nix::sys::signal::Signal;

use crate::harness::{Capability, Dir, Exit, Service, Svc, Systemd, require, wait_until};

/// Writes the two units: each command notes its word, its user, and whether the socket is there.
fn units(dir: &Dir, service: &Service, commands: &[(&str, &str)]) -> String {
    let script = "#!/bin/sh\nif test -S SOCKET; then there=yes; else there=no; fi\n\
                  echo \"$1 $(id -u) ${OWN:-none} $there\" >>LOG\nexit ${2:-0}\n";
    let script = script.replace("SOCKET", &dir.join("s").display().to_string());
    let script = script.replace("LOG", &dir.join("log").display().to_string());
    let note = dir.executable("note", &script).display().to_string();
    let commands: Vec<_> =
        commands.iter().map(|(key, value)| format!("{key}={}\n", value.replace("NOTE", &note))).collect();
    let socket = format!(
        "[Socket]\nListenStream={}\nRemoveOnStop=yes\n{}",
        dir.join("s").display(),
        commands.concat()
    );
    dir.write(&format!("{}.socket", service.name()), &socket);
    let main = format!(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nEnvironment=OWN=x\nExecStart={note} main\nSockets={}.socket\n",
        service.name()
    );
    dir.write(&format!("{}.service", service.name()), &main).display().to_string()
}

const ALL: [(&str, &str); 5] = [
    ("ExecStartPre", "NOTE start-pre"),
    ("ExecStartPre", "-NOTE ignored 7"),
    ("ExecStartPost", "+NOTE start-post"),
    ("ExecStopPre", "NOTE stop-pre"),
    ("ExecStopPost", "NOTE stop-post"),
];

#[test]
fn commands_of_a_socket_unit_run_when_systemd_runs_them() {
    let dir = Dir::new();
    let service = Service::new();
    let unit = units(&dir, &service, &ALL);
    Svc::new(&dir).args(["run", "--mode", "classic", &unit]).stderr("").run();
    let user = nix::unistd::geteuid();
    let started = format!(
        "start-pre {user} none no\nignored {user} none no\nstart-post {user} none yes\nmain {user} x yes\n"
    );
    assert_eq!(dir.read("log"), started);
    // The sockets stay over a restart.
    assert_eq!(Svc::new(&dir).args(["restart", service.name()]).output().exit, Exit::Status(0));
    let again = format!("{started}main {user} x yes\n");
    assert_eq!(dir.read("log"), again);
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    let stopped = format!("stop-pre {user} none yes\nstop-post {user} none no\n");
    assert_eq!(dir.read("log"), format!("{again}{stopped}"));
    dir.nothing_left();
    if !require(Capability::Root) {
        return;
    }
    if Systemd::shared().is_none() {
        return;
    }
    // After a daemon-reload of another test systemd would go on after the first one of the commands, whichever was running:
    // it executes some again.
    let systemd = Systemd::boot().unwrap();
    fs::remove_file(dir.join("log")).unwrap();
    let names = ["service", "socket"].map(|kind| format!("{}.{kind}", service.name()));
    for name in &names {
        systemd.write_unit(name, &dir.read(name));
    }
    systemd.must(&["start", &names[0]]);
    systemd.must(&["stop", &names[0]]);
    systemd.must(&["stop", &names[1]]);
    assert_eq!(dir.read("log"), format!("{started}{stopped}"), "systemd {}", systemd.version());
}

#[test]
fn failing_command_of_a_socket_unit_fails_the_start() {
    for (place, expected) in [
        ("ExecStartPre", "bad U none no\n"),
        ("ExecStartPost", "bad U none yes\nstop-pre U none yes\nstop-post U none yes\n"),
    ] {
        for mode in ["classic", "supervised"] {
            let dir = Dir::new();
            let service = Service::new();
            let commands = [
                (place, "NOTE bad 3"),
                (place, "NOTE never"),
                ("ExecStopPre", "NOTE stop-pre"),
                ("ExecStopPost", "NOTE stop-post"),
            ];
            let unit = units(&dir, &service, &commands);
            let output = Svc::new(&dir).args(["run", "--mode", mode, &unit]).output();
            assert_eq!(output.exit, Exit::Status(3), "{}", output.stderr);
            let cause = format!(
                "svcadapt: {place} '{} bad 3': the command exited with status 3\n",
                dir.join("note").display()
            );
            assert!(output.stderr.contains(&cause), "{}", output.stderr);
            assert_eq!(dir.read("log").replace(&format!(" {} ", nix::unistd::geteuid()), " U "), expected);
            assert!(!dir.join("s").exists());
            dir.nothing_left();
        }
    }
}

#[test]
fn socket_command_that_hangs_is_ended_with_its_children() {
    let dir = Dir::new();
    let service = Service::new();
    let hang = dir.executable(
        "hang",
        "#!/bin/sh\ntrap '' TERM\ntouch UP\nsleep 600\nsleep 600\n"
            .replace("UP", &dir.join("up").display().to_string())
            .as_str(),
    );
    let hang = hang.display().to_string();
    let unit = units(&dir, &service, &[("ExecStartPre", &hang), ("TimeoutSec", "300ms")]);
    let output = Svc::new(&dir).args(["run", "--mode", "classic", &unit]).output();
    assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
    assert!(
        output.stderr.contains("the command has not ended in time\n  hint: TimeoutSec="),
        "{}",
        output.stderr
    );
    dir.wait_nothing_left();
    fs::remove_file(dir.join("up")).unwrap();
    // Without a limit a signal ends it.
    let unit = units(&dir, &service, &[("ExecStartPre", &hang.replace("hang", "mild")), ("TimeoutSec", "0")]);
    dir.executable("mild", &dir.read("hang").replace("trap '' TERM\n", ""));
    let running = Svc::new(&dir).args(["run", "--mode", "supervised", &unit]).spawn();
    wait_until("the command runs", || dir.join("up").exists().then_some(()));
    running.signal(Signal::SIGTERM);
    let output = running.finish();
    assert!(output.stderr.contains(": ended because of SIGTERM"), "{}", output.stderr);
    assert!(!dir.join("log").exists() && !dir.join("s").exists());
    dir.wait_nothing_left();
}

#[test]
fn socket_commands_are_shown_and_written_to_the_socket_unit() {
    let dir = Dir::new();
    let words = [
        "--name=web",
        "--listen-stream=@web",
        "--socket-exec-start-pre=-/bin/a b%",
        "--socket-exec-stop-post=+/bin/b",
        "--socket-timeout-sec=5",
    ];
    let output = Svc::new(&dir).args(["gen-unit"]).args(words).args(["--", "/bin/true"]).output();
    let socket =
        "[Socket]\nListenStream=@web\nExecStartPre=-/bin/a b%%\nExecStopPost=+/bin/b\nTimeoutSec=5s\n";
    assert!(output.stdout.contains(socket), "{}", output.stdout);
    let unit = dir.write("web.service", "[Service]\nExecStart=/bin/true\nSockets=web.socket\n");
    dir.write("web.socket", socket);
    let again = Svc::new(&dir).args(["gen-unit", &unit.display().to_string()]).output();
    assert!(again.stdout.contains(socket), "{}", again.stdout);
    let words = ["run", "--mode", "classic", "--dry-run", &unit.display().to_string()];
    let output = Svc::new(&dir).args(words).output();
    assert!(output.stdout.contains("socket command        ExecStartPre=-/bin/a b%\n"), "{}", output.stdout);
    let output = Svc::new(&dir).args(["gen-plist", &unit.display().to_string()]).output();
    assert!(
        output.stderr.contains(": ExecStartPre=-/bin/a b%: lost: launchd opens the sockets"),
        "{}",
        output.stderr
    );
}

/// The time of a stop is that of the person who asks, or `TimeoutStopSec=`: a command that hangs does not prolong it, and what
/// follows is done all the same.
#[test]
fn socket_command_that_hangs_ends_with_the_time_of_the_stop() {
    for (words, own) in [(&["--timeout-stop-sec=1s"][..], "90s"), (&[], "500ms")] {
        let dir = Dir::new();
        let service = Service::new();
        let hang = dir.executable("hang", "#!/bin/sh\ntrap '' TERM\nsleep 600\nsleep 600\n");
        let unit = units(
            &dir,
            &service,
            &[("ExecStopPre", &hang.display().to_string()), ("ExecStopPost", "NOTE stop-post")],
        );
        let options = ["run", "--mode=classic", "--timeout-stop-sec", own, &unit];
        Svc::new(&dir).args(options).run();
        let monitor = service.monitor().unwrap();
        assert_eq!(Svc::new(&dir).args(["stop", service.name()]).args(words).output().exit, Exit::Status(0));
        monitor.wait_gone();
        assert!(
            dir.read("log").ends_with(&format!("stop-post {} none no\n", nix::unistd::geteuid())),
            "{own}"
        );
        assert!(!dir.join("s").exists());
        dir.wait_nothing_left();
    }
}

#[test]
fn service_is_starting_while_a_socket_command_runs() {
    let dir = Dir::new();
    let service = Service::new();
    let gate = dir.join("gate").display().to_string();
    let wait = dir.executable("wait", &format!("#!/bin/sh\nuntil test -e {gate}; do sleep 0.01; done\n"));
    let unit = units(&dir, &service, &[("ExecStartPre", &wait.display().to_string())]);
    let running = Svc::new(&dir).args(["run", "--mode=classic", &unit]).spawn();
    let status = || Svc::new(&dir).args(["status", service.name()]).output().stdout;
    wait_until("it is starting", || status().contains(": starting").then_some(()));
    dir.write("gate", "");
    assert_eq!(running.finish().exit, Exit::Status(0));
    assert!(!status().contains("starting"));
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}
