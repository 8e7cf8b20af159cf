//! The commands of a service run in the order of systemd.service(5), with the variables of systemd.exec(5).

use super::support::Traced;
use crate::harness::{Capability, Exit, Svc, require};

const COMMANDS: [&str; 6] = [
    "--exec-condition=[T] condition",
    "--exec-start-pre=[T] pre",
    "--exec-start-pre=-[T] pre2 7",
    "--exec-start-post=[T] post",
    "--exec-stop=[T] stop",
    "--exec-stop-post=[T] stop-post",
];

const STARTED: [&str; 5] = [
    "condition none none none none 32",
    "pre none none none none 32",
    "pre2 none none none none 32",
    "program",
    "post main none none none 32",
];

/// The program may begin after the command beside it.
fn in_order(mut log: Vec<String>) -> Vec<String> {
    log[3..5].sort_by(|one, other| other.cmp(one));
    log
}

#[test]
fn commands_of_a_daemon_run_in_order_with_their_variables() {
    let traced = Traced::new();
    traced.run("classic", &COMMANDS, "exec sleep 1000").run();
    assert_eq!(in_order(traced.wait_for_lines(5)), STARTED);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    let stopped = ["stop main success none none 32", "stop-post none success killed TERM 32"];
    assert_eq!(in_order(traced.log()), [&STARTED[..], &stopped].concat());
    traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
    traced.dir.nothing_left();
}

#[test]
fn commands_of_a_supervised_service_run_in_order_with_their_variables() {
    let traced = Traced::new();
    let running = traced.run("supervised", &COMMANDS, "exit 3").spawn();
    let output = running.finish();
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(3), ""));
    // The program may end before the command beside it begins.
    let log = in_order(traced.log());
    assert_eq!(log[..4], STARTED[..4]);
    assert!(log[4] == STARTED[4] || log[4] == "post none none none none 32", "{log:?}");
    // systemd runs ExecStop only for a service that has not failed.
    assert_eq!(log[5..], ["stop-post none exit-code exited 3 32"]);
    traced.dir.nothing_left();
}

#[test]
fn commands_of_process_1_of_a_container_run_in_order() {
    if !require(Capability::Root) {
        return;
    }
    let traced = Traced::new();
    let svcadapt = traced.dir.program("svcadapt").display().to_string();
    let trace = traced.dir.join("trace").display().to_string();
    let program = traced.dir.join("program").display().to_string();
    let options = COMMANDS.map(|word| word.replace("[T]", &trace));
    Svc::new(&traced.dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--mount-proc", "--kill-child"])
        .args([svcadapt, "run".to_owned()])
        .args(options)
        .args(["--", &program, "exit 4"])
        .status(4)
        .run();
    let log = in_order(traced.log());
    assert_eq!(log[..4], STARTED[..4]);
    assert_eq!(log[5..], ["stop-post none exit-code exited 4 32"]);
}

#[test]
fn failed_command_before_the_program_is_reported_and_nothing_is_left() {
    let traced = Traced::new();
    let options =
        ["--exec-start-pre", "[T] pre 7", "--exec-stop", "[T] stop", "--exec-stop-post", "[T] stop-post"];
    traced
        .run("classic", &options, "exec sleep 1000")
        .stderr("svcadapt: ExecStartPre '[DIR]/trace pre 7': the command exited with status 7\n")
        .status(7)
        .run();
    assert_eq!(traced.log(), ["pre none none none none 32", "stop-post none exit-code none none 32"]);
    traced.dir.nothing_left();
    assert!(!traced.service.record().exists() && !traced.service.lock().exists());
}

#[test]
fn command_that_cannot_be_executed_is_reported_by_its_path() {
    let traced = Traced::new();
    traced
        .run("classic", &["--exec-start-pre", "/nowhere/x"], "exec sleep 1000")
        .stderr("svcadapt: exec '/nowhere/x': there is no such file\n")
        .status(203)
        .run();
    assert_eq!(traced.log(), [""; 0]);
    traced.dir.nothing_left();
}

#[test]
fn unmet_condition_command_starts_nothing_and_is_no_failure() {
    let traced = Traced::new();
    let options = ["--exec-condition", "[T] condition 1", "--restart", "always"];
    traced.run("classic", &options, "exec sleep 1000").run();
    assert_eq!(traced.log(), ["condition none none none none 32"]);
    traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
    traced.dir.nothing_left();
}

#[test]
fn oneshot_service_runs_all_its_commands_and_stays_active() {
    let traced = Traced::new();
    let options =
        ["--type", "oneshot", "--exec-start", "[T] second", "--remain-after-exit", "--exec-stop", "[T] stop"];
    traced.run("classic", &options, "exit 0").run();
    assert_eq!(traced.log(), ["program", "second none none none none 32"]);
    let output = traced.ask("status").output();
    assert!(output.stdout.contains(": exited"), "{}", output.stdout);
    traced.ask("stop").stdout("[NAME]: stopped ([ANY] s)\n").run();
    assert_eq!(traced.log()[2..], ["stop none success exited 0 32"]);
    traced.dir.nothing_left();
}

#[test]
fn command_that_never_ends_is_ended_by_the_start_timeout() {
    let traced = Traced::new();
    let options = ["--exec-start-pre", "/bin/sleep 1000", "--timeout-start-sec", "200ms"];
    let output = traced.run("classic", &options, "exec sleep 1000").output();
    assert_ne!(output.exit, Exit::Status(0));
    assert!(output.stderr.starts_with("svcadapt: ExecStartPre '/bin/sleep 1000'"), "{}", output.stderr);
    assert_eq!(traced.log(), [""; 0]);
    traced.dir.nothing_left();
}

#[test]
fn privilege_prefix_of_the_program_holds_in_each_mode() {
    if !require(Capability::Root) {
        return;
    }
    for (prefix, identity) in [("", "65534\n"), ("!", "0\n"), ("+", "0\n"), ("!!", "65534\n")] {
        for mode in ["classic", "supervised"] {
            let traced = Traced::new();
            let unit = format!(
                "[Service]\nUser=65534\nGroup=65534\nStandardOutput=file:{}\nExecStart={prefix}/usr/bin/id -u\n",
                traced.dir.join("identity").display()
            );
            let file = traced.dir.write("prefix.service", &unit).display().to_string();
            let name = traced.service.name();
            Svc::new(&traced.dir)
                .args(["run", "--mode", mode, "--type", "oneshot", "--name", name, &file])
                .run();
            assert_eq!(traced.dir.read("identity"), identity, "{prefix} {mode}");
        }
    }
}
