//! The decision: a list of rules from facts to a mode and a manager; the first rule that applies wins.

use svcadapt_spec::Scope;

use super::ancestors::above;
use super::cgroup::UnitRef;
use super::detection::Detection;
use super::evidence;
use super::facts::{Activation, Fact, Facts, Platform};
use super::manager::Manager;
use super::mode::{Mode, ModeOption};

/// Decides the mode and the manager. Uses the manager's answer if the facts have one.
pub fn detect(facts: &Facts, option: ModeOption) -> Detection {
    let (detection, decided) = decision(facts, option);
    Detection { evidence: evidence::list(facts, option, decided), ..detection }
}

/// The decision without its evidence, and the fact that decided.
pub(super) fn decision(facts: &Facts, option: ModeOption) -> (Detection, Fact) {
    let verdict = verdict(facts);
    let (mode, decided) = match option {
        ModeOption::Auto => (verdict.mode, verdict.fact),
        ModeOption::Classic => (Mode::Classic, Fact::ModeOption),
        ModeOption::Supervised | ModeOption::Systemd | ModeOption::Launchd => {
            (Mode::Supervised, Fact::ModeOption)
        }
    };
    let manager = match (option, verdict.manager) {
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

/// The unit to ask the manager about. `None` if the answer cannot change the decision.
///
/// Asking costs a process, so it is skipped if `--mode` already decides the open question.
pub fn needs_answer(facts: &Facts, option: ModeOption) -> Option<UnitRef> {
    let matters = match (verdict(facts).open, option) {
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

/// The result of a rule.
struct RuleOutcome {
    mode: Mode,
    manager: Manager,
    /// The deciding fact.
    fact: Fact,
    open: Open,
}

/// What the manager's answer could change.
enum Open {
    Nothing,
    Mode,
    Everything,
}

impl RuleOutcome {
    fn supervised(manager: Manager, fact: Fact) -> Self {
        Self { mode: Mode::Supervised, manager, fact, open: Open::Nothing }
    }

    fn classic(manager: Manager, fact: Fact) -> Self {
        Self { mode: Mode::Classic, manager, fact, open: Open::Nothing }
    }
}

const RULES: [fn(&Facts) -> Option<RuleOutcome>; 8] = [
    job_of_launchd,
    process_of_a_unit,
    process_one,
    child_of_a_supervisor,
    on_a_terminal,
    started_to_return,
    left_by_a_job_of_launchd,
    below_a_service,
];

fn verdict(facts: &Facts) -> RuleOutcome {
    let unmanaged = || RuleOutcome::classic(Manager::None, Fact::Parent);
    RULES.iter().find_map(|rule| rule(facts)).unwrap_or_else(unmanaged)
}

/// launchd identifies its jobs by pid, so its answer does not depend on an inherited environment. Without an answer the label
/// counts if launchd is the parent and there is no terminal (jobs have none).
fn job_of_launchd(facts: &Facts) -> Option<RuleOutcome> {
    let label = || facts.launchd_job().map(str::to_owned);
    match (facts.platform, facts.activation) {
        // On any platform: an answer of launchd means that it started this process.
        (_, Activation::Activated | Activation::NoSuchSocket | Activation::AlreadyActivated) => {
            let manager = Manager::Launchd { label: label() };
            (!facts.is_launchd_application()).then(|| RuleOutcome::supervised(manager, Fact::Activation))
        }
        (_, Activation::NotManaged) | (Platform::Linux | Platform::Other, _) => None,
        (Platform::MacOs, Activation::Unknown | Activation::NotAsked) => {
            let alone = facts.ppid == 1 && !facts.stdin_terminal && !facts.controlling_terminal;
            let manager = Manager::Launchd { label: Some(label().filter(|_| alone)?) };
            Some(RuleOutcome::supervised(manager, Fact::Variable("XPC_SERVICE_NAME")))
        }
    }
}

/// Since version 248 systemd sets `SYSTEMD_EXEC_PID` to the pid of the process that it starts for a unit (systemd.exec(5)).
/// It is the only variable that descendants can tell from their own; the pid of a shell that waits for this process counts
/// too. `Type=forking` looks like `Type=simple` from inside; only `NOTIFY_SOCKET` rules it out.
fn process_of_a_unit(facts: &Facts) -> Option<RuleOutcome> {
    let ours = facts.holds_own_pid("SYSTEMD_EXEC_PID");
    if facts.platform != Platform::Linux || !(ours || above(facts).is_below_a_units_process(facts)) {
        return None;
    }
    if let Some(answer) = facts.manager_answer.as_ref().filter(|answer| answer.service_type == "forking") {
        // A forking unit that is up does not wait for a fork any more.
        let waits = ours || answer.main_pid == 0;
        return Some(RuleOutcome::classic(
            if waits { Manager::Systemd } else { Manager::None },
            Fact::Answer,
        ));
    }
    let open = if facts.variable("NOTIFY_SOCKET").is_some() { Open::Nothing } else { Open::Mode };
    Some(RuleOutcome {
        open,
        ..RuleOutcome::supervised(Manager::Systemd, Fact::Variable("SYSTEMD_EXEC_PID"))
    })
}

fn process_one(facts: &Facts) -> Option<RuleOutcome> {
    (facts.pid == 1).then(|| RuleOutcome::supervised(Manager::Container, Fact::Pid))
}

/// The child of a supervisor is its service, also through a shell in between, which ends when this process ends.
fn child_of_a_supervisor(facts: &Facts) -> Option<RuleOutcome> {
    let above = above(facts);
    above.supervisor(facts).map(|manager| RuleOutcome::supervised(manager, above.fact()))
}

/// A job of cron(8) must return, although it is in the cgroup of a service.
fn started_to_return(facts: &Facts) -> Option<RuleOutcome> {
    let above = above(facts);
    above.starts_what_returns().then(|| RuleOutcome::classic(Manager::None, above.fact()))
}

/// A terminal below a service (tmux, a CI job with a terminal) belongs to a user, not to the service.
fn on_a_terminal(facts: &Facts) -> Option<RuleOutcome> {
    let fact = match (facts.controlling_terminal, facts.stdin_terminal) {
        (true, _) => Fact::ControllingTerminal,
        (false, true) => Fact::Stdin,
        (false, false) => return None,
    };
    Some(RuleOutcome::classic(Manager::None, fact))
}

/// launchd kills the rest of a job's process group, and would restart the job while a daemon of it still runs.
fn left_by_a_job_of_launchd(facts: &Facts) -> Option<RuleOutcome> {
    let below = facts.activation == Activation::NotManaged && facts.launchd_job().is_some();
    below.then(|| RuleOutcome::supervised(Manager::None, Fact::Variable("XPC_SERVICE_NAME")))
}

/// A descendant of a systemd service, or its main process under a systemd older than 248: ambiguous.
///
/// Staying in the foreground by mistake costs a blocked prompt; becoming a daemon by mistake costs a service that is
/// restarted again and again. So without an answer the mode is supervised. The manager is systemd only if it reports this
/// process as the main process, or still waits for a fork: it accepts readiness from no other process. Without an answer
/// (before 248, not root, no bus) it is systemd if it appears to wait for the readiness of this process.
fn below_a_service(facts: &Facts) -> Option<RuleOutcome> {
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
            RuleOutcome::classic(if waits { Manager::Systemd } else { Manager::None }, Fact::Answer)
        }
        Some(answer) if answer.main_pid == facts.pid || above(facts).waits(answer.main_pid) => {
            RuleOutcome::supervised(Manager::Systemd, Fact::Answer)
        }
        None if expects_readiness(facts) => {
            let fact = Fact::Variable("NOTIFY_SOCKET");
            RuleOutcome { open: Open::Everything, ..RuleOutcome::supervised(Manager::Systemd, fact) }
        }
        Some(_) | None => {
            RuleOutcome { open: Open::Everything, ..RuleOutcome::supervised(Manager::None, fact) }
        }
    };
    Some(verdict)
}

/// Whether systemd appears to have started this process and to wait for its readiness: a child of process 1 that leads its
/// session. An orphan that called setsid(2) looks the same; systemd ignores its notifications unless `NotifyAccess=all`.
fn expects_readiness(facts: &Facts) -> bool {
    facts.systemd_booted
        && facts.ppid == 1
        && facts.session == facts.pid
        && facts.variable("NOTIFY_SOCKET").is_some()
        // A systemd that sets SYSTEMD_EXEC_PID has not set it to this pid.
        && facts.variable("SYSTEMD_EXEC_PID").is_none()
}

/// The scope of a systemd unit is its manager's; of any other service it follows from the user.
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
    /// The label in `XPC_SERVICE_NAME`. The value `0` is inherited from a terminal, `application.…` from a desktop
    /// application.
    fn launchd_job(&self) -> Option<&str> {
        let name = (self.platform == Platform::MacOs).then(|| self.variable("XPC_SERVICE_NAME")).flatten()?;
        (!name.is_empty() && name != "0" && !self.is_launchd_application()).then_some(name)
    }

    /// Whether the variables of sd_notify(3), sd_watchdog_enabled(3) or sd_listen_fds(3) are meant for this process, if a
    /// supervisor was set by option. Variables that a terminal session has inherited from a unit are not.
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
