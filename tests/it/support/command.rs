//! Runs svcadapt where a test compares only a part of its output.

use std::ffi::OsStr;
use std::process::Command;
use std::process::Output;

/// Runs svcadapt to its end.
pub(crate) fn svcadapt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svcadapt")).args(arguments).output().unwrap()
}

/// Runs svcadapt and takes what it printed; it must have succeeded.
pub(crate) fn printed<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = svcadapt(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it said on standard error.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What was told to be lost, without the place: `Restart=on-failure: approximated`.
pub(crate) fn lost(told: &str) -> Vec<String> {
    let lines = told.lines().filter_map(|line| line.strip_prefix("svcadapt: "));
    let plain = |line: &str| match line.split_once(": ") {
        Some((place, rest)) if place.starts_with('/') => rest.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(|line| plain(line).splitn(3, ": ").take(2).collect::<Vec<_>>().join(": ")).collect()
}
