//! The plan: the steps of a start, as data.
//!
//! A plan is a pure function of the spec, the resolved accounts and files, and the detected host. `setup` performs the steps
//! in order and decides nothing; `--dry-run` prints the same list.
//!
//! The order is that of daemon(7) with the additions of systemd.exec(5):
//!
//! * the lock comes before every step that could disturb a running instance;
//! * directories, sockets, streams and the pid file are created as root, before privileges are dropped;
//! * the root directory is changed after all paths of the host have been opened;
//! * the group, then the groups, then the user: the changed user may not change groups any more, and on macOS setting the
//!   group after the groups would add the caller's group to them;
//! * limits before the user, who may not raise them; ambient capabilities after the user, because setuid(2) clears them;
//! * the working directory is entered as the user, who must be able to;
//! * descriptors last, because every earlier step may need one.

pub mod control_group;
mod draft;
mod ending;
mod environment;
pub mod group_limits;
mod group_steps;
mod label;
mod launch_step;
mod life;
mod process_settings;
mod resolution;
#[cfg(test)]
pub(crate) mod samples;
mod scheduling;
mod setup_step;
mod socket_source;
mod started_by;
mod step;
mod strategy;
mod streams;

use std::path::Path;

pub use control_group::{ControlGroup, LEAF};
pub use ending::Ending;
pub use environment::{FORKING, STARTED_AS, environment, readdress, started_as};
pub use label::StepLabel;
pub use launch_step::LaunchStep;
pub use life::{life_fields, store_size};
pub use resolution::{
    Account, AccountEntry, CREDENTIALS_DIRECTORY, CallerState, DirectoryPlace, Note, Reaper, Resolution,
};
pub use setup_step::SetupStep;
use socket_source::SocketSource;
pub use started_by::StartedBy;
pub use step::Step;
pub use strategy::{Strategy, forwards_signals};
pub use streams::{StreamSocket, is_socket_a_stream};
use svcadapt_spec::ServiceSpec;

use crate::detect::Detection;

/// The steps of a start, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How the program is started.
    #[doc(hidden)]
    pub strategy: Strategy,
    /// The host that it was made for.
    #[doc(hidden)]
    pub detection: Detection,
    /// Whether a service manager has prepared this process.
    #[doc(hidden)]
    pub started_by: StartedBy,
    /// The steps.
    #[doc(hidden)]
    pub steps: Vec<Step>,
}

impl Plan {
    /// The names of the steps, in their order: `fork`, `umask`, `user`, `working directory`.
    pub fn stages(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().map(|step| step.label().stage)
    }

    /// The descriptors that stay open in the program, in addition to the standard streams.
    pub(crate) fn program_descriptors(&self) -> &[i32] {
        let found = self.setup_steps().find_map(|step| match step {
            SetupStep::Descriptors(kept) => Some(kept.as_slice()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// The steps of the launcher, in order.
    pub(crate) fn launch_steps(&self) -> impl Iterator<Item = &LaunchStep> {
        self.steps.iter().filter_map(|step| match step {
            Step::Launcher(step) => Some(step),
            Step::Host(_) | Step::Service(_) => None,
        })
    }

    /// The steps of the process that becomes the program, in order.
    pub(crate) fn setup_steps(&self) -> impl Iterator<Item = &SetupStep> {
        self.steps.iter().filter_map(|step| match step {
            Step::Service(step) => Some(step),
            Step::Host(_) | Step::Launcher(_) => None,
        })
    }

    /// Whether the launcher has this step.
    pub(crate) fn has(&self, step: &LaunchStep) -> bool {
        self.launch_steps().any(|planned| planned == step)
    }

    /// Whether the program gets a session of its own.
    pub(crate) fn has_new_session(&self) -> bool {
        self.has(&LaunchStep::NewSession) || self.setup_steps().any(|step| *step == SetupStep::NewSession)
    }

    /// Plans a start.
    #[doc(hidden)]
    pub fn new(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Self {
        Self::with_ending(spec, resolved, detection, Ending::Exec)
    }

    /// Plans how the running program becomes the service. No program is executed; its own signal handlers and descriptors
    /// are kept.
    pub(crate) fn becoming_this_program(
        spec: &ServiceSpec,
        resolved: &Resolution,
        detection: &Detection,
    ) -> Self {
        Self::with_ending(spec, resolved, detection, Ending::Return)
    }

    /// Plans how a command of the service runs beside its program: with the same set-up, but without the steps of a
    /// launcher.
    pub(crate) fn of_command(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Self {
        let started_by = StartedBy::of(detection);
        let steps = draft::command_steps(spec, resolved, detection, started_by);
        Self { strategy: Strategy::Exec, detection: detection.clone(), started_by, steps }
    }

    /// Adds a re-exec of the program in the forked service process. The plan is unchanged if it has no fork.
    #[must_use]
    pub(crate) fn with_reexec(mut self, program: &Path) -> Self {
        let fork = |step: &Step| matches!(step, Step::Launcher(LaunchStep::Fork | LaunchStep::ForkAgain));
        if let Some(last) = self.steps.iter().rposition(fork) {
            self.steps.insert(last + 1, Step::Launcher(LaunchStep::Reexec(program.to_owned())));
        }
        let stays = self.has(&LaunchStep::KeepIntermediate);
        if let Some(first) = self.steps.iter().position(fork)
            && self.strategy == Strategy::Daemonize
            && !stays
        {
            self.steps.insert(first, Step::Launcher(LaunchStep::KeepIntermediate));
        }
        self
    }

    /// Whether the plan has a re-exec.
    #[doc(hidden)]
    pub fn has_reexec(&self) -> bool {
        self.launch_steps().any(|step| matches!(step, LaunchStep::Reexec(_)))
    }

    /// Whether the plan executes another program.
    pub(crate) fn has_exec(&self) -> bool {
        self.setup_steps().any(|step| matches!(step, SetupStep::Execute(_)))
    }

    fn with_ending(spec: &ServiceSpec, resolved: &Resolution, detection: &Detection, end: Ending) -> Self {
        let strategy = Strategy::of(spec, resolved, detection, end);
        let started_by = StartedBy::of(detection);
        let listening = SocketSource::of(spec, resolved, detection);
        let steps = draft::steps(spec, resolved, detection, started_by, strategy, end, listening);
        Self { strategy, detection: detection.clone(), started_by, steps }
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Origin, Resource, Scope, SpecDraft};

    use super::*;
    use crate::detect::{Manager, Mode};

    pub(super) fn spec(fields: &[(Field, &str)]) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in fields {
            draft.assign(field, value, Origin::Option);
        }
        draft.finish().unwrap()
    }

    /// Root starts a program as the user nobody.
    pub(super) fn resolved() -> Resolution {
        let entry =
            AccountEntry { name: "nobody".into(), home: "/nonexistent".into(), shell: "/bin/false".into() };
        Resolution {
            credentials: None,
            account: Account {
                uid: 65_534,
                gid: 65_534,
                groups: vec![65_534],
                member: None,
                is_dynamic: false,
                entry: Some(entry),
            },
            caller: CallerState {
                groups: vec![0, 4],
                oom_score_adjust: Some(-500),
                limits: Resource::ALL.to_vec(),
                runtime_directory: "/run".into(),
                ..CallerState::default()
            },
            program: "/bin/true".into(),
            inherited: Vec::new(),
            from_files: Vec::new(),
            socket_owner: (None, None),
            lock: Some("/run/svcadapt/x".into()),
            own_log: None,
            control_group: None,
            notes: Vec::new(),
        }
    }

    fn stages(fields: &[(Field, &str)], mode: Mode, manager: Manager, socket: bool) -> Vec<&'static str> {
        let mut resolved = resolved();
        if socket {
            resolved.inherited.push(("NOTIFY_SOCKET".into(), "/n".into()));
        }
        let detection = Detection { mode, manager, scope: Scope::System, evidence: Vec::new() };
        let plan = Plan::new(&spec(fields), &resolved, &detection);
        plan.steps.iter().filter(|step| step.process().is_some()).map(|step| step.label().stage).collect()
    }

    #[test]
    fn classic_start_has_every_step_in_order() {
        let fields =
            [(Field::PidFile, "/run/x.pid"), (Field::Ready, "tcp:80"), (Field::Limit(Resource::Nofile), "9")];
        let all = stages(&fields, Mode::Classic, Manager::None, false);
        let mut distinct = all.clone();
        distinct.dedup();
        let expected = [
            "adopt orphans",
            "fork",
            "new session",
            "fork again",
            "reset signals",
            "lock",
            "standard input",
            "standard output",
            "standard error",
            "pid file",
            "oom score",
            "nice",
            "group",
            "groups",
            "soft limit",
            "limit",
            "user",
            "ambient capabilities",
            "umask",
            "working directory",
            "descriptors",
            "exec",
        ];
        assert_eq!(distinct, expected);
    }

    #[test]
    fn program_that_becomes_the_service_drops_privileges_last() {
        let mut resolved = resolved();
        resolved.caller.limits = Vec::new();
        let spec = spec(&[(Field::PidFile, "/run/x.pid"), (Field::User, "nobody")]);
        let detection = Detection {
            mode: Mode::Classic,
            manager: Manager::None,
            scope: Scope::System,
            evidence: Vec::new(),
        };
        let plan = Plan::becoming_this_program(&spec, &resolved, &detection);
        assert!(!plan.has_exec());
        let stages: Vec<_> = plan.stages().collect();
        assert!(!stages.contains(&"reset signals") && !stages.contains(&"descriptors"), "{stages:?}");
        let at = |stage| stages.iter().position(|known| *known == stage).unwrap();
        assert!(at("lock") < at("pid file") && at("pid file") < at("inherited descriptors"));
        let mut rest = plan.setup_steps().skip_while(|step| !step.drops_privileges()).peekable();
        assert!(rest.peek().is_some() && rest.all(SetupStep::drops_privileges), "{stages:?}");
        assert!(
            at("group") < at("groups") && at("groups") < at("user") && at("user") < at("working directory")
        );
    }

    #[test]
    fn reexec_follows_the_last_fork_if_there_is_one() {
        let plan = |mode, manager, orphans| {
            let mut resolved = resolved();
            resolved.caller.orphans = orphans;
            let detection = Detection { mode, manager, scope: Scope::System, evidence: Vec::new() };
            let plan = Plan::becoming_this_program(&spec(&[(Field::User, "nobody")]), &resolved, &detection);
            let again = plan.clone().with_reexec(Path::new("/bin/x"));
            let stages = |plan: Plan| plan.stages().collect();
            let (plan, again): (Vec<_>, Vec<_>) = (stages(plan), stages(again));
            (plan, again)
        };
        let (once, again) = plan(Mode::Classic, Manager::None, Reaper::Subreaper);
        assert_eq!(once[..4], ["adopt orphans", "fork", "new session", "fork again"]);
        let expected = ["adopt orphans", "keep intermediate", "fork", "new session", "fork again", "re-exec"];
        assert_eq!(again[..6], expected);
        assert_eq!(again[6..], once[4..]);
        let (once, again) = plan(Mode::Classic, Manager::None, Reaper::Init);
        assert_eq!(once[..4], ["keep intermediate", "fork", "new session", "fork again"]);
        assert_eq!(again[..5], expected[1..]);
        let (once, again) = plan(Mode::Supervised, Manager::Container, Reaper::Subreaper);
        assert_eq!((once[0], &again[..2]), ("fork", &["fork", "re-exec"][..]));
        let (once, again) = plan(Mode::Supervised, Manager::Systemd, Reaper::Subreaper);
        assert_eq!(once, again);
    }

    #[test]
    fn sockets_are_opened_unless_passed_or_held_by_launchd() {
        let steps =
            |fields: &[(Field, &str)], manager: Manager, passed: &[i32], launchd_descriptors: &[i32]| {
                let mut resolved = resolved();
                resolved.caller.passed_descriptors = passed.to_vec();
                resolved.caller.launchd_descriptors = launchd_descriptors.to_vec();
                let detection =
                    Detection { mode: Mode::Supervised, manager, scope: Scope::System, evidence: Vec::new() };
                let fields = [&[(Field::ListenStream, "80"), (Field::ListenDatagram, "53")], fields].concat();
                let plan = Plan::new(&spec(&fields), &resolved, &detection);
                let about = plan.steps.iter().filter(|step| step.label().status == 202);
                about.map(|step| format!("{} {}", step.by(), step.label())).collect::<Vec<_>>()
            };
        let launchd = || Manager::Launchd { label: None };
        let own = [(Field::LaunchdActivation, "yes")];
        assert_eq!(
            steps(&[], Manager::Runit, &[], &[]),
            [
                "adapter listen 80",
                "adapter listen 53 for datagrams",
                "adapter pass descriptors 3 4",
                "adapter descriptors 0 1 2 3 4 32"
            ]
        );
        assert_eq!(
            steps(&[], Manager::Systemd, &[3, 4], &[]),
            ["host listen 80", "host listen 53 for datagrams", "adapter descriptors 0 1 2 3 4 32"]
        );
        // launchd may pass one for each address family; if it passes 32, the lock gets another number.
        assert_eq!(
            steps(&[], launchd(), &[], &[5, 32, 9]),
            ["adapter launchd sockets Listeners", "adapter descriptors 0 1 2 3 4 5 33"]
        );
        assert_eq!(steps(&own, launchd(), &[], &[]), ["adapter descriptors 0 1 2 32"]);
        assert_eq!(steps(&own, Manager::Runit, &[], &[]).len(), 4);
        assert_eq!(steps(&[], launchd(), &[], &[])[0], "adapter listen 80");
    }

    #[test]
    fn process_below_a_manager_keeps_its_inherited_state() {
        let all = stages(&[], Mode::Supervised, Manager::Systemd, true);
        let set_up = ["oom score", "nice", "soft limit", "umask", "working directory", "fork"];
        assert!(!all.iter().any(|stage| set_up.contains(stage)), "{all:?}");
    }

    #[test]
    fn readiness_helper_exists_only_if_the_program_does_not_notify() {
        let helper = |ready: &[(Field, &str)], manager: Manager, socket| {
            stages(ready, Mode::Supervised, manager, socket).contains(&"readiness helper")
        };
        let (tcp, notify) = ([(Field::Ready, "tcp:80")], [(Field::Ready, "notify")]);
        assert!(helper(&tcp, Manager::Systemd, true));
        assert!(!helper(&tcp, Manager::Runit, false));
        assert!(!helper(&notify, Manager::Systemd, true));
        assert!(!helper(&[], Manager::Systemd, true));
        let s6 = (Field::NotificationFd, "3");
        assert!(helper(&[tcp[0], s6], Manager::S6, false));
        // A monitor hears it as long as it lives.
        assert!(!helper(&[notify[0], s6], Manager::S6, false));
        assert!(!helper(&[notify[0], s6], Manager::S6, true));
        assert!(!helper(&[(Field::Ready, "fd:3"), s6], Manager::S6, false));
        assert!(helper(&[(Field::Ready, "fd:4"), s6], Manager::S6, false));
    }
}
