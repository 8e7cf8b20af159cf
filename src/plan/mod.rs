//! WHAT WILL BE DONE: the steps from here to the program, as data.
//!
//! A plan is a function of the spec, of what was found out about the machine and of where we are. `setup` does the
//! steps in their order and decides nothing; `--dry-run` prints the very same list.
//!
//! The order is daemon(7)'s, with what systemd.exec(5) adds, and each place has its reason:
//!
//! * the lock comes before everything that could disturb an instance that runs;
//! * directories, streams and the pid file are made by root, before the drop;
//! * the root directory is changed after all host paths were opened;
//! * groups, then the group, then the user: the other way round the last right to do it would be gone;
//! * limits before the user, who could not raise them; ambient capabilities after, for they are lost by it;
//! * the working directory is entered as the user, who has to be able to;
//! * descriptors last, for every step before may still need one.

mod environment;
mod resolved;
mod step;

use crate::host::Detection;
use crate::host::Manager;
use crate::host::Mode as HostMode;
use crate::spec::Capabilities;
use crate::spec::Ceiling;
use crate::spec::Input;
use crate::spec::Limit;
use crate::spec::Mode;
use crate::spec::Output;
use crate::spec::Probe;
use crate::spec::Resource;
use crate::spec::ServiceSpec;
use crate::spec::ServiceType;

pub use environment::DEFAULT_PATH;
pub use environment::PID_VARIABLES;
pub use environment::environment;
pub use resolved::Account;
pub use resolved::Entry;
pub use resolved::Resolved;
pub use resolved::Standing;
pub use step::Step;

/// The steps, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How the program is started.
    pub course: Course,
    /// Who made this process what it is.
    pub surroundings: Surroundings,
    /// What is done.
    pub steps: Vec<Planned>,
}

/// Who made this process what it is, and so what holds where the spec says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surroundings {
    /// A service manager has prepared it: what it is was meant, and stays.
    Prepared,
    /// A shell, or an enemy: what it is counts for nothing.
    Bare,
}

impl Surroundings {
    /// What the evidence says.
    pub fn of(detection: &Detection) -> Self {
        if detection.manager == Manager::None { Self::Bare } else { Self::Prepared }
    }
}

/// How this process and the program's come to be two, or stay one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Fork twice, and leave when the service is ready.
    Daemonize,
    /// Become the program.
    Exec,
    /// Fork once, and stay as process 1: reap orphans and pass signals on.
    Init,
}

/// A step, and who does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// Who does it.
    pub doer: Doer,
}

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// The host has done it already.
    Host,
    /// svcadapt does it, in the process that was started.
    Launcher,
    /// svcadapt does it, in the process that becomes the program.
    Service,
}

impl Doer {
    /// Whose work it is: the `host`'s or the `adapter`'s.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Launcher | Self::Service => "adapter",
        }
    }

    /// In which process it is done: the `launcher`, or the `service`; none where it has been done.
    pub fn process(self) -> Option<&'static str> {
        match self {
            Self::Host => None,
            Self::Launcher => Some("launcher"),
            Self::Service => Some("service"),
        }
    }
}

impl Plan {
    /// Plans a start.
    pub fn new(spec: &ServiceSpec, resolved: &Resolved, detection: &Detection) -> Self {
        let course = match (detection.mode, &detection.manager) {
            (HostMode::Classic, _) => Course::Daemonize,
            (HostMode::Supervised, Manager::Container) => Course::Init,
            (HostMode::Supervised, _) => Course::Exec,
        };
        let surroundings = Surroundings::of(detection);
        let mut draft = Draft { spec, resolved, mode: detection.mode, surroundings, steps: Vec::new() };
        draft.launch(course);
        draft.streams_and_files();
        draft.identity();
        draft.last();
        Self { course, surroundings, steps: draft.steps }
    }
}

struct Draft<'a> {
    spec: &'a ServiceSpec,
    resolved: &'a Resolved,
    mode: HostMode,
    surroundings: Surroundings,
    steps: Vec<Planned>,
}

impl Draft<'_> {
    fn add(&mut self, doer: Doer, step: Step) {
        self.steps.push(Planned { step, doer });
    }

    fn service(&mut self, step: Step) {
        self.add(Doer::Service, step);
    }

    /// The host's work where it has been done, else ours.
    fn unless(&mut self, done: bool, step: Step) {
        self.add(if done { Doer::Host } else { Doer::Service }, step);
    }

    fn bare(&self) -> bool {
        self.surroundings == Surroundings::Bare
    }

    fn launch(&mut self, course: Course) {
        if self.spec.ready.contains(&Probe::Notify) && self.listens() {
            self.add(Doer::Launcher, Step::NotifySocket);
        }
        match course {
            Course::Daemonize => {
                self.add(Doer::Launcher, Step::AdoptOrphans);
                self.add(Doer::Launcher, Step::Fork);
                self.add(Doer::Launcher, Step::NewSession);
                self.add(Doer::Launcher, Step::ForkAgain);
            }
            Course::Init => {
                self.add(Doer::Launcher, Step::Fork);
                self.service(Step::NewSession);
            }
            Course::Exec if self.tells() => self.add(Doer::Launcher, Step::ReadinessHelper),
            Course::Exec => {}
        }
        self.service(Step::ResetSignals);
    }

    /// Whether readiness is for us to find out and tell, because there is somebody who waits for it.
    fn tells(&self) -> bool {
        let itself = match self.spec.ready.as_slice() {
            // A descriptor that somebody waits at comes first: the socket may be that of a manager further up.
            [Probe::Notify] => self.notify_socket() && self.spec.notification_fd.is_none(),
            [Probe::Fd(number)] => self.spec.notification_fd == Some(*number),
            probes => probes.is_empty(),
        };
        (self.notify_socket() || self.spec.notification_fd.is_some()) && !itself
    }

    /// Whether it is us whom the program's notifications go to.
    fn listens(&self) -> bool {
        match self.mode {
            HostMode::Classic => true,
            HostMode::Supervised => self.spec.notification_fd.is_some(),
        }
    }

    /// Whether the manager above listens for notifications.
    fn notify_socket(&self) -> bool {
        !self.bare() && self.resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET")
    }

    fn streams_and_files(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        let standing = &resolved.standing;
        if let Some(path) = &resolved.lock {
            self.service(Step::Lock { path: path.clone(), descriptor: self.lock_descriptor() });
        }
        let owner = standing.is_root().then_some((resolved.account.uid, resolved.account.gid));
        for directory in &spec.directories {
            let (path, doer) = resolved.place(self.surroundings, directory);
            let owner =
                if directory.kind == crate::spec::DirectoryKind::Configuration { None } else { owner };
            self.add(doer, Step::Directory { kind: directory.kind, path, mode: directory.mode, owner });
        }
        let detached = self.bare() && self.mode == HostMode::Classic;
        let input = if detached { Input::Null } else { Input::Inherit };
        let output = if detached { Output::Null } else { Output::Inherit };
        self.service(Step::StandardInput(spec.standard_input.clone().unwrap_or(input)));
        self.service(Step::StandardOutput(spec.standard_output.clone().unwrap_or_else(|| output.clone())));
        self.service(Step::StandardError(spec.standard_error.clone().unwrap_or(output)));
        if let Some(path) = &spec.pid_file
            && spec.service_type != Some(ServiceType::Forking)
        {
            self.service(Step::PidFile(path.as_path().to_owned()));
        }
        // Not every system has one.
        let usual = standing.oom_score_adjust.filter(|_| self.bare()).map(|_| 0);
        if let Some(score) = spec.oom_score_adjust.or(usual) {
            self.unless(standing.oom_score_adjust == Some(score), Step::OomScore(score));
        }
        if let Some(level) = spec.nice.or(self.bare().then_some(0)) {
            self.unless(standing.nice == Some(level), Step::Nice(level));
        }
        if let Some(path) = &spec.root_directory {
            self.service(Step::RootDirectory(path.as_path().to_owned()));
        }
    }

    fn identity(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        let (account, standing) = (&resolved.account, &resolved.standing);
        if let Some(set) = spec.capability_bounding_set {
            self.service(Step::BoundingSet(set));
        }
        self.unless(
            !standing.is_root() || standing.groups == account.groups,
            Step::Groups(account.groups.clone()),
        );
        self.unless(standing.settled && standing.gid == account.gid, Step::Group(account.gid));
        self.limits();
        self.unless(standing.settled && standing.uid == account.uid, Step::User(account.uid));
        if self.bare() || spec.ambient_capabilities != Capabilities::EMPTY {
            self.service(Step::Ambient(spec.ambient_capabilities));
        }
        if spec.no_new_privileges {
            self.service(Step::NoNewPrivileges);
        }
    }

    /// A soft limit that nobody asks for is the kernel's own first value (include/asm-generic/resource.h), as far as
    /// it has a fixed one, whatever the shell that started us has.
    fn limits(&mut self) {
        const FIRST: [(Resource, Ceiling); 9] = [
            (Resource::Cpu, Ceiling::Infinity),
            (Resource::Fsize, Ceiling::Infinity),
            (Resource::Data, Ceiling::Infinity),
            (Resource::Stack, Ceiling::At(8 * 1024 * 1024)),
            (Resource::Core, Ceiling::At(0)),
            (Resource::Rss, Ceiling::Infinity),
            (Resource::Nofile, Ceiling::At(1024)),
            (Resource::As, Ceiling::Infinity),
            (Resource::Locks, Ceiling::Infinity),
        ];
        if self.bare() {
            for (resource, soft) in FIRST {
                if self.resolved.standing.limits.contains(&resource)
                    && !self.spec.limits.contains_key(&resource)
                {
                    self.service(Step::SoftLimit(resource, soft));
                }
            }
        }
        for (&resource, &limit) in &self.spec.limits {
            self.service(Step::Limit(resource, limit));
        }
        if self.spec.prevent_core {
            // Of a helper program that takes core dumps the kernel asks the limit only whether it is 1; a core
            // that is written to a file is never that small (core(5)).
            let one = Ceiling::At(1);
            self.service(Step::Limit(Resource::Core, Limit { soft: one, hard: one }));
        }
    }

    fn last(&mut self) {
        let (spec, resolved) = (self.spec, self.resolved);
        if let Some(mode) = spec.umask.or(self.bare().then_some(Mode::DEFAULT_UMASK)) {
            self.unless(resolved.standing.umask == Some(mode), Step::Umask(mode));
        }
        let root = || self.bare().then(|| std::path::PathBuf::from("/"));
        if let Some(path) =
            spec.working_directory.as_ref().map(|path| path.as_path().to_owned()).or_else(root)
        {
            let there =
                spec.root_directory.is_none() && resolved.standing.working_directory.as_ref() == Some(&path);
            self.unless(there, Step::WorkingDirectory(path));
        }
        let mut kept = self.kept();
        kept.extend(resolved.lock.as_ref().map(|_| self.lock_descriptor()));
        kept.sort_unstable();
        self.service(Step::Descriptors(kept));
        self.service(Step::Execute(resolved.program.clone()));
    }

    /// The descriptors that the spec and the host want the program to have.
    fn kept(&self) -> Vec<i32> {
        let mut kept = self.resolved.standing.passed_descriptors.clone();
        kept.extend(&self.spec.files_preserve);
        kept.extend(self.spec.ready.iter().filter_map(|probe| match probe {
            Probe::Fd(number) => Some(*number),
            _ => None,
        }));
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// From 32 up: scripts name 3 to 9 by hand and shells use those from 10 themselves; below 64 the kernel's first
    /// table of descriptors need not grow. Not above all others: those may be above what we may open.
    fn lock_descriptor(&self) -> i32 {
        let kept = self.kept();
        (32..=i32::MAX).find(|number| !kept.contains(number)).unwrap_or(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Scope;
    use crate::spec::Field;
    use crate::spec::Origin;
    use crate::spec::SpecDraft;

    pub(super) fn spec(fields: &[(Field, &str)]) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in fields {
            draft.assign(field, value, Origin::Option);
        }
        draft.finish().unwrap()
    }

    /// Root starts something as nobody.
    pub(super) fn resolved() -> Resolved {
        let entry = Entry { name: "nobody".into(), home: "/nonexistent".into(), shell: "/bin/false".into() };
        Resolved {
            account: Account { uid: 65_534, gid: 65_534, groups: vec![65_534], entry: Some(entry) },
            standing: Standing {
                groups: vec![0, 4],
                oom_score_adjust: Some(-500),
                limits: Resource::ALL.to_vec(),
                ..Standing::default()
            },
            program: "/bin/true".into(),
            inherited: Vec::new(),
            from_files: Vec::new(),
            lock: Some("/run/svcadapt/x".into()),
        }
    }

    fn stages(fields: &[(Field, &str)], mode: HostMode, manager: Manager, socket: bool) -> Vec<&'static str> {
        let mut resolved = resolved();
        if socket {
            resolved.inherited.push(("NOTIFY_SOCKET".into(), "/n".into()));
        }
        let detection = Detection { mode, manager, scope: Scope::System, evidence: Vec::new() };
        let plan = Plan::new(&spec(fields), &resolved, &detection);
        plan.steps.iter().filter(|p| p.doer != Doer::Host).map(|p| p.step.stage()).collect()
    }

    #[test]
    fn a_classic_start_takes_every_step_in_its_order() {
        let fields =
            [(Field::PidFile, "/run/x.pid"), (Field::Ready, "notify"), (Field::Limit(Resource::Nofile), "9")];
        let all = stages(&fields, HostMode::Classic, Manager::None, false);
        let mut distinct = all.clone();
        distinct.dedup();
        let expected = [
            "notify socket",
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
            "groups",
            "group",
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
    fn a_process_that_a_manager_has_prepared_is_left_alone() {
        let all = stages(&[], HostMode::Supervised, Manager::Systemd, true);
        let set_up = ["oom score", "nice", "soft limit", "umask", "working directory", "fork"];
        assert!(!all.iter().any(|stage| set_up.contains(stage)), "{all:?}");
    }

    #[test]
    fn a_helper_is_left_only_where_somebody_waits_for_what_the_program_does_not_say() {
        let helper = |ready: &[(Field, &str)], manager: Manager, socket| {
            stages(ready, HostMode::Supervised, manager, socket).contains(&"readiness helper")
        };
        let (tcp, notify) = ([(Field::Ready, "tcp:80")], [(Field::Ready, "notify")]);
        assert!(helper(&tcp, Manager::Systemd, true));
        assert!(!helper(&tcp, Manager::Runit, false));
        assert!(!helper(&notify, Manager::Systemd, true));
        assert!(!helper(&[], Manager::Systemd, true));
        let s6 = (Field::NotificationFd, "3");
        assert!(helper(&[tcp[0], s6], Manager::S6, false));
        assert!(helper(&[notify[0], s6], Manager::S6, false));
        assert!(helper(&[notify[0], s6], Manager::S6, true));
        assert!(!helper(&[(Field::Ready, "fd:3"), s6], Manager::S6, false));
        assert!(helper(&[(Field::Ready, "fd:4"), s6], Manager::S6, false));
    }
}
