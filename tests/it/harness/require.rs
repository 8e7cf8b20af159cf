//! The requirements of a test, and the skip where the machine does not meet them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt, io, thread};

use nix::unistd::geteuid;

/// A feature that not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Running as root.
    Root,
    /// A systemd that can be booted in namespaces; see [`Systemd`](super::Systemd).
    Systemd,
    /// Other versions of systemd than the machine's.
    Systemds,
    /// svcadapt as a static file, which runs where the C library is older.
    Static,
    /// OpenRC, supervisord and daemontools, beside s6 and runit.
    Managers,
    /// Running as root, with the right to make namespaces; see [`Launchd`](super::Launchd).
    Namespaces,
    /// Python.
    Python,
    /// strace, and the right to use it.
    Strace,
    /// setfacl(1).
    AccessLists,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Systemd => "systemd",
            Self::Systemds => "systemds",
            Self::Static => "static",
            Self::Managers => "managers",
            Self::Namespaces => "namespaces",
            Self::Python => "python3",
            Self::Strace => "strace",
            Self::AccessLists => "setfacl",
        })
    }
}

/// Whether every round of a test is asked for. Without it long tests do a part of them.
pub(crate) fn all_rounds() -> bool {
    env::var_os("SVCADAPT_TEST_ALL").is_some_and(|value| value != "0")
}

/// How many of these rounds a test does: all or an eighth.
pub(crate) fn rounds(all: usize) -> usize {
    if all_rounds() { all } else { all.div_ceil(8) }
}

/// Whether the machine has the capability. If not, the test is skipped or fails; see [`skip`].
pub(crate) fn require(capability: Capability) -> bool {
    match capability {
        Capability::Root => geteuid().is_root() || missing(capability, "these tests do not run as root"),
        Capability::Strace => {
            let tried =
                Command::new("strace").args(["-o", "/dev/null", "/bin/true"]).stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
                || missing(capability, "strace is not installed, or may not trace here")
        }
        Capability::Python => {
            Path::new("/usr/bin/python3").exists() || missing(capability, "there is no /usr/bin/python3")
        }
        Capability::AccessLists => {
            Path::new("/usr/bin/setfacl").exists() || missing(capability, "there is no /usr/bin/setfacl")
        }
        Capability::Systemd => super::Systemd::shared().is_some(),
        Capability::Systemds => !super::Systemd::of_versions(..).is_empty(),
        Capability::Static => match super::dir::static_svcadapt() {
            Ok(_) => true,
            Err(why) => missing(capability, &why),
        },
        Capability::Managers => super::managers().is_some(),
        Capability::Namespaces => super::launchd::namespaces(),
    }
}

/// Skips this test (see [`skip`]), and returns false for [`require`].
pub(super) fn missing(capability: Capability, why: &str) -> bool {
    skip(&capability.to_string(), why);
    false
}

/// Whether this program is installed. If not, the test is skipped or fails; see [`skip`].
pub(crate) fn have(program: &str) -> bool {
    installed(program).is_some()
}

/// The path of an installed program. If it is missing, the test is skipped or fails; see [`skip`].
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    let found = folders.map(|folder| Path::new(folder).join(program)).into_iter().find(|path| path.exists());
    if found.is_none() {
        skip(program, "it is not installed");
    }
    found
}

/// Prints on standard error that this test is skipped, and why.
///
/// Fails instead if `SVCADAPT_TEST_REQUIRE`, a list with commas, names the capability.
pub(crate) fn skip(capability: &str, why: &str) {
    let required = env::var_os("SVCADAPT_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.to_string_lossy().split(',').any(|name| name == capability),
        "SVCADAPT_TEST_REQUIRE asks for {capability}, but {why}"
    );
    // Not `eprintln!`: the test runner captures its text and shows it only if the test fails.
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {capability}: {why}");
}
