//! The facts: the input of the decision, as plain data.

use std::collections::BTreeMap;

use super::cgroup::{UnitRef, unit_of_path};

/// The environment variables that are evidence of the host. No others are kept.
pub const VARIABLES: [&str; 14] = [
    "SYSTEMD_EXEC_PID",
    "INVOCATION_ID",
    "NOTIFY_SOCKET",
    "JOURNAL_STREAM",
    "MANAGERPID",
    "LISTEN_PID",
    "LISTEN_FDS",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "SUPERVISOR_ENABLED",
    "SUPERVISOR_PROCESS_NAME",
    "RC_SVCNAME",
    "container",
    "XPC_SERVICE_NAME",
];

/// The facts about the host of this process. Gathering them has no side effects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations occur")]
pub struct Facts {
    /// The kind of system.
    pub platform: Platform,
    /// The process ID of this process.
    pub pid: i32,
    /// The parent's process ID; 0 if the parent is outside the pid namespace.
    pub ppid: i32,
    /// The session ID; equal to the pid in a session leader.
    pub session: i32,
    /// The process group ID.
    pub process_group: i32,
    /// The effective user ID.
    pub uid: u32,
    /// Whether the session has a controlling terminal.
    pub controlling_terminal: bool,
    /// Whether descriptor 0 is a terminal.
    pub stdin_terminal: bool,
    /// Those of [`VARIABLES`] that are set.
    pub environment: BTreeMap<String, String>,
    /// The parent. `None` if it is not visible.
    pub parent: Option<Ancestor>,
    /// The visible ancestors of the parent, nearest first, up to the first that is neither a shell nor another program
    /// that waits for its child.
    pub ancestors: Vec<Ancestor>,
    /// The program name of process 1. `None` if it is not visible.
    pub init: Option<String>,
    /// The path of this process in systemd's cgroup hierarchy, relative to the manager's root.
    pub cgroup: Option<String>,
    /// Whether systemd is the init system here: `/run/systemd/system` is a directory (`sd_booted`(3)).
    pub systemd_booted: bool,
    /// Whether stderr is the file that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)).
    pub stderr_is_journal: bool,
    /// The result of launch_activate_socket(3) for a socket name that no job has.
    pub activation: Activation,
    /// systemd's answer about the unit of this process. `None` if not asked, or no answer.
    pub manager_answer: Option<UnitAnswer>,
}

/// Names one of the facts, or the mode option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    ModeOption,
    Pid,
    Parent,
    Chain,
    Init,
    User,
    Session,
    ControllingTerminal,
    Stdin,
    Variable(&'static str),
    Journal,
    Booted,
    Cgroup,
    Answer,
    Activation,
}

impl Fact {
    /// Its name in the evidence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ModeOption => "mode option",
            Self::Pid => "pid",
            Self::Parent => "parent",
            Self::Chain => "above the parent",
            Self::Init => "init",
            Self::User => "user",
            Self::Session => "session",
            Self::ControllingTerminal => "controlling terminal",
            Self::Stdin => "stdin",
            Self::Variable(name) => name,
            Self::Journal => "stderr",
            Self::Booted => "systemd booted",
            Self::Cgroup => "cgroup",
            Self::Answer => "manager's answer",
            Self::Activation => "launchd's answer",
        }
    }
}

/// The kind of system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Any other Unix.
    Other,
}

/// An ancestor of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// The process ID.
    pub pid: i32,
    /// The process group ID. A shell with job control gives each job a process group.
    pub process_group: i32,
    /// The program name, cut to 15 bytes by the kernel.
    pub comm: String,
    /// The argument vector; empty if it cannot be read.
    pub command_line: Vec<String>,
}

/// The result of `launch_activate_socket`(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// No launchd on this system.
    NotAsked,
    /// A socket: this process is a job.
    Activated,
    /// `ENOENT`: this process is a job without a socket of that name.
    NoSuchSocket,
    /// `EALREADY`: this process is a job and has asked before.
    AlreadyActivated,
    /// `ESRCH`: launchd did not start this process.
    NotManaged,
    /// An undocumented error.
    Unknown,
}

/// The manager's answer about a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitAnswer {
    /// `Type=`, as systemd.service(5) spells it.
    pub service_type: String,
    /// `MainPID`; 0 if the unit has no main process.
    pub main_pid: i32,
}

impl Facts {
    /// The value of one of [`VARIABLES`].
    #[doc(hidden)]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// Whether a variable holds the pid of this process, which means that it was set for this process, not for an ancestor.
    #[doc(hidden)]
    pub fn holds_own_pid(&self, variable: &str) -> bool {
        self.variable(variable).and_then(|value| value.parse().ok()) == Some(self.pid)
    }

    /// The unit of this process in this machine's systemd. In a container without systemd the cgroup path may name a unit of
    /// the container's host; the result is `None` then.
    #[doc(hidden)]
    pub fn unit(&self) -> Option<UnitRef> {
        match (self.platform, self.systemd_booted) {
            (Platform::Linux, true) => unit_of_path(self.cgroup.as_deref()?),
            _ => None,
        }
    }
}

impl Ancestor {
    /// Whether the program has this name, by the kernel's `comm` or by its `argv[0]`. For an applet of busybox(1) only the
    /// argument vector has the name.
    pub fn is_called(&self, name: &str) -> bool {
        // TASK_COMM_LEN is 16 including the NUL.
        let cut = name.get(..15).unwrap_or(name);
        let called = match self.command_line.as_slice() {
            [busybox, applet, ..] if base_name(busybox) == "busybox" => applet,
            // The argv[0] of a login shell starts with '-' (login(1)).
            [program, ..] => program.strip_prefix('-').unwrap_or(program),
            [] => return self.comm == cut,
        };
        self.comm == cut || base_name(called) == name
    }

    /// Whether it waits for its child and ends with it: a shell, or a wrapper such as sudo(8) or timeout(1).
    pub fn waits_for_child(&self) -> bool {
        const SHELLS: [&str; 14] = [
            "sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "zsh", "yash", "fish", "csh",
            "tcsh", "rc",
        ];
        const OTHERS: [&str; 10] = [
            "svcadapt",
            "su",
            "sudo",
            "runuser",
            "timeout",
            "time",
            "flock",
            "setsid",
            "unshare",
            "run-parts",
        ];
        SHELLS.into_iter().chain(OTHERS).any(|name| self.is_called(name))
    }

    /// Whether it is a shell that runs an init script, which must return.
    pub fn runs_init_script(&self) -> bool {
        let script = self.command_line.iter().skip(1).find(|word| !word.starts_with('-'));
        // The argument after -c is a command, not a path.
        script.is_some_and(|path| {
            !path.contains(' ') && (path.starts_with("/etc/init.d/") || path.starts_with("/etc/rc"))
        })
    }

    /// Whether an argument is a path or a module of this name.
    pub fn mentions(&self, name: &str) -> bool {
        self.comm == name
            || self.command_line.iter().any(|word| base_name(word).rsplit('.').next() == Some(name))
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestor(comm: &str, words: &[&str]) -> Ancestor {
        let command_line = words.iter().map(|&word| word.to_owned()).collect();
        Ancestor { pid: 7, process_group: 7, comm: comm.to_owned(), command_line }
    }

    #[test]
    fn truncated_process_name_is_recognised() {
        assert!(ancestor("supervise-daemo", &[]).is_called("supervise-daemon"));
        assert!(!ancestor("supervise-daemo", &[]).is_called("supervise"));
    }

    #[test]
    fn busybox_applet_is_recognised_by_its_arguments() {
        assert!(ancestor("busybox", &["/bin/busybox", "runsv", "x"]).is_called("runsv"));
        assert!(ancestor("exe", &["runsv", "x"]).is_called("runsv"));
        assert!(!ancestor("sh", &["sh", "runsv", "x"]).is_called("runsv"));
    }

    #[test]
    fn python_program_is_recognised_by_script_or_module() {
        assert!(
            ancestor("python3", &["/usr/bin/python3", "/usr/bin/supervisord", "-n"]).mentions("supervisord")
        );
        assert!(ancestor("python3", &["python3", "-m", "supervisor.supervisord"]).mentions("supervisord"));
        assert!(!ancestor("vi", &["vi", "supervisord.conf"]).mentions("supervisord"));
    }

    #[test]
    fn shell_is_recognised_by_every_name() {
        for (comm, words) in [
            ("sh", &["/bin/sh", "./run"][..]),
            ("bash", &["-bash"]),
            ("run", &["/bin/sh", "./run"]),
            ("busybox", &["busybox", "ash", "./run"]),
            ("timeout", &[]),
        ] {
            assert!(ancestor(comm, words).waits_for_child(), "{comm}");
        }
        for (comm, words) in
            [("python3", &["python3", "sh"][..]), ("runsv", &["runsv", "sh"]), ("tmux: server", &["tmux"])]
        {
            assert!(!ancestor(comm, words).waits_for_child(), "{comm}");
        }
    }

    #[test]
    fn init_script_is_recognised_by_its_directory() {
        for words in
            [&["/bin/sh", "/etc/init.d/web", "start"][..], &["sh", "-e", "/etc/rc2.d/S01web", "start"]]
        {
            assert!(ancestor("web", words).runs_init_script(), "{words:?}");
        }
        for words in [&["sh", "./run"][..], &["sh", "-c", "/etc/init.d/web start"], &[], &["/etc/init.d/web"]]
        {
            assert!(!ancestor("sh", words).runs_init_script(), "{words:?}");
        }
    }
}
