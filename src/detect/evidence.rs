//! What each fact says, in words.

use std::borrow::Cow;

use svcadapt_spec::Scope;

use super::ancestors::above;
use super::detection::{Manager, ModeOption};
use super::facts::{Activation, Facts, Platform, Process, UnitAnswer, VARIABLES};

/// One fact, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its name: `parent`, `cgroup`, or that of an environment variable.
    pub fact: &'static str,
    /// Its value, as it is: a variable may hold anything. None where there is none.
    pub value: Option<String>,
    /// What follows from it, in words.
    pub says: String,
    /// Whether this is the one fact that decided the mode.
    pub decided: bool,
}

/// Which fact.
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
    fn name(self) -> &'static str {
        match self {
            Self::ModeOption => "asked",
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

/// The facts that are shown before the variables.
const BEFORE: [Fact; 9] = [
    Fact::ModeOption,
    Fact::Pid,
    Fact::Parent,
    Fact::Chain,
    Fact::Init,
    Fact::User,
    Fact::Session,
    Fact::ControllingTerminal,
    Fact::Stdin,
];

/// Those that are shown after them.
const AFTER: [Fact; 5] = [Fact::Journal, Fact::Booted, Fact::Cgroup, Fact::Answer, Fact::Activation];

/// Every fact, in a fixed order, with this one marked.
pub(super) fn list(facts: &Facts, asked: ModeOption, decided: Fact) -> Vec<Evidence> {
    let all = BEFORE.into_iter().chain(VARIABLES.map(Fact::Variable)).chain(AFTER);
    all.map(|fact| {
        let (value, mut says) = say(facts, asked, fact);
        let decided = fact == decided;
        if decided && is_a_guess(fact) {
            says += ": so we stay in the foreground. A daemon from here, from cron for instance, needs --mode classic";
        }
        if decided && fact == Fact::Variable("NOTIFY_SOCKET") {
            says += ". Who leads a session below process 1 is the one that is asked";
        }
        Evidence { fact: fact.name(), value, says: says.into_owned(), decided }
    })
    .collect()
}

/// Where one of these decides, the mode is the one whose mistake costs less.
fn is_a_guess(fact: Fact) -> bool {
    matches!(fact, Fact::Cgroup | Fact::Variable("INVOCATION_ID" | "XPC_SERVICE_NAME"))
}

type Said = (Option<String>, Cow<'static, str>);

fn say(facts: &Facts, asked: ModeOption, fact: Fact) -> Said {
    match fact {
        Fact::ModeOption => (Some(asked.name().to_owned()), self::asked(asked).into()),
        Fact::Pid if facts.pid == 1 => said(&1, "process 1: when it ends, its whole pid namespace ends"),
        Fact::Pid => said(&facts.pid, "not process 1"),
        Fact::Parent => parent(facts),
        Fact::Chain => above_the_parent(facts),
        Fact::Init => (facts.init.clone(), "the program of process 1; it decides nothing".into()),
        Fact::User if facts.uid == 0 => said(&0, "root: services of the system"),
        Fact::User => {
            said(&facts.uid, "not root: services of a user, unless the system's manager started us")
        }
        Fact::Session if facts.session == facts.pid => {
            said(&facts.session, "we lead our session, as under most supervisors and some shells")
        }
        Fact::Session => said(&facts.session, "we do not lead our session"),
        Fact::ControllingTerminal if facts.controlling_terminal => {
            said("yes", "a person's terminal is above us")
        }
        Fact::ControllingTerminal => said("no", "no terminal above us, as in a service, cron or nohup"),
        Fact::Stdin if facts.stdin_terminal => {
            said("a terminal", "a person's, or one that a service was given")
        }
        Fact::Stdin => said("no terminal", "says little: a pipe or a file is no service"),
        Fact::Variable(name) => (facts.variable(name).map(str::to_owned), variable(facts, name)),
        Fact::Journal if facts.stderr_is_journal => {
            said("the journal", "connected to the journal for us or for an ancestor")
        }
        Fact::Journal => said("not the journal", "not the file that JOURNAL_STREAM names"),
        Fact::Booted if facts.systemd_booted => said("yes", "systemd is the init system here"),
        Fact::Booted => said("no", "another init system: what systemd's variables say comes from elsewhere"),
        Fact::Cgroup => (facts.cgroup.clone(), cgroup(facts)),
        Fact::Answer => answer(facts),
        Fact::Activation => activation(facts.activation),
    }
}

fn asked(asked: ModeOption) -> &'static str {
    match asked {
        ModeOption::Auto => "the evidence decides",
        ModeOption::Systemd | ModeOption::Launchd => {
            "the mode and the manager that were asked for, whatever else is found"
        }
        ModeOption::Classic | ModeOption::Supervised => "the mode that was asked for, whatever else is found",
    }
}

fn said(value: &(impl ToString + ?Sized), says: &'static str) -> Said {
    (Some(value.to_string()), says.into())
}

fn show(process: &Process) -> String {
    format!("{} ({})", process.pid, process.comm)
}

fn parent(facts: &Facts) -> Said {
    let Some(process) = &facts.parent else {
        return said(&facts.ppid, "out of sight: it lives outside our pid namespace, or is hidden");
    };
    let above = above(facts);
    let says = match above.supervisor(facts).filter(|_| above.fact() == Fact::Parent) {
        Some(_) if process.waits_for_child() => "process 1 of a container, which ends with us",
        Some(Manager::Supervisord) => "supervisord, which waits for us",
        Some(_) => "a supervisor or a small init, which waits for us",
        None if process.pid == 1 => "process 1 adopts every orphan, so this alone says nothing",
        None if above.between.is_empty() && above.starts_what_returns() => RETURNS,
        None if process.runs_init_script() => "an init script, which has to return",
        None if !above.between.is_empty() => "it waits for us; what has started it decides",
        None if process.waits_for_child() => "a person's shell: it gives each job a process group",
        None => "no supervisor that we know",
    };
    said(&show(process), says)
}

const RETURNS: &str = "it starts programs that return, as cron does";

fn above_the_parent(facts: &Facts) -> Said {
    let shown: Vec<String> = facts.above.iter().map(show).collect();
    let above = above(facts);
    let says = match above.supervisor(facts) {
        _ if shown.is_empty() => return (None, "out of sight".into()),
        _ if above.between.is_empty() => {
            "our parent does not wait for us on its behalf, so this decides nothing"
        }
        Some(Manager::Init) if above.top.is_none() => "process 1 of a container, which ends with us",
        Some(_) => "a supervisor or a small init, which waits for the shell between",
        None if above.starts_what_returns() => RETURNS,
        None => "no supervisor that we know",
    };
    (Some(shown.join(" < ")), says.into())
}

fn variable(facts: &Facts, name: &str) -> Cow<'static, str> {
    let set = facts.variable(name).is_some();
    let ours = facts.holds_own_pid(name);
    let says = match name {
        "XPC_SERVICE_NAME" => return label(facts),
        "SYSTEMD_EXEC_PID" if ours => "systemd started this very process for a unit",
        "SYSTEMD_EXEC_PID" if above(facts).is_below_a_units_process(facts) => {
            "systemd started the shell that waits for us for a unit"
        }
        "SYSTEMD_EXEC_PID" if set => "inherited: systemd started another process",
        "SYSTEMD_EXEC_PID" => "not started by systemd 248 or later",
        "INVOCATION_ID" if set && facts.systemd_booted => "an ancestor or we ourselves belong to a unit",
        "INVOCATION_ID" if set => "inherited from elsewhere",
        "INVOCATION_ID" => "no unit above us has left its mark",
        "NOTIFY_SOCKET" if set => {
            "somebody above wants to be told of readiness; every descendant inherits this"
        }
        "NOTIFY_SOCKET" => "nobody asks to be told of readiness",
        "JOURNAL_STREAM" if set => "the journal's file of us or of an ancestor; see stderr",
        "MANAGERPID" if set => "a user's systemd is above us",
        "LISTEN_PID" | "WATCHDOG_PID" if ours => "set for this very process",
        "LISTEN_PID" | "WATCHDOG_PID" if set => "inherited: meant for another process",
        "LISTEN_FDS" if set => "counts only together with LISTEN_PID",
        "WATCHDOG_USEC" if set => "counts only together with WATCHDOG_PID",
        "SUPERVISOR_ENABLED" | "SUPERVISOR_PROCESS_NAME" if set => {
            "supervisord is above us; it counts where it waits for us"
        }
        "RC_SVCNAME" if set => "a service script of OpenRC is above us",
        "container" if set => "the container manager's word for this container",
        _ => "not set",
    };
    says.into()
}

fn label(facts: &Facts) -> Cow<'static, str> {
    let says = match (facts.platform, facts.variable("XPC_SERVICE_NAME")) {
        (_, None) => "not set",
        (Platform::Linux | Platform::Other, Some(_)) => "means something on macOS only",
        (Platform::MacOs, Some("" | "0")) => "not a job: what a terminal hands down",
        (Platform::MacOs, Some(name)) if name.starts_with("application.") => {
            "not a job: a program of the desktop is above us"
        }
        (Platform::MacOs, Some(_)) if facts.activation == Activation::NotManaged => {
            "the label of a job of launchd's above us"
        }
        (Platform::MacOs, Some(_)) => "the label of a job of launchd's, ours or an ancestor's",
    };
    says.into()
}

fn cgroup(facts: &Facts) -> Cow<'static, str> {
    match facts.unit() {
        None if facts.cgroup.is_none() => "no control group to see".into(),
        None => "no unit of this machine's systemd".into(),
        Some(unit) if unit.is_service() => {
            let whose = if unit.scope == Scope::User { "a user's " } else { "" };
            format!("inside {whose}{}, as its main process or below it", unit.name).into()
        }
        Some(unit) => format!("{} is not a service", unit.name).into(),
    }
}

fn answer(facts: &Facts) -> Said {
    let Some(UnitAnswer { service_type, main_pid }) = &facts.manager_answer else {
        return (None, "not asked, or no answer in time".into());
    };
    let says = match service_type.as_str() {
        "forking" if *main_pid == 0 => "it waits until the process that it started has forked and ended",
        "forking" => "a service that forks, and that is up already",
        "oneshot" => "it waits until the process that it started has ended",
        _ if *main_pid == facts.pid => "we are the main process of our unit",
        _ => "the service does not fork, and its main process is another",
    };
    said(&format!("Type={service_type} MainPID={main_pid}"), says)
}

fn activation(activation: Activation) -> Said {
    match activation {
        Activation::NotAsked => (None, "there is no launchd to ask".into()),
        Activation::Activated => said("a socket", "launchd started this very process as a job"),
        Activation::NoSuchSocket => said("no such socket", "launchd started this very process as a job"),
        Activation::AlreadyActivated => {
            said("already activated", "launchd started this very process as a job")
        }
        Activation::NotManaged => said("not managed", "launchd did not start this process"),
        Activation::Unknown => said("unknown", "launchd gave no answer that its manual knows"),
    }
}
