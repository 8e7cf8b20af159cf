//! The query to the manager, answered by a stand-in for systemctl(1), in a control group that looks like a service's.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::{PROGRAM, Started, clean, decided, facts};
use crate::harness::{Capability, Dir, require, skip};

const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// Runs `detect` as a child in `NAME.service`, with this shell text as systemctl. `/run` is empty except for systemd's
/// mark; the arguments of systemctl are written to `told`.
fn detected_with(name: &str, systemctl: &str) -> Option<(Value, String)> {
    if !require(Capability::Root) {
        return None;
    }
    if !Path::new(SYSTEMCTL).exists() {
        skip("systemctl", "it is not installed");
        return None;
    }
    let directory = Dir::new();
    let path = directory.path().display();
    let unit = format!("svcadapt-{name}-{}.service", std::process::id());
    directory.executable(
        "systemctl",
        &format!("#!/bin/sh\nenv > '{path}/env'; echo \"$@\" > '{path}/told'\n{systemctl}"),
    );
    let shell = format!(
        "mount --bind '{path}/systemctl' {SYSTEMCTL} && mount -t tmpfs none /run && mkdir -p /run/systemd/system \
         && mkdir '{path}/cg' && mount -t cgroup2 none '{path}/cg' && cd '{path}/cg' || exit 1\n\
         mkdir {unit} && echo $$ > {unit}/cgroup.procs || exit 1\n\
         '{PROGRAM}' detect --json\n\
         echo $$ > cgroup.procs; rmdir {unit}"
    );
    let mut command = clean("setsid");
    command.args(["-w", "unshare", "-m", "--propagation", "private", "sh", "-c", &shell]);
    let value = Started::new(command.env("SECRET", "x")).ended();
    let environment = directory.read("env");
    assert!(!environment.contains("SECRET"), "systemctl has seen {environment}");
    let arguments = directory.read("told");
    assert_eq!(arguments, format!("show -p Type -p MainPID -- {unit}\n"));
    Some((value, unit))
}

#[test]
fn forking_unit_is_detected_by_the_managers_answer() {
    if let Some((value, _)) = detected_with("forks", "echo MainPID=0; echo Type=forking") {
        assert_eq!(facts(&value), ["classic", "systemd"]);
        assert_eq!(decided(&value), ("manager's answer", Some("Type=forking MainPID=0")));
    }
}

#[test]
fn main_process_of_an_old_systemd_is_detected_by_its_answer() {
    // The parent of systemctl is the process that asks for the answer.
    if let Some((value, _)) = detected_with("main", "echo Type=notify; echo MainPID=$PPID") {
        assert_eq!(facts(&value), ["supervised", "systemd"]);
        assert_eq!(decided(&value).0, "manager's answer");
    }
}

#[test]
fn process_below_the_main_process_is_supervised_without_manager() {
    if let Some((value, unit)) = detected_with("below", "echo Type=simple; echo MainPID=1") {
        assert_eq!(facts(&value), ["supervised", "none"]);
        let (fact, path) = decided(&value);
        assert_eq!(fact, "cgroup");
        assert!(path.unwrap().ends_with(&unit), "{path:?}");
    }
}

#[test]
fn silent_manager_is_awaited_for_two_seconds() {
    let begin = Instant::now();
    if let Some((value, _)) = detected_with("silent", "echo Type=forking; exec sleep 600") {
        assert_eq!(facts(&value), ["supervised", "none"]);
        assert_eq!(decided(&value).0, "cgroup");
        assert!(begin.elapsed() >= Duration::from_secs(2));
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn failed_or_malformed_answer_is_ignored() {
    for (name, systemctl) in [("fails", "exit 1"), ("nonsense", "echo Type=; echo MainPID=many")] {
        if let Some((value, _)) = detected_with(name, systemctl) {
            assert_eq!(facts(&value), ["supervised", "none"]);
        }
    }
}
