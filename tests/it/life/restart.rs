//! A service is started again as systemd.service(5) says, `Restart=`.

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Capability, Exit, require, wait_until};

#[test]
fn killed_program_is_started_again_with_its_commands() {
    let traced = Traced::new();
    let options = ["--restart", "always", "--restart-sec", "1ms", "--exec-start-pre", "[T] pre"];
    traced.run("classic", &options, "exec sleep 1000").run();
    for round in 1..=3 {
        traced.wait_for_lines(2 * round);
        let main = traced.service.main();
        main.signal(Signal::SIGKILL);
        let log = traced.wait_for_lines(2 * (round + 1));
        assert_eq!(log[2 * round..], ["pre none none none none 32", "program"]);
        wait_until("the program that was started again is the service", || {
            traced.service.running().filter(|now| now.pid() != main.pid())
        });
    }
    let output = traced.ask("status").output();
    assert!(output.stdout.contains("the program was started 4 times"), "{}", output.stdout);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    assert_eq!(traced.log().len(), 8);
    traced.dir.nothing_left();
}

#[test]
fn restart_ends_at_the_start_limit_and_the_failure_is_reported() {
    let traced = Traced::new();
    let options = ["--restart", "on-failure", "--restart-sec", "1ms", "--start-limit-burst", "3"];
    let output = traced.run("supervised", &options, "exit 5").output();
    assert_eq!(output.exit, Exit::Status(5));
    assert_eq!(traced.log(), ["program"; 3]);
    assert!(output.stderr.contains("not started again after 3 starts in 10s"), "{}", output.stderr);
    traced.dir.nothing_left();
}

#[test]
fn exit_that_the_policy_does_not_name_is_final() {
    for (options, program, exit) in [
        (&["--restart", "on-failure"][..], "exit 0", Exit::Status(0)),
        (&["--restart", "on-abnormal"], "exit 5", Exit::Status(5)),
        (&["--restart", "on-success"], "exit 5", Exit::Status(5)),
        (&["--restart", "always", "--restart-prevent-exit-status", "5"], "exit 5", Exit::Status(5)),
        (&["--restart", "on-failure", "--success-exit-status", "5"], "exit 5", Exit::Status(5)),
    ] {
        let traced = Traced::new();
        let output = traced.run("supervised", options, program).output();
        assert_eq!((output.exit, output.stderr.as_str()), (exit, ""), "{options:?}");
        assert_eq!(traced.log(), ["program"], "{options:?}");
        traced.dir.nothing_left();
    }
}

#[test]
fn service_that_runs_too_long_is_stopped_and_started_again() {
    let traced = Traced::new();
    let options = [
        "--restart",
        "always",
        "--restart-sec",
        "1ms",
        "--runtime-max-sec",
        "100ms",
        "--exec-stop-post",
        "[T] stop-post",
        "--start-limit-burst",
        "0",
    ];
    traced.run("classic", &options, "exec sleep 1000").run();
    let log = traced.wait_for_lines(3);
    assert_eq!(log[..3], ["program", "stop-post none timeout killed TERM 32", "program"]);
    traced.ask("stop").stdout("[NAME]: stopped ([ANY]\n").run();
    traced.dir.nothing_left();
}

#[test]
fn program_that_misses_the_watchdog_is_aborted() {
    let traced = Traced::new();
    let options = ["--watchdog-sec", "100ms", "--exec-stop-post", "[T] stop-post"];
    let output =
        traced.run("supervised", &options, "test $WATCHDOG_USEC = 100000 && exec sleep 1000").output();
    assert_eq!(output.exit, Exit::Signal(Signal::SIGABRT as i32));
    assert_eq!(traced.log(), ["program", "stop-post none watchdog killed ABRT 32"]);
    traced.dir.nothing_left();
}

#[test]
fn start_that_fails_again_and_again_leaves_no_directory() {
    if !require(Capability::Root) {
        return;
    }
    for mode in ["classic", "supervised"] {
        let traced = Traced::new();
        let name = traced.service.name().to_owned();
        let options = ["--restart", "on-failure", "--restart-sec", "1ms", "--start-limit-burst", "3"];
        let directories = ["--ready", "tcp:1", "--state-directory", &name, "--runtime-directory", &name];
        let output = traced.run(mode, &[&options[..], &directories].concat(), "exit 5").output();
        assert_eq!(output.exit, Exit::Status(5), "{}", output.stderr);
        assert_eq!(traced.log(), ["program"; 3]);
        for place in ["/var/lib", "/run"] {
            assert!(!std::path::Path::new(place).join(&name).exists(), "{mode} {place}");
        }
        traced.dir.nothing_left();
    }
}

#[test]
fn values_that_may_not_be_set_are_softened_in_each_start_and_command() {
    let traced = Traced::new();
    // Above the kernel's maximum for everyone; who may raise no limit at all, keeps the present one.
    let beyond = ["--limit-nofile", "4000000000", "--nice=-20", "--oom-score-adjust=-1000"];
    let options = ["--restart", "always", "--restart-sec", "1ms", "--exec-reload", "[T] reload"];
    traced.run("classic", &[&options[..], &beyond].concat(), "exec sleep 1000").output();
    let main = traced.service.main();
    traced.ask("reload").stdout("[NAME]: reloaded\n").run();
    main.signal(Signal::SIGKILL);
    assert_eq!(traced.wait_for_lines(3), ["program", "reload main none none none 32", "program"]);
    wait_until("the program that was started again is the service", || {
        traced.service.running().filter(|now| now.pid() != main.pid())
    });
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn log_of_a_daemon_has_the_last_lines_of_its_monitor() {
    let traced = Traced::new();
    let log = traced.dir.join("errors").display().to_string();
    let errors = format!("--standard-error=append:{log}");
    let options =
        ["--on-failure=a.service", "--restart=always", "--restart-sec=1ms", "--start-limit-burst=3", &errors];
    traced.run("classic", &options, "sleep 0.1; echo own >&2; exit 3").output();
    let expected = format!(
        "own\nown\nown\nsvcadapt: {name}: restart '{name}': not started again after 3 starts in 10s\n  \
         hint: StartLimitBurst= and StartLimitIntervalSec= set the limit\n\
         svcadapt: {name}: ended (start-limit-hit): OnFailure= has not started a.service\n",
        name = traced.service.name()
    );
    wait_until("the monitor has said all", || {
        let text = traced.dir.read("errors");
        (text.lines().count() == expected.lines().count()).then_some(())
    });
    assert_eq!(traced.dir.read("errors"), expected);
    traced.dir.wait_nothing_left();
}

#[test]
fn units_that_would_follow_are_named_at_the_end() {
    let traced = Traced::new();
    let options = ["--on-failure", "a.service b@1.target", "--on-success", "c.service"];
    let named = "svcadapt: --on-failure: not honoured here: no other service is started when this one ends: \
                 a.service b@1.target\n\
                 svcadapt: --on-success: not honoured here: no other service is started when this one ends: c.service\n";
    let at_end = |line: &str| format!("{named}svcadapt: [NAME]: ended ({line}\n");
    let failed = at_end("exit-code): OnFailure= has not started a.service b@1.target");
    let watched = [&options[..], &["--restart=on-abort"]].concat();
    traced.run("supervised", &watched, "exit 3").status(3).stderr(&failed).run();
    traced
        .run("supervised", &watched, "true")
        .stderr(&at_end("success): OnSuccess= has not started c.service"))
        .run();
    // Not while it is started again.
    let again = [&options[..], &["--restart=on-failure", "--restart-sec=1ms"]].concat();
    let program = "test $(wc -l <\"$(dirname \"$0\")/log\") = 5";
    traced
        .run("supervised", &again, program)
        .stderr(&at_end("success): OnSuccess= has not started c.service"))
        .run();
    assert_eq!(traced.log().len(), 5);
    // No process stays for it alone.
    traced.run("supervised", &options, "exit 3").status(3).stderr(named).run();
    traced.dir.nothing_left();
}
