//! From facts to a mode and a manager: a list of rules, the first that speaks wins.

use svcadapt_spec::Scope;

use super::ancestors::above;
use super::detection::{Detection, Manager, Mode, ModeOption};
use super::evidence;
use super::evidence::Fact;
use super::facts::{Activation, Facts, Platform, UnitRef};

/// Decides. It needs no answer of the manager, but uses one that is there.
pub fn detect(facts: &Facts, asked: ModeOption) -> Detection {
    let (detection, decided) = decision(facts, asked);
    Detection { evidence: evidence::list(facts, asked, decided), ..detection }
}

/// The decision without its evidence, and the fact that decided.
pub(super) fn decision(facts: &Facts, asked: ModeOption) -> (Detection, Fact) {
    let verdict = verdict(facts);
    let (mode, decided) = match asked {
        ModeOption::Auto => (verdict.mode, verdict.fact),
        ModeOption::Classic => (Mode::Classic, Fact::ModeOption),
        ModeOption::Supervised | ModeOption::Systemd | ModeOption::Launchd => {
            (Mode::Supervised, Fact::ModeOption)
        }
    };
    let manager = match (asked, verdict.manager) {
        (ModeOption::Systemd, _) => Manager::Systemd,
        (ModeOption::Supervised, Manager::None) if facts.has_protocol_variables() => Manager::Other,
        (ModeOption::Launchd, found) if found.name() != ModeOption::Launchd.name() => {
            Manager::Launchd { label: None }
        }
        (_, found) => found,
    };
    let scope = scope(facts, &manager);
    (Detection { mode, manager, scope, evidence: Vec::new() }, decided)
}

/// The unit about which the manager must be asked, where its answer could change what is decided.
///
/// A mode that was asked for saves the question wherever only the mode is open; the question costs a process.
pub fn needs_answer(facts: &Facts, asked: ModeOption) -> Option<UnitRef> {
    let matters = match (verdict(facts).open, asked) {
        (Open::Nothing, _)
        | (_, ModeOption::Classic | ModeOption::Systemd | ModeOption::Launchd)
        | (Open::Mode, ModeOption::Supervised) => false,
        (Open::Mode, ModeOption::Auto) | (Open::Everything, ModeOption::Auto | ModeOption::Supervised) => {
            true
        }
    };
    if !matters || facts.manager_answer.is_some() {
        return None;
    }
    facts.unit().filter(UnitRef::is_service)
}

/// What one rule says.
struct Verdict {
    mode: Mode,
    manager: Manager,
    /// The fact that says so.
    fact: Fact,
    open: Open,
}

/// What the manager's answer could still change.
enum Open {
    Nothing,
    Mode,
    Everything,
}

impl Verdict {
    fn supervised(manager: Manager, fact: Fact) -> Self {
        Self { mode: Mode::Supervised, manager, fact, open: Open::Nothing }
    }

    fn classic(manager: Manager, fact: Fact) -> Self {
        Self { mode: Mode::Classic, manager, fact, open: Open::Nothing }
    }
}

const RULES: [fn(&Facts) -> Option<Verdict>; 8] = [
    job_of_launchd,
    process_of_a_unit,
    process_one,
    child_of_a_supervisor,
    on_a_terminal,
    started_to_return,
    left_by_a_job_of_launchd,
    below_a_service,
];

fn verdict(facts: &Facts) -> Verdict {
    let nobody = || Verdict::classic(Manager::None, Fact::Parent);
    RULES.iter().find_map(|rule| rule(facts)).unwrap_or_else(nobody)
}

/// launchd knows its jobs by process id, so its answer is not fooled by an inherited environment. Without an answer
/// the label counts for a process that launchd is the parent of, and that has no terminal (jobs get none).
fn job_of_launchd(facts: &Facts) -> Option<Verdict> {
    let label = || facts.launchd_job().map(str::to_owned);
    match (facts.platform, facts.activation) {
        // Where there is no launchd nobody answers; but who answers as launchd does, did start us.
        (_, Activation::Activated | Activation::NoSuchSocket | Activation::AlreadyActivated) => {
            let manager = Manager::Launchd { label: label() };
            (!facts.is_launchd_application()).then(|| Verdict::supervised(manager, Fact::Activation))
        }
        (_, Activation::NotManaged) | (Platform::Linux | Platform::Other, _) => None,
        (Platform::MacOs, Activation::Unknown | Activation::NotAsked) => {
            let alone = facts.ppid == 1 && !facts.stdin_terminal && !facts.controlling_terminal;
            let manager = Manager::Launchd { label: Some(label().filter(|_| alone)?) };
            Some(Verdict::supervised(manager, Fact::Variable("XPC_SERVICE_NAME")))
        }
    }
}

/// systemd 248 and later tell each process that they start for a unit its own process id (systemd.exec(5)). Of the
/// environment only this is not true of descendants too; a shell that waits for us speaks for us. From the inside
/// `Type=forking` looks like `Type=simple`; only `NOTIFY_SOCKET` rules it out.
fn process_of_a_unit(facts: &Facts) -> Option<Verdict> {
    let ours = facts.holds_own_pid("SYSTEMD_EXEC_PID");
    if facts.platform != Platform::Linux || !(ours || above(facts).is_below_a_units_process(facts)) {
        return None;
    }
    if let Some(answer) = facts.manager_answer.as_ref().filter(|answer| answer.service_type == "forking") {
        // One that is up waits for no fork any more.
        let waits = ours || answer.main_pid == 0;
        return Some(Verdict::classic(if waits { Manager::Systemd } else { Manager::None }, Fact::Answer));
    }
    let open = if facts.variable("NOTIFY_SOCKET").is_some() { Open::Nothing } else { Open::Mode };
    Some(Verdict { open, ..Verdict::supervised(Manager::Systemd, Fact::Variable("SYSTEMD_EXEC_PID")) })
}

fn process_one(facts: &Facts) -> Option<Verdict> {
    (facts.pid == 1).then(|| Verdict::supervised(Manager::Container, Fact::Pid))
}

/// A supervisor waits for its child. A shell between the two ends as we do, so that we are its service all the same.
fn child_of_a_supervisor(facts: &Facts) -> Option<Verdict> {
    let above = above(facts);
    above.supervisor(facts).map(|manager| Verdict::supervised(manager, above.fact()))
}

/// A job of cron(8) has to return, though it runs in the control group of a service.
fn started_to_return(facts: &Facts) -> Option<Verdict> {
    let above = above(facts);
    above.starts_what_returns().then(|| Verdict::classic(Manager::None, above.fact()))
}

/// A terminal below a service (tmux, a shell of a CI job with a terminal) is a person's, not the service's.
fn on_a_terminal(facts: &Facts) -> Option<Verdict> {
    let fact = match (facts.controlling_terminal, facts.stdin_terminal) {
        (true, _) => Fact::ControllingTerminal,
        (false, true) => Fact::Stdin,
        (false, false) => return None,
    };
    Some(Verdict::classic(Manager::None, fact))
}

/// launchd kills what is left of a job's process group, and would start the job again beside a daemon of ours.
fn left_by_a_job_of_launchd(facts: &Facts) -> Option<Verdict> {
    let below = facts.activation == Activation::NotManaged && facts.launchd_job().is_some();
    below.then(|| Verdict::supervised(Manager::None, Fact::Variable("XPC_SERVICE_NAME")))
}

/// Somewhere below a service of systemd's, or its main process under a systemd older than 248: ambiguous.
///
/// Wrongly in the foreground costs a prompt that does not come back; wrongly a daemon costs a service that is started
/// again and again beside it. So without an answer we stay. The manager is systemd only if it says that we are the
/// main process, or if it still waits for a fork: from anybody else it takes no readiness. Without an answer (before
/// 248, not root, and no bus to ask through) it is systemd if it waits for ours.
fn below_a_service(facts: &Facts) -> Option<Verdict> {
    let invoked = facts.platform == Platform::Linux
        && facts.systemd_booted
        && facts.variable("INVOCATION_ID").is_some();
    let fact = match facts.unit() {
        Some(unit) if unit.is_service() => Fact::Cgroup,
        None if invoked => Fact::Variable("INVOCATION_ID"),
        Some(_) | None => return None,
    };
    let verdict = match &facts.manager_answer {
        Some(answer) if answer.service_type == "forking" => {
            let waits = answer.main_pid == 0;
            Verdict::classic(if waits { Manager::Systemd } else { Manager::None }, Fact::Answer)
        }
        Some(answer) if answer.main_pid == facts.pid || above(facts).waits(answer.main_pid) => {
            Verdict::supervised(Manager::Systemd, Fact::Answer)
        }
        None if expects_readiness(facts) => {
            let asked = Fact::Variable("NOTIFY_SOCKET");
            Verdict { open: Open::Everything, ..Verdict::supervised(Manager::Systemd, asked) }
        }
        Some(_) | None => Verdict { open: Open::Everything, ..Verdict::supervised(Manager::None, fact) },
    };
    Some(verdict)
}

/// Whether systemd seems to have started this very process, and to wait for its readiness: it makes each a session of
/// its own. An orphan that has made itself one looks the same, and is not believed but with `NotifyAccess=all`.
fn expects_readiness(facts: &Facts) -> bool {
    facts.systemd_booted
        && facts.ppid == 1
        && facts.session == facts.pid
        && facts.variable("NOTIFY_SOCKET").is_some()
        // One that tells every process its number did not tell us ours.
        && facts.variable("SYSTEMD_EXEC_PID").is_none()
}

/// systemd's units belong to the manager that started them, everything else to the user that we are.
fn scope(facts: &Facts, manager: &Manager) -> Scope {
    let users_manager = || facts.variable("MANAGERPID").and_then(|pid| pid.parse().ok()) == Some(facts.ppid);
    match (manager, facts.unit()) {
        (Manager::Systemd, Some(unit)) => unit.scope,
        (Manager::Systemd, None) if users_manager() => Scope::User,
        (Manager::Systemd, None) => Scope::System,
        (_, _) if facts.uid == 0 => Scope::System,
        (_, _) => Scope::User,
    }
}

impl Facts {
    /// The label in `XPC_SERVICE_NAME`. `0` is what terminals hand down, `application.` what a program of the
    /// desktop does.
    fn launchd_job(&self) -> Option<&str> {
        let name = (self.platform == Platform::MacOs).then(|| self.variable("XPC_SERVICE_NAME")).flatten()?;
        (!name.is_empty() && name != "0" && !self.is_launchd_application()).then_some(name)
    }

    /// Whether the variables of sd_notify(3), sd_watchdog_enabled(3) or sd_listen_fds(3) are addressed to us, where a
    /// supervisor was asked for. What a person's terminal has inherited from a unit is not.
    fn has_protocol_variables(&self) -> bool {
        let set = |name: &str| self.variable(name).is_some();
        let inherited = (self.controlling_terminal || self.stdin_terminal)
            && set("SYSTEMD_EXEC_PID")
            && !self.holds_own_pid("SYSTEMD_EXEC_PID");
        let watched = set("WATCHDOG_USEC") && (self.holds_own_pid("WATCHDOG_PID") || !set("WATCHDOG_PID"));
        !inherited && (set("NOTIFY_SOCKET") || watched || self.holds_own_pid("LISTEN_PID"))
    }

    fn is_launchd_application(&self) -> bool {
        self.variable("XPC_SERVICE_NAME").is_some_and(|name| name.starts_with("application."))
    }
}
