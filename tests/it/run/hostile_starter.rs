//! The daemon's state is that of its spec, whatever its starter's state.

use nix::unistd::{User, geteuid};
use serde_json::{Value, json};

use super::{inspect, run, stop};
use crate::harness::{Capability, Dir, Svc, facts, require};

/// Every hostile state alone, the two that are options, and all at once.
const STARTERS: [&[&str]; 15] = [
    &["--only", "fds"],
    &["--only", "fds,nofile"],
    &["--only", "nofile"],
    &["--only", "core"],
    &["--only", "oom"],
    &["--only", "groups"],
    &["--only", "ignored"],
    &["--only", "blocked"],
    &["--only", "umask"],
    &["--only", "cwd"],
    &["--only", "env"],
    &["--only", "cwd", "--close-stdio"],
    &["--only", "cwd", "--tty"],
    &["--only", "nice"],
    &[],
];

/// The facts of a daemon of this user with an empty spec.
fn expected(user: &User) -> Value {
    let ids = |id: u32| json!({ "real": id, "effective": id, "saved": id });
    let device = json!({
        "target": "/dev/null", "access": "rdwr", "append": false, "nonblock": false, "cloexec": false
    });
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    // As under systemd, root's account is not exported unless a user was set.
    let env = if user.uid.is_root() {
        json!({ "PATH": path })
    } else {
        let mut env = json!({ "HOME": user.dir, "LOGNAME": user.name, "PATH": path, "USER": user.name });
        // Nor is a shell that permits no login.
        if !user.shell.ends_with("nologin") {
            env["SHELL"] = json!(user.shell);
        }
        env
    };
    json!({
        "uid": ids(user.uid.as_raw()),
        "gid": ids(user.gid.as_raw()),
        "groups": [],
        "umask": "0022",
        "cwd": "/",
        "root": "/",
        "tty_nr": 0,
        "nice": 0,
        "oom_score_adj": 0,
        "no_new_privs": 0,
        "threads": 1,
        "signals": { "blocked": [], "ignored": [], "caught": [] },
        "fds": { "0": device, "1": device, "2": device },
        "env": env,
    })
}

/// The kernel's initial soft limits, as far as the hard limits allow.
fn expected_limits(hard: &Value) -> Value {
    let mut limits = hard.clone();
    for (name, first) in [
        ("Max cpu time", "unlimited"),
        ("Max file size", "unlimited"),
        ("Max data size", "unlimited"),
        ("Max stack size", "8388608"),
        ("Max core file size", "0"),
        ("Max resident set", "unlimited"),
        ("Max open files", "1024"),
        ("Max address space", "unlimited"),
        ("Max file locks", "unlimited"),
    ] {
        let hard = limits[name]["hard"].clone();
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        let soft = if number(first) <= number(hard.as_str().unwrap()) { json!(first) } else { hard };
        limits[name]["soft"] = soft;
    }
    limits
}

/// Compares the daemon with the expected facts, from inside and from outside.
fn check(dir: &Dir, svc: Svc<'_>, expected: &Value) {
    let line = svc.to_string();
    svc.run();
    let (process, mut inside) = dir.reported();
    let mut outside = facts(&process.pid().to_string()).unwrap();
    // Its own handler, set after the report.
    outside["signals"]["caught"] = json!([]);
    // The lock, by which it is found.
    for seen in [&mut inside, &mut outside] {
        assert!(seen["fds"].as_object_mut().unwrap().remove("32").is_some(), "{line}");
    }
    // Variables that svcadapt itself sets.
    for seen in [&mut inside, &mut outside] {
        let own = format!("{}:{}", process.pid(), seen["start_time"]);
        assert_eq!(
            seen["env"].as_object_mut().unwrap().remove("SVCADAPT_PROCESS"),
            Some(json!(own)),
            "{line}"
        );
    }
    for (view, seen) in [("inside", &inside), ("outside", &outside)] {
        for (fact, value) in expected.as_object().unwrap() {
            assert_eq!(&seen[fact], value, "{line}: {fact} from {view}");
        }
        assert_eq!(seen["limits"], expected_limits(&facts("self").unwrap()["limits"]), "{line}: from {view}");
        assert_ne!(seen["sid"], seen["pid"], "{line}: it leads its session");
        assert_eq!(seen["sid"], seen["pgrp"], "{line}: its group is not the one of its session");
        assert_ne!(seen["sid"], facts("self").unwrap()["sid"], "{line}: it is in our session");
        // The session has no leader, so it cannot acquire a terminal.
        assert!(facts(&seen["sid"].to_string()).is_err(), "{line}: the session has a leader");
    }
    assert_eq!(outside["ppid"], json!(1), "{line}: it has a parent");
    assert_eq!(outside["capabilities"]["ambient"], json!("0000000000000000"), "{line}");
    assert_eq!(outside["capabilities"]["inheritable"], json!("0000000000000000"), "{line}");
    stop(&process);
    std::fs::remove_file(dir.join("report")).unwrap();
}

/// The line for a person, where standard error is a terminal.
fn seen_at_the_terminal(starter: &[&str]) -> &'static str {
    let has_terminal = starter.contains(&"--tty") && !starter.contains(&"--close-stdio");
    if has_terminal { "inspect[ANY]: running, pid [PID], ready after [ANY] s\n" } else { "" }
}

#[test]
fn state_of_a_hostile_starter_does_not_reach_a_daemon_of_root() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let user = User::from_uid(geteuid()).unwrap().unwrap();
    let ready = format!("--ready=file:{}", dir.join("report").display());
    for starter in STARTERS.iter().chain(&[&["--tty", "--close-stdio"][..]]) {
        let svc = run(&dir, &[&ready, "--standard-output=null"]).args(inspect(&dir)).via_hostile(starter);
        let svc = svc.stdout(seen_at_the_terminal(starter));
        check(&dir, svc, &expected(&user));
    }
    dir.nothing_left();
}

#[test]
fn state_of_a_hostile_starter_does_not_reach_a_daemon_of_a_user() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let user = User::from_name("nobody").unwrap().unwrap();
    let ready = format!("--ready=file:{}", dir.join("report").display());
    for starter in STARTERS {
        let svc = run(&dir, &[&ready, "--standard-output=null"])
            .args(inspect(&dir))
            .via_hostile(starter)
            .stdout(seen_at_the_terminal(starter))
            .by("nobody");
        let mut expected = expected(&user);
        // Only root can lower its nice level again.
        if starter.is_empty() || starter.contains(&"nice") {
            expected["nice"] = json!(5);
        }
        check(&dir, svc, &expected);
    }
    dir.nothing_left();
}
