//! A machine of the test's own, for users, groups and paths that the real machine must not get.

use std::time::Duration;

use super::dir::Dir;
use super::require::{Capability, require};
use super::svc::Svc;

/// A script starts dozens of processes, each of which waits for its turn where other builds keep the machine busy.
const DEADLINE: Duration = Duration::from_secs(90);

/// Runs a shell script as root on a machine of its own (`world.sh`): its changes to /etc, /home, /opt, /run, /srv,
/// /tmp, /usr/local and /var are invisible outside, and the users `www` (2001) and `other` (2002) exist. `svcadapt` is
/// in `PATH`.
///
/// The script starts in the test's directory. Only the mounts are private: processes are the machine's, and those left
/// are ended with the [`Dir`]. Needs [`Capability::Namespaces`](super::Capability::Namespaces).
pub(crate) fn world<'a>(dir: &'a Dir, script: &str) -> Svc<'a> {
    let path = dir.path().display();
    dir.program("svcadapt");
    Svc::new(dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "sh", "-euc", include_str!("world.sh")])
        .args([path.to_string().as_str(), script])
        .deadline(DEADLINE)
        .env("PATH", format!("{path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
}

/// Runs a script in a [`world`] of its own. It must print exactly this, end with 0 and leave no process. Skips where there
/// are no namespaces.
pub(crate) fn world_prints(script: &str, stdout: &str) {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    world(&dir, script).stdout(stdout).run();
    // A monitor ends after its program.
    dir.wait_nothing_left();
}
