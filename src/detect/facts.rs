//! Everything that deciding may look at, as plain data.

use std::collections::BTreeMap;

use svcadapt_spec::Scope;

use super::cgroup::unit_of_path;

/// The environment variables that say something about the host. No other is kept.
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

/// What could be learnt about this process's host without changing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations occur")]
pub struct Facts {
    /// The kind of system.
    pub platform: Platform,
    /// Our process id.
    pub pid: i32,
    /// Our parent's; 0 when it lives outside our pid namespace.
    pub ppid: i32,
    /// Our session; equal to the pid in a session leader.
    pub session: i32,
    /// Our process group.
    pub process_group: i32,
    /// Our effective user.
    pub uid: u32,
    /// Whether our session has a controlling terminal.
    pub controlling_terminal: bool,
    /// Whether descriptor 0 is a terminal.
    pub stdin_terminal: bool,
    /// Those of [`VARIABLES`] that are set.
    pub environment: BTreeMap<String, String>,
    /// Our parent, where it can be seen.
    pub parent: Option<Process>,
    /// The ancestors above our parent that can be seen, nearest first: up to the first that is neither a shell nor
    /// another program which waits for what it has started.
    pub above: Vec<Process>,
    /// The program name of process 1, where it can be seen.
    pub init: Option<String>,
    /// Our path in systemd's control group hierarchy, below the manager's own root.
    pub cgroup: Option<String>,
    /// Whether systemd is the init system here: `/run/systemd/system` is a directory (`sd_booted`(3)).
    pub systemd_booted: bool,
    /// Whether stderr is the file that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)).
    pub stderr_is_journal: bool,
    /// What launchd said when it was asked for a socket that no job has.
    pub activation: Activation,
    /// What systemd says of our unit, once it was asked.
    pub manager_answer: Option<UnitAnswer>,
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

/// One of our ancestors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: i32,
    /// Its process group. A shell with job control gives each job one of its own.
    pub process_group: i32,
    /// The name of its program, cut to 15 bytes by the kernel.
    pub comm: String,
    /// Its argument vector; empty where it cannot be read.
    pub command_line: Vec<String>,
}

/// What `launch_activate_socket`(3) answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// There is no launchd to ask.
    NotAsked,
    /// It gave a socket: we are a job.
    Activated,
    /// `ENOENT`: we are a job, without a socket of that name.
    NoSuchSocket,
    /// `EALREADY`: we are a job, and asked before.
    AlreadyActivated,
    /// `ESRCH`: launchd did not start this process.
    NotManaged,
    /// An error that the manual page does not name.
    Unknown,
}

/// A unit, and the manager that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRef {
    /// Its full name: `nginx.service`.
    pub name: String,
    /// Which manager knows it.
    pub scope: Scope,
}

/// What the manager says of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitAnswer {
    /// `Type=`, as systemd.service(5) spells it.
    pub service_type: String,
    /// `MainPID`; 0 while there is none.
    pub main_pid: i32,
}

impl Facts {
    /// The value of one of [`VARIABLES`].
    #[doc(hidden)]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// Whether a variable holds our own process id, and so was set for us and not for an ancestor.
    #[doc(hidden)]
    pub fn holds_own_pid(&self, variable: &str) -> bool {
        self.variable(variable).and_then(|value| value.parse().ok()) == Some(self.pid)
    }

    /// The unit of this machine's systemd that we run in. In a container the path may name a unit of the host's.
    #[doc(hidden)]
    pub fn unit(&self) -> Option<UnitRef> {
        match (self.platform, self.systemd_booted) {
            (Platform::Linux, true) => unit_of_path(self.cgroup.as_deref()?),
            _ => None,
        }
    }
}

impl UnitRef {
    /// Whether it is a service, and not a scope, a slice, a socket, …
    pub fn is_service(&self) -> bool {
        self.name.rsplit('.').next() == Some("service")
    }
}

impl Process {
    /// Whether its program is called so: by the kernel's word, or by its own argument vector, which alone is right
    /// for a program of busybox(1).
    pub fn is_called(&self, name: &str) -> bool {
        // TASK_COMM_LEN is 16, with the NUL.
        let cut = name.get(..15).unwrap_or(name);
        let own_word = match self.command_line.as_slice() {
            [busybox, applet, ..] if base_name(busybox) == "busybox" => applet,
            // A login shell has a '-' before its name (login(1)).
            [program, ..] => program.strip_prefix('-').unwrap_or(program),
            [] => return self.comm == cut,
        };
        self.comm == cut || base_name(own_word) == name
    }

    /// Whether it waits for the program that it has started, and ends when that ends: a shell, or a program that changes
    /// something for another one.
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

    /// Whether it is a shell that executes an init script, which has to return.
    pub fn runs_init_script(&self) -> bool {
        let script = self.command_line.iter().skip(1).find(|word| !word.starts_with('-'));
        // What follows -c is a text.
        script.is_some_and(|path| {
            !path.contains(' ') && (path.starts_with("/etc/init.d/") || path.starts_with("/etc/rc"))
        })
    }

    /// Whether one of its arguments is a path or a module of this name.
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

    fn process(comm: &str, words: &[&str]) -> Process {
        let command_line = words.iter().map(|&word| word.to_owned()).collect();
        Process { pid: 7, process_group: 7, comm: comm.to_owned(), command_line }
    }

    #[test]
    fn a_name_that_the_kernel_cut_is_recognised() {
        assert!(process("supervise-daemo", &[]).is_called("supervise-daemon"));
        assert!(!process("supervise-daemo", &[]).is_called("supervise"));
    }

    #[test]
    fn a_program_of_busybox_is_called_by_its_own_word() {
        assert!(process("busybox", &["/bin/busybox", "runsv", "x"]).is_called("runsv"));
        assert!(process("exe", &["runsv", "x"]).is_called("runsv"));
        assert!(!process("sh", &["sh", "runsv", "x"]).is_called("runsv"));
    }

    #[test]
    fn a_python_program_is_found_by_script_or_module() {
        assert!(
            process("python3", &["/usr/bin/python3", "/usr/bin/supervisord", "-n"]).mentions("supervisord")
        );
        assert!(process("python3", &["python3", "-m", "supervisor.supervisord"]).mentions("supervisord"));
        assert!(!process("vi", &["vi", "supervisord.conf"]).mentions("supervisord"));
    }

    #[test]
    fn a_shell_waits_for_its_child_whatever_it_is_called_by() {
        for (comm, words) in [
            ("sh", &["/bin/sh", "./run"][..]),
            ("bash", &["-bash"]),
            ("run", &["/bin/sh", "./run"]),
            ("busybox", &["busybox", "ash", "./run"]),
            ("timeout", &[]),
        ] {
            assert!(process(comm, words).waits_for_child(), "{comm}");
        }
        for (comm, words) in
            [("python3", &["python3", "sh"][..]), ("runsv", &["runsv", "sh"]), ("tmux: server", &["tmux"])]
        {
            assert!(!process(comm, words).waits_for_child(), "{comm}");
        }
    }

    #[test]
    fn an_init_script_is_one_that_lies_where_they_lie() {
        for words in
            [&["/bin/sh", "/etc/init.d/web", "start"][..], &["sh", "-e", "/etc/rc2.d/S01web", "start"]]
        {
            assert!(process("web", words).runs_init_script(), "{words:?}");
        }
        for words in [&["sh", "./run"][..], &["sh", "-c", "/etc/init.d/web start"], &[], &["/etc/init.d/web"]]
        {
            assert!(!process("sh", words).runs_init_script(), "{words:?}");
        }
    }
}
