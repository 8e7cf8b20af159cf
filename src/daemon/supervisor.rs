//! What whoever supervises us has given to this process, and waits for.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use svcadapt_spec::ServiceSpec;

use super::Listener;
use crate::detect;
use crate::detect::{Detection, Manager, Mode};
use crate::error::StepError;
use crate::notify::{Address, Notifier};
use crate::plan::{Resolution, STARTED_AS, StartedBy, started_as};
use crate::registry;
use crate::sys::{fd, process};

/// Variables that are spoken to one process alone. They are read here, and no child of the service finds them.
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

/// What was given, and who waits.
#[derive(Debug)]
pub(super) struct FromSupervisor {
    /// Who listens for notifications.
    pub(super) notifier: Option<Notifier>,
    /// Where a newline is waited for.
    pub(super) newline: Option<OwnedFd>,
    /// The sockets that were passed.
    pub(super) listeners: Vec<Listener>,
    /// How often a sign of life is waited for.
    pub(super) watchdog: Option<Duration>,
    /// Where the credentials lie.
    pub(super) credentials: Option<PathBuf>,
}

impl FromSupervisor {
    /// Takes everything over, and takes it away from what will be the environment.
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
        // What a shell has inherited from its own service is not meant for us.
        let managers = |name: &str| variable(name).filter(|_| supervised);
        let newline = newline(spec, detection)?;
        // Where a newline is waited for, the socket may be that of a manager further up.
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
        // The copies are ours; what they were made from is let go of like everything else that came with the start.
        Ok(supervisor)
    }
}

/// Where nobody else supervises us, `svcadapt run` may: then what is to be done has been done already. It has told this
/// very process so, listens at a socket of its own, or has left us the descriptor of a lock that we hold.
///
/// None of these is inherited by what the service starts, in whatever way: the number and the start time that stand in the
/// variable are one process's alone, the socket goes with its launcher, and the lock is the kernel's. Nothing is
/// concluded from what an init script, cron, ssh or a container may leave a process with as well: its parent, its session,
/// its streams. Whoever can forge the variable has started us, and could as well have done it under a supervisor.
pub(super) fn detect_run(detection: Detection) -> Detection {
    if detection.mode != Mode::Classic || detection.manager != Manager::None {
        return detection;
    }
    let listens = || {
        let inherited = detect::variables();
        let socket = inherited.into_iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, value)| value);
        // What is left of one that has gone says nothing.
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

/// Whether this process is the one that `svcadapt run` has become the program in.
fn is_main_process_of_run() -> bool {
    let own = process::own_pid();
    let told = std::env::var_os(STARTED_AS);
    told.is_some_and(|told| {
        process::identity(own).is_ok_and(|found| told == *started_as(own, found.start_time))
    })
}

fn notifier(value: &OsStr) -> Result<Notifier, StepError> {
    let failed =
        |cause: String| StepError::about("notify socket", value.to_string_lossy(), cause, DESCRIPTORS);
    let address = Address::parse(value).map_err(failed)?;
    // It may be out of reach after the change of root or user. One that is not there is no reason not to start; that it
    // could not be told will be said when it is to be.
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

/// s6-supervise starts a service in its service directory, whose file `notification-fd` names the descriptor
/// (s6-supervise(8), "Readiness notification support"). It never is a standard stream there.
fn s6_descriptor() -> Option<i32> {
    let text = fs::read_to_string("notification-fd").ok()?;
    text.trim().parse().ok().filter(|number| *number > 2)
}

/// Copies, for nobody can know whether the program has taken the descriptors themselves by now.
fn listeners(passed: &[i32], names: Option<OsString>) -> Result<Vec<Listener>, StepError> {
    let names = names.unwrap_or_default();
    let names = names.to_string_lossy();
    let mut names = names.split(':').map(str::to_owned);
    passed
        .iter()
        .map(|&number| {
            // What systemd says where no name was given (sd_listen_fds(3)).
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
            let copy = fd::duplicate_raw(number, 3);
            copy.map(|socket| Listener::new(name, socket)).map_err(|error: io::Error| {
                StepError::kernel("listeners", number.to_string(), &error, DESCRIPTORS)
            })
        })
        .collect()
}

/// The time of sd_watchdog_enabled(3): none where it is not meant for this process, is no number, or is 0.
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
    fn the_watchdog_is_one_that_this_process_is_meant_by() {
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
