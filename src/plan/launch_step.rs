//! The steps of the launcher, which `launch` performs.

use std::path::PathBuf;

use svcadapt_spec::{SignalName, Socket};

use super::{ControlGroup, StepLabel};

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
    /// Give the controllers to control groups below this process's own; from a leaf of its own, if it must not stay there.
    GiveControllers(ControlGroup),
    /// Create the service's control group, which its processes enter.
    ControlGroup(ControlGroup),
    /// Open a socket, and hold it as long as the service lives: a restart gives the program the same one.
    Listen(Socket),
    /// Execute a command before or after the sockets are opened.
    SocketCommand {
        /// When: the directive in a socket unit.
        directive: &'static str,
        /// The command line.
        command: String,
    },
    /// Start a helper that reports readiness to the manager and exits.
    ReadinessHelper,
    /// Start a helper that tries a probe and feeds the manager's watchdog.
    WatchdogHelper,
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
    pub fn label(&self) -> StepLabel {
        match self {
            Self::Conditions(all) => StepLabel::new("conditions", 1).of(&all.join(", ")),
            Self::AdoptOrphans => StepLabel::new("adopt orphans", 204),
            Self::KeepIntermediate => StepLabel::new("keep intermediate", 204),
            Self::NotifySocket => StepLabel::new("notify socket", 202),
            Self::GiveControllers(group) => {
                let names: Vec<_> = group.enable.iter().map(|controller| controller.name()).collect();
                StepLabel::new("controllers", 219).of(&names.join(" "))
            }
            Self::ControlGroup(group) => StepLabel::control_group(&group.path),
            Self::Listen(socket) => StepLabel::listen(socket),
            Self::SocketCommand { directive, command } => {
                StepLabel::new("socket command", 203).of(&format_args!("{directive}={command}"))
            }
            Self::ReadinessHelper => StepLabel::new("readiness helper", 204),
            Self::WatchdogHelper => StepLabel::new("watchdog helper", 204),
            Self::Lock { path, .. } => StepLabel::lock(path),
            Self::Fork => StepLabel::new("fork", 204),
            Self::NewSession => StepLabel::new_session(),
            Self::ForkAgain => StepLabel::new("fork again", 204),
            Self::Reexec(path) => StepLabel::new("re-exec", 203).of(&path.display()),
            // No number in systemd: the main process was not found in time.
            Self::MainProcess(None) => StepLabel::new("main process", 249).of(&"the only process left"),
            Self::MainProcess(Some(path)) => StepLabel::new("main process", 249).of(&path.display()),
            Self::HandOver => StepLabel::new("report main process", 202),
            Self::Monitor(others) if others.is_empty() => StepLabel::new("monitor", 204),
            Self::Monitor(others) => {
                let translations: Vec<_> =
                    others.iter().map(|(from, to)| format!("{from} as {to}")).collect();
                StepLabel::new("monitor", 204).of(&translations.join(", "))
            }
        }
    }
}

impl From<&LaunchStep> for StepLabel {
    fn from(step: &LaunchStep) -> Self {
        step.label()
    }
}
