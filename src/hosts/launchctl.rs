//! The answers of launchctl(1): its exit statuses are error numbers of macOS, and say little.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use svcadapt::StepError;

/// ESRCH: the job is not loaded.
const NO_PROCESS: i32 = 3;
/// EIO: the word of `bootstrap` for most causes.
const NOT_LOADABLE: i32 = 5;
/// EINPROGRESS: the job is being removed.
const IN_PROGRESS: i32 = 36;
/// EALREADY: the job is being removed.
const ALREADY: i32 = 37;
/// `EX_CONFIG` of sysexits.h.
const MISCONFIGURED: i32 = 78;
/// `Could not find domain`.
const NO_DOMAIN: i32 = 112;
/// `Could not find service`.
const NO_SERVICE: i32 = 113;
/// `Domain does not support specified action`.
const UNFIT_DOMAIN: i32 = 125;

/// Whether a status says that the job, or its domain, is not there.
pub(crate) fn is_absent(status: Option<i32>) -> bool {
    matches!(status, Some(NO_PROCESS | NO_DOMAIN | NO_SERVICE | UNFIT_DOMAIN))
}

/// Whether a status may mean that a job of this label still ends.
pub(crate) fn may_be_ending(status: Option<i32>) -> bool {
    matches!(status, Some(NOT_LOADABLE | IN_PROGRESS | ALREADY))
}

/// Adds to the failure of a tool what its status means, and the cure.
pub(crate) fn explained(mut error: StepError, status: Option<i32>, file: Option<&Path>) -> StepError {
    let file = file.map_or_else(|| "the property list".to_owned(), |path| path.display().to_string());
    let (cause, hint) = match status {
        Some(NO_PROCESS | NO_SERVICE) => {
            ("the job is not loaded", "`svcadapt start` loads it from its property list".to_owned())
        }
        Some(NOT_LOADABLE) => (
            "launchd does not load it: another job has this label, the label is disabled, or the file is not one that it accepts",
            format!(
                "`launchctl print-disabled` lists disabled labels; `plutil -lint {file}` and `xattr {file}` look at the file"
            ),
        ),
        Some(IN_PROGRESS | ALREADY) => {
            ("the job before it has not ended yet", "try again when it has ended".to_owned())
        }
        Some(MISCONFIGURED) => (MISCONFIGURED_CAUSE, format!("`svcadapt check {file}` looks at each")),
        Some(NO_DOMAIN | UNFIT_DOMAIN) => (
            "launchd has no such domain: the user is not logged in at the screen",
            "log in there, or set LimitLoadToSessionType to Background, which needs no screen".to_owned(),
        ),
        _ => return error,
    };
    error.cause = format!("{cause} ({})", error.cause);
    error.hint = Some(hint);
    error
}

/// What `EX_CONFIG` means as the exit status of a job.
pub(crate) const MISCONFIGURED_CAUSE: &str =
    "launchd could not set it up: its program, working directory, log file or user";

/// Whether `launchctl print-disabled` lists this label as disabled: `"org.example.web" => disabled`, before macOS 13 `true`.
pub(crate) fn is_disabled(answer: &str, label: &str) -> bool {
    let entries = answer.lines().filter_map(|line| line.trim().split_once(" => "));
    let mut states = entries.filter(|(name, _)| name.trim_matches('"') == label);
    states.any(|(_, state)| matches!(state.trim(), "disabled" | "true"))
}

/// Whether a property list has `Background` as a type of session (launchd.plist(5), `LimitLoadToSessionType`).
pub(crate) fn is_for_background(text: &str) -> bool {
    let value = text.split_once("<key>LimitLoadToSessionType</key>").map(|(_, rest)| rest);
    let value = value.and_then(|rest| rest.split("<key>").next()).unwrap_or_default();
    value.contains("<string>Background</string>")
}

/// Why launchd refuses a property list: it belongs to another user than root and this one, or others can write to it
/// (launchctl(1)). `None`: neither.
pub(crate) fn refusal(file: &Path, user: u32) -> Option<StepError> {
    let found = file.metadata().ok()?;
    let path = file.display().to_string();
    let error = |cause: String, hint: String| {
        Some(StepError::new("launchctl bootstrap", cause).of(&path).hint(hint).status(1))
    };
    if found.uid() != 0 && found.uid() != user {
        let owner = if user == 0 { "root:wheel".to_owned() } else { user.to_string() };
        let cause = format!("launchd refuses a property list of user {}", found.uid());
        return error(cause, format!("`chown {owner} {path}`"));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o022 != 0 {
        let cause = format!("launchd refuses a property list that others can write, mode {mode:04o}");
        return error(cause, format!("`chmod 644 {path}`"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_launchctl_are_explained_with_the_cure() {
        for (status, cause, hint) in [
            (3, "the job is not loaded", "svcadapt start"),
            (5, "launchd does not load it", "plutil -lint /a.plist"),
            (36, "has not ended yet", "try again"),
            (37, "has not ended yet", "try again"),
            (78, "launchd could not set it up", "svcadapt check /a.plist"),
            (112, "not logged in at the screen", "LimitLoadToSessionType"),
            (113, "the job is not loaded", "svcadapt start"),
            (125, "not logged in at the screen", "LimitLoadToSessionType"),
        ] {
            let error = StepError::new("launchctl", format!("exit status: {status}"));
            let error = explained(error, Some(status), Some(Path::new("/a.plist"))).to_string();
            assert!(error.contains(cause) && error.contains(hint), "{error}");
            assert!(error.contains(&format!("exit status: {status}")), "{error}");
        }
        let other = StepError::new("launchctl", "exit status: 64");
        assert_eq!(explained(other.clone(), Some(64), None), other);
    }

    #[test]
    fn list_of_disabled_labels_of_old_and_new_systems_is_read() {
        let new = "disabled services = {\n\t\"org.a\" => disabled\n\t\"org.b\" => enabled\n}\n";
        assert!(is_disabled(new, "org.a") && !is_disabled(new, "org.b") && !is_disabled(new, "org.c"));
        let old = "\t\"org.a\" => true\n\t\"org.b\" => false\n";
        assert!(is_disabled(old, "org.a") && !is_disabled(old, "org.b"));
    }
}
