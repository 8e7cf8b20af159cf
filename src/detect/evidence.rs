//! The meaning of each fact, as text.

use std::borrow::Cow;

use svcadapt_spec::Scope;

use super::ancestors::above;
use super::facts::{Activation, Ancestor, Fact, Facts, Platform, UnitAnswer, VARIABLES};
use super::manager::Manager;
use super::mode::ModeOption;

/// A fact and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// The name: `parent`, `cgroup`, or an environment variable.
    pub fact: &'static str,
    /// The value, unescaped: a variable may contain control characters. `None` if there is no value.
    pub value: Option<String>,
    /// What follows from it, as text.
    pub meaning: String,
    /// Whether this fact decided the mode.
    pub decided: bool,
}

/// The facts that are listed before the variables.
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

/// The facts that are listed after the variables.
const AFTER: [Fact; 5] = [Fact::Journal, Fact::Booted, Fact::Cgroup, Fact::Answer, Fact::Activation];

/// All facts in a fixed order; `decided` is marked.
pub(super) fn list(facts: &Facts, option: ModeOption, decided: Fact) -> Vec<Evidence> {
    let all = BEFORE.into_iter().chain(VARIABLES.map(Fact::Variable)).chain(AFTER);
    all.map(|fact| {
        let (value, mut meaning) = describe(facts, option, fact);
        let decided = fact == decided;
        if decided && is_a_guess(fact) {
            meaning +=
                ": so svcadapt stays in the foreground; for a daemon started from here use --mode classic";
        }
        if decided && fact == Fact::Variable("NOTIFY_SOCKET") {
            meaning +=
                "; a session leader whose parent is process 1 is taken for the process that it waits for";
        }
        Evidence { fact: fact.name(), value, meaning: meaning.into_owned(), decided }
    })
    .collect()
}

/// Whether the fact is ambiguous: the mode is then the one whose mistake costs less.
fn is_a_guess(fact: Fact) -> bool {
    matches!(fact, Fact::Cgroup | Fact::Variable("INVOCATION_ID" | "XPC_SERVICE_NAME"))
}

type Description = (Option<String>, Cow<'static, str>);

fn describe(facts: &Facts, option: ModeOption, fact: Fact) -> Description {
    match fact {
        Fact::ModeOption => (Some(option.name().to_owned()), mode_option(option).into()),
        Fact::Pid if facts.pid == 1 => row(&1, "process 1: the pid namespace ends with it"),
        Fact::Pid => row(&facts.pid, "not process 1"),
        Fact::Parent => parent(facts),
        Fact::Chain => above_the_parent(facts),
        Fact::Init => (facts.init.clone(), "the program of process 1; decides nothing".into()),
        Fact::User if facts.uid == 0 => row(&0, "root: a system service"),
        Fact::User => row(&facts.uid, "not root: a user's service, unless the system manager started it"),
        Fact::Session if facts.session == facts.pid => {
            row(&facts.session, "session leader, as under most supervisors and some shells")
        }
        Fact::Session => row(&facts.session, "not a session leader"),
        Fact::ControllingTerminal if facts.controlling_terminal => row("yes", "started from a terminal"),
        Fact::ControllingTerminal => row("no", "no terminal, as in a service, cron or nohup"),
        Fact::Stdin if facts.stdin_terminal => row("a terminal", "a user's terminal, or one of a service"),
        Fact::Stdin => row("no terminal", "weak evidence: a pipe or a file does not imply a service"),
        Fact::Variable(name) => (facts.variable(name).map(str::to_owned), variable(facts, name)),
        Fact::Journal if facts.stderr_is_journal => {
            row("the journal", "connected to the journal, for this process or for an ancestor")
        }
        Fact::Journal => row("not the journal", "not the file that JOURNAL_STREAM names"),
        Fact::Booted if facts.systemd_booted => row("yes", "systemd is the init system here"),
        Fact::Booted => row("no", "another init system; systemd's variables are inherited from elsewhere"),
        Fact::Cgroup => (facts.cgroup.clone(), cgroup(facts)),
        Fact::Answer => answer(facts),
        Fact::Activation => activation(facts.activation),
    }
}

fn mode_option(option: ModeOption) -> &'static str {
    match option {
        ModeOption::Auto => "the evidence decides",
        ModeOption::Systemd | ModeOption::Launchd => "the mode and the manager are set by option",
        ModeOption::Classic | ModeOption::Supervised => "the mode is set by option",
    }
}

fn row(value: &(impl ToString + ?Sized), meaning: &'static str) -> Description {
    (Some(value.to_string()), meaning.into())
}

fn show(process: &Ancestor) -> String {
    format!("{} ({})", process.pid, process.comm)
}

fn parent(facts: &Facts) -> Description {
    let Some(process) = &facts.parent else {
        return row(&facts.ppid, "not visible: outside the pid namespace, or hidden");
    };
    let above = above(facts);
    let meaning = match above.supervisor(facts).filter(|_| above.fact() == Fact::Parent) {
        Some(_) if process.waits_for_child() => "process 1 of a container, which ends with this process",
        Some(Manager::Supervisord) => "supervisord, which waits for this process",
        Some(_) => "a supervisor or a small init, which waits for this process",
        None if process.pid == 1 => "process 1 adopts every orphan, so this alone decides nothing",
        None if above.between.is_empty() && above.starts_what_returns() => RETURNS,
        None if process.runs_init_script() => "an init script, which must return",
        None if !above.between.is_empty() => "it waits for this process; its own parent decides",
        None if process.waits_for_child() => "an interactive shell: it gives each job a process group",
        None => "not a known supervisor",
    };
    row(&show(process), meaning)
}

const RETURNS: &str = "it starts programs that must return, as cron does";

fn above_the_parent(facts: &Facts) -> Description {
    let shown: Vec<String> = facts.ancestors.iter().map(show).collect();
    let above = above(facts);
    let meaning = match above.supervisor(facts) {
        _ if shown.is_empty() => return (None, "not visible".into()),
        _ if above.between.is_empty() => "the parent does not wait for this process, so this decides nothing",
        Some(Manager::Init) if above.top.is_none() => {
            "process 1 of a container, which ends with this process"
        }
        Some(_) => "a supervisor or a small init, which waits for the shell below it",
        None if above.starts_what_returns() => RETURNS,
        None => "not a known supervisor",
    };
    (Some(shown.join(" < ")), meaning.into())
}

fn variable(facts: &Facts, name: &str) -> Cow<'static, str> {
    let set = facts.variable(name).is_some();
    let ours = facts.holds_own_pid(name);
    let meaning = match name {
        "XPC_SERVICE_NAME" => return label(facts),
        "SYSTEMD_EXEC_PID" if ours => "systemd started this process for a unit",
        "SYSTEMD_EXEC_PID" if above(facts).is_below_a_units_process(facts) => {
            "systemd started the waiting shell for a unit"
        }
        "SYSTEMD_EXEC_PID" if set => "inherited: systemd started another process",
        "SYSTEMD_EXEC_PID" => "not started by systemd 248 or later",
        "INVOCATION_ID" if set && facts.systemd_booted => "this process or an ancestor belongs to a unit",
        "INVOCATION_ID" if set => "inherited from elsewhere",
        "INVOCATION_ID" => "not below a unit",
        "NOTIFY_SOCKET" if set => "a manager waits for readiness; every descendant inherits this",
        "NOTIFY_SOCKET" => "no manager waits for readiness",
        "JOURNAL_STREAM" if set => "the journal stream of this process or of an ancestor; see stderr",
        "MANAGERPID" if set => "below a user's systemd",
        "LISTEN_PID" | "WATCHDOG_PID" if ours => "set for this process",
        "LISTEN_PID" | "WATCHDOG_PID" if set => "inherited: meant for another process",
        "LISTEN_FDS" if set => "counts only together with LISTEN_PID",
        "WATCHDOG_USEC" if set => "counts only together with WATCHDOG_PID",
        "SUPERVISOR_ENABLED" | "SUPERVISOR_PROCESS_NAME" if set => {
            "below supervisord; counts if it waits for this process"
        }
        "RC_SVCNAME" if set => "below a service script of OpenRC",
        "container" if set => "set by the container manager",
        _ => "not set",
    };
    meaning.into()
}

fn label(facts: &Facts) -> Cow<'static, str> {
    let meaning = match (facts.platform, facts.variable("XPC_SERVICE_NAME")) {
        (_, None) => "not set",
        (Platform::Linux | Platform::Other, Some(_)) => "has a meaning on macOS only",
        (Platform::MacOs, Some("" | "0")) => "not a job: inherited from a terminal",
        (Platform::MacOs, Some(name)) if name.starts_with("application.") => {
            "not a job: inherited from a desktop application"
        }
        (Platform::MacOs, Some(_)) if facts.activation == Activation::NotManaged => {
            "the label of a launchd job, an ancestor's"
        }
        (Platform::MacOs, Some(_)) => "the label of a launchd job, of this process or of an ancestor",
    };
    meaning.into()
}

fn cgroup(facts: &Facts) -> Cow<'static, str> {
    match facts.unit() {
        None if facts.cgroup.is_none() => "no cgroup visible".into(),
        None => "not in a unit of this machine's systemd".into(),
        Some(unit) if unit.is_service() => {
            let whose = if unit.scope == Scope::User { "a user's " } else { "" };
            format!("in {whose}{}, as its main process or a descendant", unit.name).into()
        }
        Some(unit) => format!("{} is not a service", unit.name).into(),
    }
}

fn answer(facts: &Facts) -> Description {
    let Some(UnitAnswer { service_type, main_pid }) = &facts.manager_answer else {
        return (None, "not asked, or no answer within the timeout".into());
    };
    let meaning = match service_type.as_str() {
        "forking" if *main_pid == 0 => "systemd waits until the started process has forked and exited",
        "forking" => "a forking service that is already up",
        "oneshot" => "systemd waits until the started process has exited",
        _ if *main_pid == facts.pid => "this is the main process of the unit",
        _ => "a service that does not fork, with another main process",
    };
    row(&format!("Type={service_type} MainPID={main_pid}"), meaning)
}

fn activation(activation: Activation) -> Description {
    match activation {
        Activation::NotAsked => (None, "no launchd on this system".into()),
        Activation::Activated => row("a socket", "launchd started this process as a job"),
        Activation::NoSuchSocket => row("no such socket", "launchd started this process as a job"),
        Activation::AlreadyActivated => row("already activated", "launchd started this process as a job"),
        Activation::NotManaged => row("not managed", "launchd did not start this process"),
        Activation::Unknown => row("unknown", "an undocumented answer of launchd"),
    }
}
