//! Requests to a service that has no main process just now: its monitor is no substitute.

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::wait_until;

/// `signal` and `reload` say that there is no main process, and the monitor lives on.
fn requests_are_refused(traced: &Traced, phase: &str, reload: bool) {
    let monitor = traced.service.monitor().unwrap();
    let why = |command: &str| {
        format!(
            "svcadapt: {command} '[NAME]': it has no main process now ({phase})\n  hint: `svcadapt status` shows its state\n"
        )
    };
    for number in ["TERM", "KILL", "USR1"] {
        traced.ask("signal").args(["-s", number]).stderr(&why("signal")).status(7).run();
    }
    if reload {
        traced.ask("reload").stderr(&why("reload")).status(7).run();
    }
    assert!(monitor.is_alive());
    assert_eq!(traced.service.monitor().unwrap().pid(), monitor.pid());
}

#[test]
fn signal_and_reload_in_a_restart_delay_do_not_reach_the_monitor() {
    for reload in [["--reload-signal", "USR1"], ["--exec-reload", "[T] reload"]] {
        let traced = Traced::new();
        let options = ["--restart", "always", "--restart-sec", "1000s", reload[0], reload[1]];
        traced.run("classic", &options, "exec sleep 1000").run();
        traced.wait_for_lines(1);
        traced.service.main().signal(Signal::SIGKILL);
        wait_until("the service waits for its restart", || {
            traced.ask("status").output().stdout.contains(": restarting").then_some(())
        });
        requests_are_refused(&traced, "auto-restart", true);
        traced.ask("stop").stdout("[NAME]: stopped ([ANY] s)\n").run();
        assert_eq!(traced.log(), ["program"]);
        traced.dir.nothing_left();
    }
}

#[test]
fn signal_and_reload_before_the_program_do_not_reach_the_monitor() {
    let traced = Traced::new();
    let log = traced.dir.join("log").display().to_string();
    let before = format!("--exec-start-pre=/bin/sh -c 'echo pre >>{log}; exec sleep 1000'");
    let options = [before.as_str(), "--exec-reload=[T] reload"];
    let running = traced.run("classic", &options, "exec sleep 1000").spawn();
    traced.wait_for_lines(1);
    requests_are_refused(&traced, "start-pre", true);
    running.signal(Signal::SIGTERM);
    running.finish();
    assert_eq!(traced.log(), ["pre"]);
    traced.dir.nothing_left();
}

#[test]
fn signal_to_a_service_that_has_exited_does_not_reach_the_monitor() {
    let traced = Traced::new();
    let options = ["--type", "oneshot", "--remain-after-exit", "--exec-reload", "[T] reload"];
    traced.run("classic", &options, "exit 0").run();
    requests_are_refused(&traced, "exited", false);
    // systemd runs ExecReload= of such a service.
    traced.ask("reload").stdout("[NAME]: reloaded\n").run();
    assert_eq!(traced.log(), ["program", "reload none none none none 32"]);
    traced.ask("stop").stdout("[NAME]: stopped ([ANY] s)\n").run();
    traced.dir.nothing_left();
}
