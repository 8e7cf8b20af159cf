//! Failures between the exec and the second `enter` are reported by the launcher, and the program keeps its state.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::{becomes, logged, report, seen};
use crate::harness::{Capability, Dir, Exit, Process, Service, Svc, example, require, wait_until};

#[test]
fn exit_before_the_second_enter_is_reported() {
    let (dir, service) = (Dir::new(), Service::new());
    for (deed, how, status) in [("exit=7", "status 7", 7), ("exit=0", "status 0", 248)] {
        becomes(&dir, &service, &[&format!("second:{deed}"), "enter", "ready"])
            .stderr(
                "becomes: start '[NAME]': the program ended with [HOW] before it reached Daemon::enter again\n",
            )
            .name("[HOW]", how)
            .status(status)
            .run();
    }
    becomes(&dir, &service, &["second:panic=ouch", "enter", "ready"])
        .stderr("\nthread 'main' ([ANY]) panicked at tests/tools/becomes.rs:[ANY]\nouch\nnote: [ANY]\nbecomes: start '[NAME]': the program ended with status 101 before it reached Daemon::enter again\n")
        .status(101)
        .run();
    becomes(&dir, &service, &["second:abort", "enter", "ready"])
        .stderr(
            "becomes: start '[NAME]': the program ended by SIGABRT before it reached Daemon::enter again\n",
        )
        .signal(Signal::SIGABRT)
        .run();
    dir.nothing_left();
}

#[test]
fn missing_second_enter_times_out() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["--set", "timeout-start-sec=300ms", "second:sh=sleep 60 >/dev/null 2>&1 &", "second:stay"];
    let begun = Instant::now();
    becomes(&dir, &service, &[&words[..], &["enter", "ready"]].concat())
        .stderr("becomes: start '[NAME]': the program was re-executed, and has not reached Daemon::enter after 300ms\n  hint: main must call it each time; the work before it counts towards timeout_start\n")
        .status(249)
        .run();
    // It obeys SIGTERM, as before the exec.
    assert!(begun.elapsed() < Duration::from_secs(10));
    dir.nothing_left();
}

#[test]
fn second_enter_with_other_settings_is_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    let other = ["second:--set", "second:umask=077"];
    let signal = ["first:--signal", "first:HUP=tell"];
    let detach = ["second:--detach", "second:no"];
    // A changed setting, a missing one, and an additional one.
    let ways: [(&[&str], &str); 6] = [
        (&other, "enter"),
        (&signal, "enter"),
        (&detach, "enter"),
        (&["second:refused"], "enter"),
        (&["first:refused"], "enter"),
        (&["second:--reexecute", "second:never"], "enter"),
    ];
    for (words, enter) in ways {
        becomes(&dir, &service, &[words, &[enter, "ready", "stay"]].concat())
            .stderr("becomes: daemon: the re-executed program requested a different service\n  hint: build the same Daemon each time main runs, and call enter() on no other one before\n")
            .status(2)
            .run();
        assert!(!service.lock().exists(), "{words:?}");
    }
    dir.nothing_left();
}

#[test]
fn second_enter_with_threads_is_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["second:thread", "enter", "ready", "stay"])
        .stderr("becomes: daemon: this process has 2 threads; it must have one to become a service or to drop privileges\n  hint: do it before starting threads or an asynchronous runtime\n")
        .status(2)
        .run();
    dir.nothing_left();
}

#[test]
fn closed_reexec_descriptor_ends_the_program_once() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["close-all", "enter", "ready", "stay"])
        .stderr("daemon: re-exec failed: the handoff descriptor was closed before Daemon::enter\n  hint: do not close inherited descriptors before Daemon::enter, or use Reexecute::Never\nbecomes: start '[NAME]': the program ended with status 2 before it reached Daemon::enter again\n")
        .status(2)
        .run();
    let words = ["second:close-all", "second:stay", "enter", "ready"];
    becomes(&dir, &service, &words)
        .stderr("becomes: start '[NAME]': the program closed its report pipe before it reached Daemon::enter again, and kept running\n  hint: before Daemon::enter, close only descriptors that the program has opened\n")
        .status(248)
        .run();
    dir.nothing_left();
}

#[test]
fn failed_reexec_is_reported() {
    let (dir, service) = (Dir::new(), Service::new());
    dir.own_copy(&example("becomes"), 0o755);
    becomes(&dir, &service, &["first:unexecutable", "enter", "ready", "stay"])
        .stderr("becomes: re-exec '[DIR]/becomes': permission denied\n")
        .status(203)
        .run();
    dir.nothing_left();
}

#[test]
fn reexec_of_a_replaced_file_runs_the_same_program() {
    for deed in ["first:replace=/bin/false", "first:rename=[DIR]/moved"] {
        let (dir, service) = (Dir::new(), Service::new());
        let deed = deed.replace("[DIR]", &dir.path().display().to_string());
        becomes(&dir, &service, &[&deed, "enter", "ready", "stay"]).run();
        logged(&dir, "ready: Ok(Launcher)");
    }
}

#[test]
fn reexec_keeps_arguments_name_and_directory() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["print=a  b\n\u{e9} \"'$", "print=", "enter", "ready", "stay"];
    becomes(&dir, &service, &words).stdout(&"a  b\n\u{e9} \"'$\n\n".repeat(2)).run();
    let main = service.main();
    let argv = seen(&service)["argv"].as_array().unwrap().clone();
    assert_eq!(argv[0], json!(dir.join("becomes").display().to_string()));
    let rest: Vec<&str> = argv.iter().map(|word| word.as_str().unwrap()).collect();
    assert!(rest.ends_with(&words), "{rest:?}");
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", main.pid())).unwrap(), "becomes\n");
    let program = fs::read_link(format!("/proc/{}/exe", main.pid())).unwrap();
    assert_eq!(program, dir.join("becomes"));
}

#[test]
fn ready_daemon_is_the_only_process_left() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", &report(&dir), "ready", "stay"]).run();
    let main = service.main();
    let all = Process::of_program(&dir.join("becomes"));
    assert_eq!(all.iter().map(Process::pid).collect::<Vec<_>>(), [main.pid()]);
    let (_, inside) = dir.reported();
    assert_eq!(inside["pid"], main.pid());
    assert_ne!(seen(&service)["ppid"], inside["ppid"]);
    assert_eq!(inside["sid"], inside["ppid"], "the process between led the session");
}

#[test]
fn killed_process_of_a_start_leaves_the_others_consistent() {
    // The intermediate: where the launcher is a subreaper it gets the same report.
    let (dir, service) = (Dir::new(), Service::new());
    let gate = format!("wait={}", dir.join("gate").display());
    let words = ["enter", &report(&dir), &gate, "ready", "stay"];
    let running = becomes(&dir, &service, &words).spawn();
    let (daemon, inside) = dir.reported();
    let between = Process::open(inside["ppid"].as_i64().unwrap().try_into().unwrap()).unwrap();
    between.signal(Signal::SIGKILL);
    between.wait_gone();
    assert!(running.runs());
    dir.write("gate", "");
    assert_eq!(running.finish().exit, Exit::Status(0));
    logged(&dir, "ready: Ok(Launcher)");
    assert!(daemon.is_alive());
    // The launcher: nothing waits any more, and the service continues.
    let (dir, service) = (Dir::new(), Service::new());
    let gate = format!("wait={}", dir.join("gate").display());
    let words = ["enter", &report(&dir), &gate, "ready", "stay"];
    let running = becomes(&dir, &service, &words).spawn();
    let (daemon, inside) = dir.reported();
    let between = Process::open(inside["ppid"].as_i64().unwrap().try_into().unwrap()).unwrap();
    running.signal(Signal::SIGKILL);
    // Not all of its descriptors go at once.
    wait_until("the launcher has ended", || (!running.runs()).then_some(()));
    between.wait_gone();
    dir.write("gate", "");
    assert_eq!(running.finish().exit, Exit::Signal(Signal::SIGKILL as i32));
    logged(&dir, "ready: Ok(Nobody)");
    assert!(daemon.is_alive());
    assert_eq!(service.main().pid(), daemon.pid());
}

#[test]
fn signal_before_the_second_enter_ends_the_program() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["second:sh=kill $PPID", "second:stay", "enter", "ready"];
    becomes(&dir, &service, &words)
        .via_hostile(&["--only", "cwd"])
        .stderr(
            "becomes: start '[NAME]': the program ended by SIGTERM before it reached Daemon::enter again\n",
        )
        .signal(Signal::SIGTERM)
        .run();
    dir.nothing_left();
}

#[test]
fn reexec_variable_is_hidden_from_children_and_later_programs() {
    let (dir, service) = (Dir::new(), Service::new());
    let list = "sh=env | grep -c SVCADAPT; ls /proc/self/fd | wc -w";
    let words = ["--set", "clean-environment=no", "--set", "pass-environment=SVCADAPT_REEXEC"];
    becomes(&dir, &service, &[&words[..], &["enter", list, "ready", "stay"]].concat()).run();
    // The standard streams, and the directory that `ls` reads.
    logged(&dir, "sh: \"0\\n4\\n\"");
    // The same process after its own exec counts as a newly started program.
    let (dir, first, second) = (Dir::new(), Service::new(), Service::new());
    let log = dir.join("second.log").display().to_string();
    let become_it = format!(
        "become=--log {log} --detach yes --reexecute always --set name={} enter mode ready stay",
        second.name()
    );
    becomes(&dir, &first, &["enter", "ready", &become_it]).run();
    wait_until("it has started anew", || second.running());
    let read = || dir.join("second.log").exists().then(|| dir.read("second.log"));
    wait_until("it is ready", || read().filter(|text| text.contains("ready: Ok(Launcher)")));
    Svc::new(&dir).args(["stop", second.name()]).output();
    wait_until("the first has gone with its launcher's work", || first.running().is_none().then_some(()));
}

/// Our pids are not valid there; without this it would execute itself for ever.
#[test]
fn reexec_with_a_foreign_proc_happens_once() {
    if !require(Capability::Root) {
        return;
    }
    // The launcher is process 1 there, so its exit ends every process.
    let dir = Dir::new();
    let (program, log) =
        (dir.program("becomes").display().to_string(), dir.join("log").display().to_string());
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--kill-child", &program, "--log", &log, "--detach", "yes", "--reexecute", "always"])
        .args(["print=here", "enter", "ready", "stay"])
        .stdout("here\nhere\n")
        .run();
}
