//! The chain of ancestors that wait for this process.

use super::facts::{Ancestor, Fact, Facts};
use super::manager::Manager;

/// The chain of ancestors.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    /// The shells and wrappers that wait for their child, nearest first.
    pub(super) between: Vec<&'a Ancestor>,
    /// The first ancestor that does not wait for its child.
    pub(super) top: Option<&'a Ancestor>,
}

/// Follows the ancestors up to the first that does not wait for its child.
///
/// The chain is empty below an interactive shell (with a terminal, and a process group for each job) and below an init
/// script, which must return.
pub(super) fn above(facts: &Facts) -> Chain<'_> {
    let terminal = facts.controlling_terminal || facts.stdin_terminal;
    let mut group = facts.process_group;
    let mut between = Vec::new();
    for process in facts.parent.iter().chain(&facts.ancestors) {
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
    /// The fact that the last process of the chain belongs to.
    pub(super) fn fact(&self) -> Fact {
        let looked_at = self.between.len() + usize::from(self.top.is_some());
        if looked_at > 1 { Fact::Chain } else { Fact::Parent }
    }

    /// The supervisor of this process.
    pub(super) fn supervisor(&self, facts: &Facts) -> Option<Manager> {
        let is_one = |process: &Ancestor| process.pid == 1;
        match self.top {
            Some(top) => known(top).or_else(|| {
                let named = facts.variable("SUPERVISOR_ENABLED").is_some() && top.mentions("supervisord");
                (named || self.is_hidden_supervisord(facts)).then_some(Manager::Supervisord)
            }),
            // The container ends with process 1, which ends with this process.
            None if self.between.last().is_some_and(|&last| is_one(last)) => Some(Manager::Init),
            None => self.is_hidden_supervisord(facts).then_some(Manager::Supervisord),
        }
    }

    /// Whether supervisord has started this process but is not recognisable: it is a script, and the argument vector of
    /// another user's process may be unreadable. Not with a terminal: an interactive shell may have inherited the variables.
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

    /// Whether `SYSTEMD_EXEC_PID` is the pid of a waiting shell, which is then the main process of a unit. Not with a terminal:
    /// it may be an interactive shell inside a service.
    pub(super) fn is_below_a_units_process(&self, facts: &Facts) -> bool {
        let named = facts.variable("SYSTEMD_EXEC_PID").and_then(|pid| pid.parse().ok());
        named.is_some_and(|pid| self.waits(pid)) && !facts.controlling_terminal && !facts.stdin_terminal
    }

    /// Whether the process of this pid waits for this process.
    pub(super) fn waits(&self, pid: i32) -> bool {
        self.between.iter().any(|process| process.pid == pid)
    }

    /// Whether this process must return: it is a job of cron(8) or a command of ssh(1).
    pub(super) fn starts_what_returns(&self) -> bool {
        const KNOWN: [&str; 9] =
            ["cron", "crond", "anacron", "fcron", "atd", "sshd", "sshd-session", "dropbear", "login"];
        self.top.is_some_and(|top| {
            // The name of a job's process in Debian's cron.
            KNOWN.into_iter().chain(["CRON"]).any(|name| top.is_called(name))
        })
    }
}

/// The supervisor of this program name. `None` if unknown.
pub(super) fn known(process: &Ancestor) -> Option<Manager> {
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
