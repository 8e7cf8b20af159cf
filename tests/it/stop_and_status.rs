//! `svcadapt status` reports truly, and `svcadapt stop` ends the service and no other process.

mod concurrent;
mod foreign_pid_file;
mod leftovers;
mod managers;
mod namespaces;
mod record_location;
mod strangers;
mod support;
mod without_pidfd;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Service, query};

use crate::harness::{Capability, Exit, Svc, facts, require, wait_until};

const STAY: &[&str] = &["--stay"];

#[test]
fn status_and_stop_use_the_lsb_exit_statuses() {
    let service = Service::new("lsb");
    service.status().stdout("[NAME]: not running\n").status(3).run();
    service.start(STAY).run();
    service
        .status()
        .stdout("[NAME]: running, process [PID], since [PID] s\n  program: [DIR]/inspect\n  pid file: [DIR]/pid\n")
        .run();
    let pid = service.pid();
    let (status, mut reported) = service.query();
    assert!(reported.as_object_mut().unwrap().remove("since_seconds").unwrap().as_u64().unwrap() < 60);
    let expected = json!({
        "name": service.name,
        "state": "running",
        "pid": pid,
        "ready": true,
        "program": service.dir.join("inspect"),
        "pid_file": service.pid_file(),
        "lock": service.lock(),
    });
    assert_eq!((status, reported), (0, expected));
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    service.dir.nothing_left();
    assert!(!service.pid_file().exists() && !service.lock().exists());
    service.stop().stdout("[NAME]: not running\n").run();
    service.status().stdout("[NAME]: not running\n").status(3).run();
}

#[test]
fn name_or_pid_file_is_required() {
    let service = Service::new("meant");
    for words in [&["status"][..], &["stop"], &["stop", "a", "--pid-file", "/run/a.pid"]] {
        assert_eq!(Svc::new(&service.dir).args(words).output().exit, Exit::Status(2));
    }
    Svc::new(&service.dir)
        .args(["stop", "../x"])
        .stderr("svcadapt: name '../x': invalid character '/' in the name of a service\n[ANY]\n")
        .status(2)
        .run();
    Svc::new(&service.dir)
        .args(["status", "--pid-file", "x\u{1b}.pid"])
        .stderr("svcadapt: pid file 'x\\u{1b}.pid': not an absolute path\n  hint: start the path with '/'\n")
        .status(2)
        .run();
}

#[test]
fn pid_file_identifies_its_service() {
    let service = Service::started("file", STAY);
    let pid_file = service.pid_file();
    let (status, reported) = query(Svc::new(&service.dir).args(["status", "--pid-file"]).args([&pid_file]));
    assert_eq!(
        (status, &reported["name"], &reported["pid"]),
        (0, &json!(service.name), &json!(service.pid()))
    );
    // Through a link, like /var/run.
    std::os::unix::fs::symlink(service.dir.path(), service.dir.join("link")).unwrap();
    Svc::new(&service.dir)
        .args(["stop", "--pid-file"])
        .args([service.dir.join("link/pid")])
        .stdout(&format!("{}: stopped (SIGTERM, [ANY] s)\n", service.name))
        .run();
    service.dir.nothing_left();

    let inspect = service.dir.program("inspect");
    let run = ["run", "--mode", "classic", "--ready", "fd:7", "--pid-file"];
    let end = ["--ready", "fd:7", "--stay"];
    Svc::new(&service.dir).args(run).args([&pid_file]).args(["--"]).args([inspect]).args(end).run();
    let (status, reported) = query(Svc::new(&service.dir).args(["status", "--pid-file"]).args([&pid_file]));
    assert_eq!((status, &reported["name"], &reported["pid"]), (0, &Value::Null, &json!(service.pid())));
    let stop = || Svc::new(&service.dir).args(["stop", "--pid-file"]).args([&pid_file]);
    stop().stdout("[DIR]/pid: stopped (SIGTERM, [ANY] s)\n").run();
    assert!(!pid_file.exists());
    assert!(!fs::exists(reported["lock"].as_str().unwrap()).unwrap());
    stop().stdout("[DIR]/pid: not running\n").run();
}

#[test]
fn killed_service_is_reported_dead_and_restarts() {
    let service = Service::started("killed", STAY);
    let process = service.process();
    process.signal(Signal::SIGKILL);
    process.wait_gone();
    service
        .status()
        .name("[OLD]", process.pid())
        .stdout("[NAME]: dead, process [OLD] has ended\n  program: [DIR]/inspect\n  pid file: [DIR]/pid\n")
        .status(1)
        .run();
    let (status, reported) =
        query(Svc::new(&service.dir).args(["status", "--pid-file"]).args([service.pid_file()]));
    assert_eq!((status, &reported["state"], &reported["pid"]), (1, &json!("dead"), &json!(process.pid())));
    service.start(STAY).run();
    assert_eq!(service.query().0, 0);
    assert_ne!(service.pid(), process.pid());
    // Dead again, and cleaned up by a stop.
    let process = service.process();
    process.signal(Signal::SIGKILL);
    process.wait_gone();
    service.stop().stdout("[NAME]: not running\n").run();
    assert!(!service.pid_file().exists() && !service.lock().exists());
    assert_eq!(service.query().0, 3);
}

#[test]
fn commands_on_several_services_act_on_each_of_them() {
    let (one, two) = (Service::started("one", STAY), Service::started("two", STAY));
    let words = [one.name.as_str(), "no-such-service", two.name.as_str()];
    let all = |command: &str| {
        let svc = Svc::new(&one.dir).args([command]).args(words);
        svc.name("[ONE]", &one.name).name("[TWO]", &two.name)
    };
    let before = (one.pid(), two.pid());
    all("restart").stdout("[ONE]: restarted\n[TWO]: restarted\n").stderr("[ANY]\n[ANY]\n").status(5).run();
    assert!(one.pid() != before.0 && two.pid() != before.1);
    let pages = all("status").output();
    assert_eq!(pages.exit, Exit::Status(3));
    assert_eq!(pages.stdout.matches(": running, process ").count(), 2);
    let objects = query(all("status")).1;
    assert_eq!(
        objects.as_array().unwrap().iter().map(|one| &one["state"]).collect::<Vec<_>>(),
        ["running", "not running", "running"]
    );
    let stopped = "[ONE]: stopped (SIGTERM, [ANY] s)\nno-such-service: not running\n[TWO]: stopped (SIGTERM, [ANY] s)\n";
    all("stop").stdout(stopped).run();
    one.dir.nothing_left();
    two.dir.nothing_left();
}

#[test]
fn service_that_ignores_sigterm_is_killed_after_the_timeout() {
    let service = Service::started("deaf", &["--deaf"]);
    let killed = "[NAME]: stopped (SIGKILL after 0.[PID] s)\n";
    service.stop().args(["--timeout-stop-sec", "300ms"]).stdout(killed).run();
    service.dir.nothing_left();
    assert!(!service.pid_file().exists());

    // The service's own timeout, where no option sets one.
    let inspect = service.dir.program("inspect");
    let run = service.run(&["--ready", "fd:7", "--timeout-stop-sec", "400ms"]).args([inspect]);
    run.args(["--ready", "fd:7", "--deaf"]).run();
    service.stop().stdout(killed).run();
    service.dir.nothing_left();
}

#[test]
fn stop_sends_the_kill_signal_of_the_spec() {
    let service = Service::new("signal");
    let inspect = service.dir.program("inspect");
    for (given, name) in [("INT", "SIGINT"), ("SIGRTMIN+3", "SIGRTMIN+3")] {
        let run = service.run(&["--ready", "fd:7", "--kill-signal", given]).args([&inspect]);
        run.args(["--ready", "fd:7", "--stay"]).run();
        service.stop().stdout(&format!("[NAME]: stopped ({name}, [ANY] s)\n")).run();
        service.dir.nothing_left();
    }
}

#[test]
fn service_that_blocks_sigterm_is_killed() {
    let service = Service::new("blocked");
    let (hostile, inspect) = (service.dir.program("hostile"), service.dir.program("inspect"));
    let run = service.run(&["--ready", "fd:7"]).args([hostile]).args(["--only", "blocked"]).args([inspect]);
    run.args(["--ready", "fd:7", "--stay"]).run();
    let blocked = &facts(&service.pid().to_string()).unwrap()["signals"]["blocked"];
    assert!(blocked.as_array().unwrap().contains(&json!(15)), "{blocked}");
    let stop = service.stop().args(["--timeout-stop-sec", "300ms"]);
    stop.stdout("[NAME]: stopped (SIGKILL after 0.[PID] s)\n").run();
    service.dir.nothing_left();
}

#[test]
fn suspended_service_is_stopped() {
    let service = Service::started("sigstop", STAY);
    service.process().suspend();
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    service.dir.nothing_left();
}

#[test]
fn stop_ends_the_whole_session() {
    let service = Service::new("session");
    let (sleep, inspect) = (service.dir.program("/bin/sleep"), service.dir.program("inspect"));
    // One obeys SIGTERM, one has to be killed.
    let script =
        r#""$0" 120 3>&- & "$1" --out deaf --deaf 3>&- & while ! [ -e deaf ]; do :; done; echo >&3; wait"#;
    let wd = format!("--working-directory={}", service.dir.path().display());
    let run =
        service.run(&["--ready", "fd:3", &wd]).args(["/bin/sh", "-c", script]).args([sleep]).args([inspect]);
    run.run();
    // The report is written before SIGTERM is ignored.
    let deaf = service.dir.report("deaf")["pid"].to_string();
    wait_until("SIGTERM is ignored", || {
        let ignored = facts(&deaf).unwrap()["signals"]["ignored"].clone();
        ignored.as_array().unwrap().contains(&json!(15)).then_some(())
    });
    let stop = service.stop().args(["--timeout-stop-sec", "500ms"]);
    stop.stdout("[NAME]: stopped (SIGTERM, [ANY] s); 2 processes that it left behind have ended too\n").run();
    service.dir.nothing_left();
}

#[test]
fn program_that_closes_the_lock_is_found_by_its_record() {
    let service = Service::started("closed", &["--close", "32", "--stay"]);
    let descriptors = &facts(&service.pid().to_string()).unwrap()["fds"];
    assert_eq!(descriptors.get("32"), None, "{descriptors}");
    let (status, reported) = service.query();
    assert_eq!((status, &reported["pid"]), (0, &json!(service.pid())));
    let already = "svcadapt: start '[NAME]': already running as process [OLD]\n";
    let again = service.start(STAY).name("[NAME]", &service.name).name("[OLD]", service.pid());
    again.stderr(already).status(250).run();
    assert_eq!(service.query().0, 0);
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    service.dir.nothing_left();
    assert_eq!(service.query().0, 3);
}

#[test]
fn ordinary_user_may_query_but_not_stop_a_root_service() {
    if !require(Capability::Root) {
        return;
    }
    let service = Service::started("user", STAY);
    let modes = [service.lock(), service.record()].map(|path| fs::metadata(path).unwrap().mode() & 0o777);
    assert_eq!(modes, [0o600, 0o644]);
    let (status, reported) = query(service.status().by("nobody"));
    assert_eq!((status, &reported["pid"]), (0, &json!(service.pid())));
    service
        .stop()
        .by("nobody")
        .stderr(
            "svcadapt: stop '[NAME]': process [PID] may not be signalled: permission denied\n  \
             hint: it runs as another user; stop it as root\n",
        )
        .status(4)
        .run();
    assert_eq!(service.query().0, 0);
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    // Also where the program has closed the lock.
    service.start(&["--close", "32", "--stay"]).run();
    assert_eq!(query(service.status().by("nobody")).0, 0);
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
}

#[test]
fn unreadable_record_is_reported_as_unknown() {
    if !require(Capability::Root) {
        return;
    }
    let service = Service::started("unreadable", STAY);
    fs::set_permissions(service.record(), fs::Permissions::from_mode(0o600)).unwrap();
    let lock = service.lock().display().to_string();
    let unknown = "[NAME]: unknown, [LOCK] may not be read\n  hint: run this as root\n";
    service.status().by("nobody").name("[LOCK]", &lock).stdout(unknown).status(4).run();
    let denied = "svcadapt: stop '[NAME]': [LOCK] may not be read\n  hint: run this as root\n";
    service.stop().by("nobody").name("[LOCK]", &lock).stderr(denied).status(4).run();
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
}

#[test]
fn exit_status_is_true_when_output_fails() {
    let service = Service::started("full", STAY);
    let ask = |word: &str, out: &str| {
        let line = format!("exec \"$0\" {word} {} >{out}", service.name);
        Svc::new(&service.dir).program("/bin/sh").args(["-c", &line, env!("CARGO_BIN_EXE_svcadapt")])
    };
    let full = "svcadapt: standard output: no space left on device\n";
    ask("status", "/dev/full").stderr(full).status(0).run();
    ask("status", "&-").status(0).run();
    ask("stop", "/dev/full").stderr(full).status(0).run();
    ask("status", "/dev/full").stderr(full).status(3).run();
}
