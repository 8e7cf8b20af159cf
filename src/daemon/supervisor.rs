//! What the supervisor passes to this process: notify socket, sockets, watchdog, credentials.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use svcadapt_spec::ServiceSpec;

use super::Listener;
use crate::detect::{Detection, Manager, Mode};
use crate::error::StepError;
use crate::notify::{Address, Notifier};
use crate::plan::{Resolution, STARTED_AS, StartedBy, started_as};
use crate::sys::{fd, process};
use crate::{detect, registry};

/// Variables addressed to one process. They are read here and removed, so that no child of the service inherits them.
const PROCESS_VARIABLES: [&str; 8] = [
    STARTED_AS,
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// systemd's number for what goes wrong with descriptors (systemd.exec(5)).
const DESCRIPTORS: u8 = 202;

/// What the supervisor has passed, and the readiness protocol it expects.
#[derive(Debug)]
pub(super) struct FromSupervisor {
    /// The notify socket (sd_notify(3)).
    pub(super) notifier: Option<Notifier>,
    /// The descriptor that expects a newline (s6).
    pub(super) newline: Option<OwnedFd>,
    /// The passed sockets.
    pub(super) listeners: Vec<Listener>,
    /// The watchdog timeout.
    pub(super) watchdog: Option<Duration>,
    /// The directory of the credentials.
    pub(super) credentials: Option<PathBuf>,
}

impl FromSupervisor {
    /// Reads what was passed, and removes the variables from the service's environment.
    pub(super) fn take(
        spec: &ServiceSpec,
        resolved: &mut Resolution,
        detection: &Detection,
    ) -> Result<Self, StepError> {
        let supervised = StartedBy::of(detection) == StartedBy::Manager;
        let variable = |name: &str| {
            let found = resolved.inherited.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        // A shell may have inherited these from its own service.
        let managers = |name: &str| variable(name).filter(|_| supervised);
        let newline = newline(spec, detection)?;
        // With s6's newline protocol, the socket may belong to a manager further up.
        let socket = managers("NOTIFY_SOCKET").filter(|_| newline.is_none());
        let supervisor = Self {
            notifier: socket.as_deref().map(notifier).transpose()?,
            newline,
            listeners: listeners(&resolved.caller.passed_descriptors, variable("LISTEN_FDNAMES"))?,
            watchdog: watchdog(managers("WATCHDOG_USEC"), managers("WATCHDOG_PID")),
            credentials: managers("CREDENTIALS_DIRECTORY")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute()),
        };
        resolved.inherited.retain(|(name, _)| !PROCESS_VARIABLES.iter().any(|taken| name == taken));
        // The descriptors were duplicated; the originals are replaced like every other inherited descriptor.
        Ok(supervisor)
    }
}

/// Detects `svcadapt run` as the supervisor, if no other was found: it has done the set-up already. Evidence is its
/// variable that names this process, its notify socket, or the lock descriptor that it left open.
///
/// None of the three reaches processes that the service starts: the variable holds the pid and start time of one
/// process, the socket goes with its launcher, and the lock belongs to the process in the kernel. Facts that an init
/// script, cron, ssh or a container may produce as well (parent, session, streams) are not evidence. A process that can
/// forge the variable has started this one, and could have started it under a supervisor as well.
pub(super) fn detect_run(detection: Detection) -> Detection {
    if detection.mode != Mode::Classic || detection.manager != Manager::None {
        return detection;
    }
    let listens = || {
        let inherited = detect::variables();
        let socket = inherited.into_iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, value)| value);
        // A socket file without a listener is not evidence.
        socket.filter(|address| registry::is_launchers(address)).is_some_and(|address| {
            Address::parse(&address).is_ok_and(|address| Notifier::connected(address).is_ok())
        })
    };
    if is_main_process_of_run() || listens() || !registry::inherited().is_empty() {
        Detection { mode: Mode::Supervised, manager: Manager::Svcadapt, ..detection }
    } else {
        detection
    }
}

/// Whether `svcadapt run` has executed the program in this very process.
fn is_main_process_of_run() -> bool {
    let own = process::own_pid();
    let value = std::env::var_os(STARTED_AS);
    value.is_some_and(|value| {
        process::identity(own).is_ok_and(|found| value == *started_as(own, found.start_time))
    })
}

fn notifier(value: &OsStr) -> Result<Notifier, StepError> {
    let failed =
        |cause: String| StepError::about("notify socket", value.to_string_lossy(), cause, DESCRIPTORS);
    let address = Address::parse(value).map_err(failed)?;
    // Connected now, because the path may be unreachable after the change of root or user. A missing socket does not
    // prevent the start; sending reports the error.
    Ok(Notifier::connected(address.clone()).unwrap_or_else(|_| Notifier::new(address)))
}

fn newline(spec: &ServiceSpec, detection: &Detection) -> Result<Option<OwnedFd>, StepError> {
    let number = match (spec.notification_fd, &detection.manager) {
        (Some(number), _) => Some(number),
        (None, Manager::S6) => s6_descriptor().filter(|number| fd::is_open(*number)),
        (None, _) => None,
    };
    number
        .map(|number| {
            fd::duplicate_raw(number, 3).map_err(|error| {
                StepError::kernel("notification fd", number.to_string(), &error, DESCRIPTORS)
            })
        })
        .transpose()
}

/// s6-supervise runs a service in its service directory; the file `notification-fd` there names the descriptor
/// (s6-supervise(8), "Readiness notification support"). It is never a standard stream.
fn s6_descriptor() -> Option<i32> {
    let text = fs::read_to_string("notification-fd").ok()?;
    text.trim().parse().ok().filter(|number| *number > 2)
}

/// Duplicates, because the program may already have taken ownership of the original numbers.
fn listeners(passed: &[i32], names: Option<OsString>) -> Result<Vec<Listener>, StepError> {
    let names = names.unwrap_or_default();
    let names = names.to_string_lossy();
    let mut names = names.split(':').map(str::to_owned);
    passed
        .iter()
        .map(|&number| {
            // systemd's default name (sd_listen_fds(3)).
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
            let copy = fd::duplicate_raw(number, 3);
            copy.map(|socket| Listener::new(name, socket)).map_err(|error: io::Error| {
                StepError::kernel("listeners", number.to_string(), &error, DESCRIPTORS)
            })
        })
        .collect()
}

/// The timeout of sd_watchdog_enabled(3). `None` if it is meant for another process, not a number, or 0.
fn watchdog(micros: Option<OsString>, pid: Option<OsString>) -> Option<Duration> {
    let number = |text: &OsStr| text.to_str()?.parse::<u64>().ok();
    let own = u64::try_from(process::own_pid()).ok();
    if let Some(pid) = pid
        && number(&pid) != own
    {
        return None;
    }
    let micros = number(&micros?)?;
    (micros > 0 && micros < u64::MAX).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchdog_of_another_process_is_ignored() {
        let time = |micros: &str, pid: Option<String>| watchdog(Some(micros.into()), pid.map(OsString::from));
        let own = process::own_pid().to_string();
        assert_eq!(time("1500", None), Some(Duration::from_micros(1500)));
        assert_eq!(time("1500", Some(own)), Some(Duration::from_micros(1500)));
        assert_eq!(time("1500", Some("1".into())), None);
        for wrong in ["0", "", "-1", "x", "18446744073709551615", "99999999999999999999"] {
            assert_eq!(time(wrong, None), None, "{wrong}");
        }
        assert_eq!(time("1500", Some("garbage".into())), None);
        assert_eq!(watchdog(None, None), None);
    }
}
