//! The steps of the launcher, which `launch` performs.

use std::path::PathBuf;

use svcadapt_spec::SignalName;

use super::Label;

/// A step of the launcher, the process that was started, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchStep {
    /// Check the conditions and assertions, given as in a unit, before each start.
    Conditions(Vec<String>),
    /// Become a subreaper (prctl(2)), so that no descendant is lost before the service is ready.
    AdoptOrphans,
    /// Keep the intermediate process between the two forks until the service is ready: as the service's parent it receives
    /// its exit status.
    KeepIntermediate,
    /// Listen for the program's notifications (sd_notify(3)).
    NotifySocket,
    /// Start a helper that reports readiness to the manager and exits.
    ReadinessHelper,
    /// Take the lock of the single instance for a program that forks itself into the background: its first process, which
    /// would hold it, exits.
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Its descriptor in the program.
        descriptor: i32,
    },
    /// Fork, and wait in the launcher for the result.
    Fork,
    /// Make the intermediate process a session leader without a terminal (setsid(2)).
    NewSession,
    /// Fork again, so that the service cannot acquire a controlling terminal (daemon(7)).
    ForkAgain,
    /// Re-execute the running program, so that its libraries start afresh; it continues where it becomes the service.
    Reexec(PathBuf),
    /// Wait until the first process of a forking program has exited, and find the main process: by the program's pid file,
    /// or as the only process left.
    MainProcess(Option<PathBuf>),
    /// Report the main process to the manager (`MAINPID=`), and exit.
    HandOver,
    /// Stay as monitor: forward signals, translate these, and end as the program does.
    Monitor(Vec<(SignalName, SignalName)>),
}

impl LaunchStep {
    /// Its name, argument and exit status.
    pub fn label(&self) -> Label {
        match self {
            Self::Conditions(all) => Label::new("conditions", 1).of(&all.join(", ")),
            Self::AdoptOrphans => Label::new("adopt orphans", 204),
            Self::KeepIntermediate => Label::new("keep intermediate", 204),
            Self::NotifySocket => Label::new("notify socket", 202),
            Self::ReadinessHelper => Label::new("readiness helper", 204),
            Self::Lock { path, .. } => Label::lock(path),
            Self::Fork => Label::new("fork", 204),
            Self::NewSession => Label::new_session(),
            Self::ForkAgain => Label::new("fork again", 204),
            Self::Reexec(path) => Label::new("re-exec", 203).of(&path.display()),
            // No number in systemd: the main process was not found in time.
            Self::MainProcess(None) => Label::new("main process", 249).of(&"the only process left"),
            Self::MainProcess(Some(path)) => Label::new("main process", 249).of(&path.display()),
            Self::HandOver => Label::new("report main process", 202),
            Self::Monitor(others) if others.is_empty() => Label::new("monitor", 204),
            Self::Monitor(others) => {
                let translations: Vec<_> =
                    others.iter().map(|(from, to)| format!("{from} as {to}")).collect();
                Label::new("monitor", 204).of(&translations.join(", "))
            }
        }
    }
}

impl From<&LaunchStep> for Label {
    fn from(step: &LaunchStep) -> Self {
        step.label()
    }
}
