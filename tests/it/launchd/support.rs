//! Keys of property lists as text, and the report of a job.

use std::fmt::Write;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Dir, Launchd};

/// `ProgramArguments` with these words.
pub(super) fn arguments<S: AsRef<str>>(words: &[S]) -> String {
    let mut text = "<key>ProgramArguments</key><array>".to_owned();
    for word in words {
        let word = word.as_ref().replace('&', "&amp;").replace('<', "&lt;");
        let _ = write!(text, "<string>{word}</string>");
    }
    text + "</array>\n"
}

/// `RunAtLoad`, and a shell with this script.
pub(super) fn shell(script: &str) -> String {
    RUN_AT_LOAD.to_owned() + &arguments(&["/bin/sh", "-c", script])
}

pub(super) const RUN_AT_LOAD: &str = "<key>RunAtLoad</key><true/>\n";

/// A directory that every user may write to, with `inspect` in it.
pub(super) fn open_dir() -> Dir {
    let dir = Dir::new();
    dir.program("inspect");
    set_mode(dir.path(), 0o777);
    dir
}

/// Gives a file a mode.
pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs `inspect` once as a job with these keys, where `[DIR]` is the directory, and returns its report.
pub(super) fn inspect(dir: &Dir, launchd: &Launchd, label: &str, keys: &str) -> Value {
    let path = dir.path().display().to_string();
    let own = arguments(&["[DIR]/inspect", "--out", &format!("[DIR]/{label}.report")]);
    launchd.load(label, &(RUN_AT_LOAD.to_owned() + &own + keys).replace("[DIR]", &path));
    let exited = launchd.wait(label, "exited");
    assert_eq!(exited["status"], 0, "{label}: {:#?}", launchd.events(label));
    dir.report(&format!("{label}.report"))
}

/// The keys that were ignored when the job was loaded, each with the reason.
pub(super) fn ignored(launchd: &Launchd, label: &str) -> Vec<String> {
    let events = launchd.events(label).into_iter().filter(|event| event["event"] == "ignored");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.map(|event| format!("{}: {}", word(&event["key"]), word(&event["why"]))).collect()
}
