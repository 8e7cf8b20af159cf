//! The behaviour on a Mac, as far as it can be tested without one, and the script for the first Mac.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::harness::{Capability, Dir, SOURCES, require};

fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(Path::new(SOURCES).join("tests/macos/run"));
    command
}

#[test]
fn mac_script_writes_its_report_without_a_mac() {
    let dir = Dir::new();
    let svcadapt = Path::new(env!("CARGO_BIN_EXE_svcadapt"));
    let probe = svcadapt.with_file_name("examples/probe");
    assert!(probe.exists(), "{} is missing; run `cargo build --examples`", probe.display());
    symlink(svcadapt, dir.join("svcadapt")).unwrap();
    symlink(probe, dir.join("probe")).unwrap();
    // Root continues a report that a user has begun.
    dir.write("report", "");
    let done = script()
        .args(["facts", "probe"])
        .env("SVCADAPT_MAC_BIN", dir.path())
        .env("SVCADAPT_MAC_REPORT", dir.join("report"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let report = dir.read("report");
    for part in ["== facts, as ", "$ uname -a", "== probe, as ", "\nfull-queue-refuses: ", "== end, as "] {
        assert!(report.contains(part), "{part} is not in the report:\n{report}");
    }
    assert!(!report.contains("DIFFERS"), "{report}");
}

#[test]
fn mac_script_lists_its_stages_and_refuses_an_unknown_one() {
    let listed = script().arg("--list").output().unwrap();
    let stages: Vec<String> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(stages, ["facts", "units", "probe", "detect", "classic", "launchd", "supervisors"]);
    assert_eq!(script().arg("nosuch").output().unwrap().status.code(), Some(2));
}

#[test]
fn unsupported_fsync_is_ignored_and_a_failed_one_reported() {
    if !require(Capability::Strace) {
        return;
    }
    let dir = Dir::new();
    for (errno, status, written) in [("EINVAL", 0, true), ("EOPNOTSUPP", 0, true), ("EIO", 1, false)] {
        let done = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject=fsync:error={errno}")])
            .arg(env!("CARGO_BIN_EXE_svcadapt"))
            .args(["gen-plist", "--output"])
            .arg(dir.path())
            .args(["--name", errno, "--", "/bin/true"])
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(status), "{errno}: {done:?}");
        assert_eq!(dir.join(&format!("{errno}.plist")).exists(), written, "{errno}");
    }
}
