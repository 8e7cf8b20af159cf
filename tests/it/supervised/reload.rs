//! A reload is one signal, and `systemctl reload` returns when the program has done it, also for a systemd that knows
//! no `Type=notify-reload`; and the signals that a unit names are those that arrive.

use std::fs;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::Capability;
use crate::harness::Dir;
use crate::harness::Exit;
use crate::harness::Systemd;
use crate::harness::require;
use crate::harness::wait_until;

use super::support::Unit;

/// Tells systemd of its start and of each reload, and writes down what it does. A reload waits for `gate` while there is one.
const PROGRAM: &str = r#"
import os, signal, socket, sys, time
folder, reload, stop = sys.argv[1], sys.argv[2], sys.argv[3]
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def tell(text):
    end.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def note(word):
    with open(folder + "/log", "a") as log:
        log.write(word + "\n")
signals = {getattr(signal, reload), getattr(signal, stop)}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
tell("READY=1")
while True:
    taken = signal.sigwait(signals)
    if taken == getattr(signal, stop):
        note("stop")
        sys.exit(0)
    note("signal")
    tell("RELOADING=1\nMONOTONIC_USEC=%d" % (time.monotonic_ns() // 1000))
    if os.path.exists(folder + "/gate"):
        open(folder + "/gate").read()
    note("done")
    tell("READY=1")
"#;

#[test]
fn a_reload_is_one_signal_and_is_waited_for() {
    let Some(systemd) = Systemd::shared() else { return };
    if !require(Capability::Python) {
        return;
    }
    let dir = Dir::new();
    let folder = dir.path().display().to_string();
    let words = ["--type=notify-reload", "--reload-signal=USR1", "--kill-signal=SIGINT", "--"];
    let program = ["/usr/bin/python3", "-c", PROGRAM, &folder, "SIGUSR1", "SIGINT"];
    let unit = Unit::generate(systemd, &dir, "reload", [&words[..], &program].concat());
    // This systemd may be too old for the type; the unit is written for all from 239 on.
    assert!(unit.text.contains("Type=notify\nNotifyAccess=exec\n"), "{}", unit.text);
    mkfifo(&dir.join("gate"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    unit.begin();
    unit.wait_active();
    let read = || fs::read_to_string(dir.join("log")).unwrap_or_default();

    systemd.must(&["reload", "--no-block", &unit.name]);
    wait_until("the program has its signal", || (read() == "signal\n").then_some(()));
    // The control processes are gone, and still systemd waits.
    wait_until("nobody else is at work", || (unit.show("ControlPID") == "0").then_some(()));
    assert_eq!(unit.state(&["ActiveState", "SubState"]), "reloading reload");
    fs::write(dir.join("gate"), "").unwrap();
    fs::remove_file(dir.join("gate")).unwrap();
    wait_until("the reload is over", || (unit.show("SubState") == "running").then_some(()));
    assert_eq!(read(), "signal\ndone\n");

    // With nothing in its way it is over when the command returns.
    for number in 2..=10 {
        assert_eq!(systemd.systemctl(["reload", &unit.name]).exit, Exit::Status(0), "{}", unit.status());
        assert_eq!(read(), "signal\ndone\n".repeat(number));
    }
    unit.stop();
    assert_eq!(read(), "signal\ndone\n".repeat(10) + "stop\n");
    assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
}
