//! Who waits for us: the parent, and what is above it as far as each waits for what it has started.

use super::detection::Manager;
use super::evidence::Fact;
use super::facts::{Facts, Process};

/// What is above us.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    /// The shells, and other programs that wait for their child, between us and what has started them.
    pub(super) between: Vec<&'a Process>,
    /// What has started the last of them, or us.
    pub(super) top: Option<&'a Process>,
}

/// Looks up, until something does not wait for what it has started.
///
/// A shell with job control is a person's: it gives each job a process group of its own, and needs a terminal for that.
/// An init script has to return.
pub(super) fn above(facts: &Facts) -> Chain<'_> {
    let terminal = facts.controlling_terminal || facts.stdin_terminal;
    let mut group = facts.process_group;
    let mut between = Vec::new();
    for process in facts.parent.iter().chain(&facts.above) {
        if !process.waits_for_child() {
            return Chain { between, top: Some(process) };
        }
        if process.runs_init_script() || (terminal && process.process_group != group) {
            return Chain { between: Vec::new(), top: None };
        }
        group = process.process_group;
        between.push(process);
    }
    Chain { between, top: None }
}

impl Chain<'_> {
    /// The fact that the last process which was looked at is.
    pub(super) fn fact(&self) -> Fact {
        let looked_at = self.between.len() + usize::from(self.top.is_some());
        if looked_at > 1 { Fact::Chain } else { Fact::Parent }
    }

    /// The supervisor whose service we are.
    pub(super) fn supervisor(&self, facts: &Facts) -> Option<Manager> {
        let is_one = |process: &Process| process.pid == 1;
        match self.top {
            Some(top) => known(top).or_else(|| {
                let named = facts.variable("SUPERVISOR_ENABLED").is_some() && top.mentions("supervisord");
                (named || self.is_hidden_supervisord(facts)).then_some(Manager::Supervisord)
            }),
            // The container ends with its process 1, and that with us.
            None if self.between.last().is_some_and(|&last| is_one(last)) => Some(Manager::Init),
            None => self.is_hidden_supervisord(facts).then_some(Manager::Supervisord),
        }
    }

    /// Whether supervisord has started us, and cannot be recognised: it is a script, and the argument vector of another
    /// user's process cannot be read everywhere. A terminal is a person's, in a shell that has the variables too.
    fn is_hidden_supervisord(&self, facts: &Facts) -> bool {
        let set = |name: &str| facts.variable(name).is_some();
        let hidden = match (self.top, self.between.last()) {
            (Some(top), _) => top.command_line.is_empty() && top.pid != 1,
            (None, Some(last)) => last.pid != 1,
            (None, None) => facts.parent.is_none() && facts.ppid > 1,
        };
        hidden
            && !facts.controlling_terminal
            && !facts.stdin_terminal
            && set("SUPERVISOR_ENABLED")
            && set("SUPERVISOR_PROCESS_NAME")
    }

    /// Whether `SYSTEMD_EXEC_PID` names a shell that waits for us: then it is a service's main process. A terminal is a
    /// person's, in a service that is one shell.
    pub(super) fn is_below_a_units_process(&self, facts: &Facts) -> bool {
        let named = facts.variable("SYSTEMD_EXEC_PID").and_then(|pid| pid.parse().ok());
        named.is_some_and(|pid| self.waits(pid)) && !facts.controlling_terminal && !facts.stdin_terminal
    }

    /// Whether the process of this number waits for us.
    pub(super) fn waits(&self, pid: i32) -> bool {
        self.between.iter().any(|process| process.pid == pid)
    }

    /// Whether what is above has started a program that is to return: a job of cron(8), or a command by ssh(1).
    pub(super) fn starts_what_returns(&self) -> bool {
        const KNOWN: [&str; 9] =
            ["cron", "crond", "anacron", "fcron", "atd", "sshd", "sshd-session", "dropbear", "login"];
        self.top.is_some_and(|top| {
            // Debian's cron calls the process of a job so.
            KNOWN.into_iter().chain(["CRON"]).any(|name| top.is_called(name))
        })
    }
}

/// The supervisor that this program is known to be.
pub(super) fn known(process: &Process) -> Option<Manager> {
    const KNOWN: [(&str, Manager); 10] = [
        ("s6-supervise", Manager::S6),
        ("runsv", Manager::Runit),
        ("supervise", Manager::Daemontools),
        ("supervise-daemon", Manager::OpenRc),
        ("tini", Manager::Init),
        ("tini-static", Manager::Init),
        ("docker-init", Manager::Init),
        ("dumb-init", Manager::Init),
        ("catatonit", Manager::Init),
        ("podman-init", Manager::Init),
    ];
    KNOWN.into_iter().find(|(name, _)| process.is_called(name)).map(|(_, manager)| manager)
}
