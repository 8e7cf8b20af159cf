//! Under `Type=forking` svcadapt daemonizes as systemd expects: the unit is active when ready, the daemon is the main
//! process, and a failure has its status.

use std::fs;

use super::support::{Gate, NO_PROCESSES, Unit, adapters, children};
use crate::harness::{Dir, Exit, Systemd, free_port, wait_until};

fn text(dir: &Dir, name: &str, mode: &str, rest: &str) -> String {
    dir.program("svcadapt");
    let path = dir.path().display();
    format!(
        "[Service]\nType=forking\nPIDFile=/run/it-{name}.pid\nTimeoutStopSec=5\nStandardError=append:{path}/said\n\
         ExecStart={path}/svcadapt run {mode} --pid-file /run/it-{name}.pid {rest}\n"
    )
}

#[test]
fn forking_unit_is_active_when_its_daemon_is_ready() {
    let Some(systemd) = Systemd::shared() else { return };
    // Without a mode svcadapt asks systemd, and learns that it has to fork.
    for (name, mode) in [("forking", "--mode classic"), ("forking-auto", "")] {
        let dir = Dir::new().owned_by("nobody");
        let (gate, port, path) = (Gate::inspect(&dir), free_port(), dir.path().display());
        let rest = format!(
            "--user nobody --ready tcp:127.0.0.1:{port} -- {path}/gated --out {path}/report --listen tcp:{port} --stay"
        );
        let unit = Unit::write(systemd, name, &text(&dir, name, mode, &rest));
        unit.begin();
        gate.wait_started();
        assert_eq!(unit.state(&["ActiveState", "SubState"]), "activating start");
        assert_eq!(adapters(&dir).len(), 1, "the launcher waits");
        gate.open();
        unit.wait_active();
        assert_eq!(adapters(&dir), NO_PROCESSES);
        let seen = dir.report("report");
        let pid_file = fs::read_to_string(systemd.path(&format!("/run/it-{name}.pid"))).unwrap();
        assert_eq!(seen["pid"].to_string(), unit.show("MainPID"));
        assert_eq!(pid_file.trim_end(), unit.show("MainPID"));
        // The launcher was its parent until readiness.
        let parent = systemd.run(["ps", "-o", "ppid=", "-p", &unit.show("MainPID")]).stdout;
        assert_eq!(parent.trim(), "1");
        assert_ne!(seen["sid"], seen["pid"]);
        assert_eq!(seen["uid"]["saved"], 65_534);
        let main = unit.main();
        assert_eq!(children(main.pid()), NO_PROCESSES);
        unit.ends_cleanly(&main, &dir);
    }
}

#[test]
fn failed_daemon_fails_the_forking_unit_with_its_status() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, rest, status, words) in [
        ("forking-dies", "--ready file:/nowhere/x -- [DIR]/inspect --exit 7", "7", "with status 7"),
        ("forking-chdir", "--working-directory /nowhere -- /bin/true", "200", "working directory"),
        (
            "forking-slow",
            "--ready file:/nowhere/x --timeout-start-sec 200ms -- [DIR]/inspect --stay",
            "249",
            "not ready after",
        ),
    ] {
        let dir = Dir::new();
        dir.program("inspect");
        let rest = rest.replace("[DIR]", &dir.path().display().to_string());
        let unit = Unit::write(systemd, name, &text(&dir, name, "--mode classic", &rest));
        // A daemon-reload of another test makes systemd forget how a command ended, so it is started again.
        let tries = std::iter::repeat_with(|| {
            // It would not be started that often.
            systemd.systemctl(["reset-failed", &unit.name]);
            assert_ne!(unit.start().exit, Exit::Status(0));
            assert_eq!(unit.state(&["ActiveState", "Result"]), "failed exit-code");
            unit.show("ExecStart")
        });
        let reported = tries.take(20).find(|reported| !reported.contains("start_time=[n/a]")).unwrap();
        assert!(reported.contains(&format!("status={status}")), "{reported}");
        let stderr = dir.read("said");
        assert!(stderr.starts_with("svcadapt: ") && stderr.contains(words), "{stderr}");
        assert!(!systemd.path(&format!("/run/it-{name}.pid")).exists());
        drop(unit);
        dir.nothing_left();
    }
}

#[test]
fn stop_of_an_unready_forking_unit_leaves_nothing() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let (gate, path) = (Gate::inspect(&dir), dir.path().display());
    let rest = format!("--runtime-directory it-stopped --ready file:/nowhere/x -- {path}/gated --stay");
    let unit = Unit::write(systemd, "forking-stop", &text(&dir, "forking-stop", "--mode classic", &rest));
    unit.begin();
    gate.wait_started();
    assert!(systemd.path("/run/it-stopped").is_dir());
    unit.stop();
    wait_until("it has ended", || (unit.show("ActiveState") != "deactivating").then_some(()));
    assert_eq!(adapters(&dir), NO_PROCESSES);
    assert!(!systemd.path("/run/it-forking-stop.pid").exists());
    assert!(!systemd.path("/run/it-stopped").exists());
    drop(unit);
    dir.nothing_left();
}
