//! Runs svcadapt where a test compares only a part of its output.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs svcadapt to its end.
pub(crate) fn svcadapt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svcadapt")).args(arguments).output().unwrap()
}

/// Runs svcadapt, which must succeed, and returns its standard output.
pub(crate) fn printed<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = svcadapt(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Its standard error.
pub(crate) fn stderr_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The reported losses, without their places: `Restart=on-failure: approximated`.
pub(crate) fn lost(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("svcadapt: "));
    let plain = |line: &str| match line.split_once(": ") {
        Some((place, rest)) if place.starts_with('/') => rest.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(|line| plain(line).splitn(3, ": ").take(2).collect::<Vec<_>>().join(": ")).collect()
}
