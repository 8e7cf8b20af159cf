//! A reload is one signal, and `systemctl reload` returns when the program has done it, with `Type=notify-reload` (from
//! 253 on) and without; and the signals in a unit are the ones that arrive.

use std::{fs, thread};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::support::Unit;
use crate::daemon::under_supervisors::{gate, line, logged};
use crate::harness::{Dir, Exit, Systemd, all_at_once, wait_until};

/// A program that notifies systemd of its start and of each reload, and logs them. A reload waits for `gate` while that
/// exists. (systemd-notify(1) may speak for its parent as root.)
const PROGRAM: &str = r#"
folder=$1
note() { echo "$1" >>"$folder/log"; }
again() {
    note signal
    # With the time, where systemd knows that and wants it.
    systemd-notify --reloading 2>/dev/null || systemd-notify RELOADING=1
    if [ -e "$folder/gate" ]; then read -r _ <"$folder/gate"; fi
    note done
    systemd-notify READY=1
}
trap again USR1
trap 'note stop; kill $rest; exit 0' INT
sleep 120 & rest=$!
systemd-notify READY=1
while kill -0 $rest 2>/dev/null; do wait $rest; done
"#;

#[test]
fn reload_sends_one_signal_and_is_awaited() {
    for systemd in Systemd::of_versions(..) {
        let own = systemd.version().to_string();
        // Written for the oldest version and for this one, with and without the adapter.
        for (number, version) in ["239", &own].into_iter().enumerate() {
            for adapted in [false, true] {
                let name = format!("reload-{own}-{number}-{adapted}");
                one_signal(systemd, &name, version, adapted);
            }
        }
    }
}

fn one_signal(systemd: &'static Systemd, name: &str, version: &str, adapted: bool) {
    let dir = Dir::new();
    let Some(svcadapt) = systemd.svcadapt(&dir) else { return };
    let folder = dir.path().display().to_string();
    let pid_file = format!("--pid-file=/run/it-{name}.pid");
    let mut words = vec![
        "--type=notify-reload",
        "--reload-signal=USR1",
        "--kill-signal=SIGINT",
        "--systemd-version",
        version,
    ];
    if adapted {
        words.push(&pid_file);
    }
    words.extend(["--", "/bin/sh", "-c", PROGRAM, "sh", &folder]);
    let unit = Unit::generate_for(systemd, &dir, name, &svcadapt, words);
    let knows = version.parse::<u32>().unwrap() >= 253;
    let expected = if knows { "Type=notify-reload\n" } else { "Type=notify\nNotifyAccess=exec\n" };
    assert!(unit.text.contains(expected), "{}", unit.text);
    assert_eq!(unit.text.contains(" run --mode systemd "), adapted, "{}", unit.text);
    mkfifo(&dir.join("gate"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    assert_eq!(unit.start().exit, Exit::Status(0), "{name}: {}", unit.status());
    let read = || fs::read_to_string(dir.join("log")).unwrap_or_default();
    // For Type=notify a reload ends with its commands, whatever the program reports (systemd pull 39376).
    let waits = knows || systemd.version() < 259;

    thread::scope(|scope| {
        let reload = scope.spawn(|| systemd.systemctl(["reload", &unit.name]));
        wait_until("the program has its signal", || (read() == "signal\n").then_some(()));
        // The control processes have ended, and systemd still waits.
        wait_until("no control process is left", || (unit.show("ControlPID") == "0").then_some(()));
        if waits {
            assert_eq!(unit.show("ActiveState"), "reloading", "{name}");
            assert!(!reload.is_finished(), "{name}");
        }
        fs::write(dir.join("gate"), "").unwrap();
        let output = reload.join().unwrap();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{name}: {}", unit.status());
    });
    fs::remove_file(dir.join("gate")).unwrap();
    if !waits {
        wait_until("it has reloaded", || (unit.show("SubState") == "running").then_some(()));
    }
    assert_eq!(read(), "signal\ndone\n", "{name}");
    assert_eq!(unit.state(&["ActiveState", "SubState"]), "active running", "{name}");

    // Without a gate it is over when the command returns.
    for number in 2..=4 {
        assert_eq!(systemd.systemctl(["reload", &unit.name]).exit, Exit::Status(0), "{}", unit.status());
        if !waits {
            wait_until("it has reloaded", || (read() == "signal\ndone\n".repeat(number)).then_some(()));
        }
        assert_eq!(read(), "signal\ndone\n".repeat(number), "{name}");
    }
    unit.stop();
    assert_eq!(read(), "signal\ndone\n".repeat(4) + "stop\n", "{name}");
    assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success", "{name}");
}

/// `becomes` as the service that it makes of itself.
fn itself(systemd: &'static Systemd, dir: &Dir, name: &str, settings: &str, deeds: &[&str]) -> Unit {
    let text = format!("[Service]\nType=notify-reload\n{settings}ExecStart={}\n", line(dir, deeds));
    let unit = Unit::write(systemd, &format!("{name}-{}", systemd.version()), &text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    unit
}

#[test]
fn reload_of_a_library_service_waits_for_readiness() {
    for systemd in Systemd::of_versions(253..) {
        let dir = Dir::new();
        let deeds = ["ready", "next", "reloading", &gate(&dir), "ready", "next", "reloading", "exit=3"];
        let unit = itself(systemd, &dir, "reload-itself", "", &deeds);
        thread::scope(|scope| {
            let reload = scope.spawn(|| systemd.systemctl(["reload", &unit.name]));
            logged(&dir, "reloading: Ok(())");
            assert_eq!(unit.show("ActiveState"), "reloading");
            assert!(!reload.is_finished());
            dir.write("gate", "");
            let output = reload.join().unwrap();
            assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{}", unit.status());
        });
        assert_eq!(unit.state(&["ActiveState", "SubState"]), "active running");
        // An exit is no reload.
        assert_ne!(systemd.systemctl(["reload", &unit.name]).exit, Exit::Status(0));
        wait_until("it has failed", || (unit.show("ActiveState") == "failed").then_some(()));
        assert_eq!(unit.state(&["Result", "ExecMainStatus"]), "exit-code 3");
        let log = "enter: \"done\"\nmode: (\"supervised\", \"systemd\")\nasked: true\nready: Ok(Manager)\n\
                   next: Some(\"SIGHUP\")\nreloading: Ok(())\nready: Ok(Manager)\nnext: Some(\"SIGHUP\")\n\
                   reloading: Ok(())\n";
        assert_eq!(dir.read("log"), log);
        drop(unit);
        dir.nothing_left();
    }
}

#[test]
fn reload_timeout_is_reported_and_the_service_lives_on() {
    all_at_once(Systemd::of_versions(253..), |systemd| {
        let dir = Dir::new();
        // After RELOADING=1, versions before 259 wait for ever (systemd issue 37515), so the program stays silent
        // there.
        let given = if systemd.version() < 259 { ["asked", "asked"] } else { ["reloading", "ready"] };
        let deeds =
            ["ready", "next", given[0], &gate(&dir), given[1], "next", "reloading", "ready", "signals"];
        let unit = itself(systemd, &dir, "reload-endless", "TimeoutStartSec=4\n", &deeds);
        let main = unit.main();
        assert_ne!(systemd.systemctl(["reload", &unit.name]).exit, Exit::Status(0), "{}", unit.status());
        assert_eq!(unit.state(&["ActiveState", "ReloadResult"]), "active timeout", "{}", unit.status());
        dir.write("gate", "");
        assert_eq!(systemd.systemctl(["reload", &unit.name]).exit, Exit::Status(0), "{}", unit.status());
        assert_eq!(unit.state(&["ActiveState", "ReloadResult"]), "active success");
        assert_eq!(unit.main().pid(), main.pid());
        unit.ends_cleanly(&main, &dir);
    });
}
