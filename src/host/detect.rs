//! From facts to a mode and a manager: a list of rules, the first that speaks wins.

use super::detection::Asked;
use super::detection::Detection;
use super::detection::Manager;
use super::detection::Mode;
use super::evidence;
use super::evidence::Fact;
use super::facts::Activation;
use super::facts::Facts;
use super::facts::Platform;
use super::facts::Process;
use super::facts::Scope;
use super::facts::UnitRef;

/// Decides. It needs no answer of the manager, but uses one that is there.
pub fn detect(facts: &Facts, asked: Asked) -> Detection {
    let (detection, decided) = decision(facts, asked);
    Detection { evidence: evidence::list(facts, asked, decided), ..detection }
}

/// The decision without its evidence, and the fact that decided.
pub(super) fn decision(facts: &Facts, asked: Asked) -> (Detection, Fact) {
    let verdict = verdict(facts);
    let (mode, decided) = match asked {
        Asked::Auto => (verdict.mode, verdict.fact),
        Asked::Classic => (Mode::Classic, Fact::Asked),
        Asked::Supervised | Asked::Systemd | Asked::Launchd => (Mode::Supervised, Fact::Asked),
    };
    let manager = match (asked, verdict.manager) {
        (Asked::Systemd, _) => Manager::Systemd,
        (Asked::Launchd, found) if found.name() != Asked::Launchd.name() => Manager::Launchd { label: None },
        (_, found) => found,
    };
    let scope = scope(facts, &manager);
    (Detection { mode, manager, scope, evidence: Vec::new() }, decided)
}

/// The unit about which the manager must be asked, where its answer could change what is decided.
///
/// A mode that was asked for saves the question wherever only the mode is open; the question costs a process.
pub fn needs_answer(facts: &Facts, asked: Asked) -> Option<UnitRef> {
    let matters = match (verdict(facts).open, asked) {
        (Open::Nothing, _)
        | (_, Asked::Classic | Asked::Systemd | Asked::Launchd)
        | (Open::Mode, Asked::Supervised) => false,
        (Open::Mode, Asked::Auto) | (Open::Everything, Asked::Auto | Asked::Supervised) => true,
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

const RULES: [fn(&Facts) -> Option<Verdict>; 7] = [
    job_of_launchd,
    process_of_a_unit,
    process_one,
    child_of_a_supervisor,
    on_a_terminal,
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
/// environment only this is not true of descendants too. From the inside `Type=forking` looks like `Type=simple`;
/// only `NOTIFY_SOCKET` rules it out.
fn process_of_a_unit(facts: &Facts) -> Option<Verdict> {
    if facts.platform != Platform::Linux || !facts.names_us("SYSTEMD_EXEC_PID") {
        return None;
    }
    if facts.manager_answer.as_ref().is_some_and(|answer| answer.service_type == "forking") {
        return Some(Verdict::classic(Manager::Systemd, Fact::Answer));
    }
    let open = if facts.variable("NOTIFY_SOCKET").is_some() { Open::Nothing } else { Open::Mode };
    Some(Verdict { open, ..Verdict::supervised(Manager::Systemd, Fact::Variable("SYSTEMD_EXEC_PID")) })
}

fn process_one(facts: &Facts) -> Option<Verdict> {
    (facts.pid == 1).then(|| Verdict::supervised(Manager::Container, Fact::Pid))
}

/// Only a parent waits for us, so a supervisor further up does not count.
fn child_of_a_supervisor(facts: &Facts) -> Option<Verdict> {
    let parent = facts.parent.as_ref()?;
    let manager = match supervisor(parent) {
        Some(manager) => manager,
        None if facts.variable("SUPERVISOR_ENABLED").is_some() && parent.mentions("supervisord") => {
            Manager::Supervisord
        }
        None => return None,
    };
    Some(Verdict::supervised(manager, Fact::Parent))
}

/// The supervisor that this program is known to be.
pub(super) fn supervisor(process: &Process) -> Option<Manager> {
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
        Some(answer) if answer.main_pid == facts.pid => Verdict::supervised(Manager::Systemd, Fact::Answer),
        None if is_asked(facts) => {
            let asked = Fact::Variable("NOTIFY_SOCKET");
            Verdict { open: Open::Everything, ..Verdict::supervised(Manager::Systemd, asked) }
        }
        Some(_) | None => Verdict { open: Open::Everything, ..Verdict::supervised(Manager::None, fact) },
    };
    Some(verdict)
}

/// Whether systemd seems to have started this very process, and to wait for its readiness: it makes each a session of
/// its own. An orphan that has made itself one looks the same, and is not believed but with `NotifyAccess=all`.
fn is_asked(facts: &Facts) -> bool {
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

    fn is_launchd_application(&self) -> bool {
        self.variable("XPC_SERVICE_NAME").is_some_and(|name| name.starts_with("application."))
    }
}
