//! The systemd of a user: how it is reached, and what keeps it running without a login.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt::internal::{accounts, effective_user};

use super::tool::Tool;

/// The directory in which the sockets of this user's manager are: that of the caller, else the one that systemd makes for a
/// user who is logged in or lingers (user-runtime-dir@.service(5)). `su` and cron(8) do not pass it on.
pub(crate) fn runtime_directory() -> Option<OsString> {
    let own = || {
        let user = effective_user();
        let path = PathBuf::from(format!("/run/user/{user}"));
        path.symlink_metadata().is_ok_and(|found| found.uid() == user).then(|| path.into_os_string())
    };
    env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()).or_else(own)
}

/// Whether a manager of this user runs. The socket of one that was killed is still there.
pub(crate) fn runs() -> bool {
    let listens = |path: OsString| UnixStream::connect(Path::new(&path).join("systemd/private")).is_ok();
    runtime_directory().is_some_and(listens)
}

/// What keeps the manager of a user running without a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linger {
    /// The user lingers: its manager starts at boot (loginctl(1)).
    On,
    /// Nothing: the manager ends with the user's last session.
    Off,
}

/// Whether this user lingers.
pub(crate) fn linger() -> Linger {
    let mark = || name().map(|name| Path::new("/var/lib/systemd/linger").join(name));
    if mark().is_some_and(|mark| mark.exists()) { Linger::On } else { Linger::Off }
}

/// Has the user linger, and says that it does, or who may do it.
pub(crate) fn keep_without_login() -> Option<StepError> {
    if linger() == Linger::On {
        return None;
    }
    let user = name().unwrap_or_else(|| effective_user().to_string());
    // Without a name it means the session of the caller, and not every caller has one.
    let _ = Tool::new("loginctl").args(["enable-linger", &effective_user().to_string()]).run();
    Some(if linger() == Linger::On {
        StepError::new("login", "lingering is switched on for this user: its services run without a login")
            .hint("`loginctl disable-linger` switches it off")
    } else {
        StepError::new("login", "the service ends when this user has logged out everywhere")
            .hint(format!("`loginctl enable-linger {user}`, as root, keeps it"))
    })
}

/// The failure of a tool that asked this user's manager: if none runs, that is the reason.
pub(crate) fn explained(error: StepError) -> StepError {
    if runs() { error } else { missing() }
}

/// The error of a command that needs this user's manager.
pub(crate) fn missing() -> StepError {
    let user = name().unwrap_or_else(|| effective_user().to_string());
    let hint = format!("log in as this user (not by su), or run `loginctl enable-linger {user}` as root");
    StepError::new("systemctl --user", "no systemd of this user runs").of(user).hint(hint).status(1)
}

fn name() -> Option<String> {
    Some(accounts::user(&effective_user().to_string()).ok()??.name)
}
