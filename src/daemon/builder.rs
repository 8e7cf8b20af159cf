//! What the service should be, as the program says it.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use svcadapt_spec::{DirectoryKind, Field, LimitValue, Origin, Probe, Resource, ServiceSpec, SpecDraft};

use super::error::from_spec_error;
use super::prepare::StartInputs;
use super::{Disposition, Error, Signal};
use crate::error::StepError;
use crate::plan::Plan;
use crate::setup::Privileges;

/// Whether to fork away from whoever started the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DetachProcess {
    /// As the evidence says: only where nobody supervises this process ([`crate::detect`]).
    #[default]
    Auto,
    /// Fork away, whatever the evidence says.
    Yes,
    /// Stay, whatever the evidence says.
    No,
}

/// Whether a process that was forked off executes the program again before it becomes the service.
///
/// What is executed is the file that the kernel says this process runs. Of a program that was started by hand through the
/// dynamic loader (`ld.so PROGRAM`) that is the loader. A set-user-ID program that has given up its rights for good gets
/// them back by it, and has to give them up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reexecute {
    /// Where the system demands it: on macOS, whose frameworks are not to be used between a fork and an exec (fork(2),
    /// CAVEATS).
    #[default]
    Auto,
    /// On every system: for a program with libraries that do not bear a fork.
    Always,
    /// On none: the program uses nothing that does not bear a fork.
    Never,
}

/// A program that wants to become a service.
///
/// A builder over the same [`ServiceSpec`] that options, units and property lists describe. Each method says one thing;
/// of what can be one thing only the last word counts; of lists all do, and an empty word ([`Daemon::set`]) takes back what
/// was said of the list before. Of different things the order means nothing. What is wrong is told by [`Daemon::enter`],
/// all of it at once, before anything has been changed. Where nothing is said, what holds is what holds for `svcadapt run`:
/// what a service manager has made stays, and what a shell has left counts for nothing.
///
/// The lifetime is that of the descriptors to preserve: they are borrowed until the program has entered, so none of
/// them can be closed before.
///
/// ```no_run
/// use svcadapt::Daemon;
/// use svcadapt::daemon::Signal;
///
/// fn main() -> Result<(), svcadapt::daemon::Error> {
///     let service = Daemon::new()
///         .name("clock")
///         .user("nobody")
///         .umask(0o027)
///         .pid_file("/run/clock.pid")
///         .signals([Signal::TERM, Signal::HUP])
///         .enter()?;
///     // … open what has to be open …
///     service.ready()?;
///     for signal in service.signals() {
///         match signal {
///             Signal::TERM => break,
///             _ => service.status("read the configuration again")?,
///         }
///     }
///     service.stopping()
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "nothing happens before `enter`"]
pub struct Daemon<'fd> {
    draft: SpecDraft,
    preserved: Vec<BorrowedFd<'fd>>,
    early: Vec<StepError>,
    pub(super) detach: DetachProcess,
    pub(super) reexecute: Reexecute,
    pub(super) signals: Vec<(Signal, Disposition)>,
    pub(super) privileges: Privileges,
}

impl<'fd> Daemon<'fd> {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says one field of the table by its value as an option has it: everything that a spec can say can be said so.
    ///
    /// What starts another program is refused, as there is none: `Ready`, `ExpandVariables`, `Argv0`, and a `Type` but `notify`.
    pub fn set(mut self, field: Field, value: impl Into<OsString>) -> Self {
        self.draft.assign(field, value, Origin::Option);
        self
    }

    /// What the service is called. Its lock bears this name, and `svcadapt status NAME` and `svcadapt stop NAME` find it
    /// by it. None by default, and then, without a pid file, any number of instances can run.
    pub fn name(self, name: impl Into<OsString>) -> Self {
        self.set(Field::Name, name)
    }

    /// Whether to fork away from whoever started the program: only where nobody supervises it, by default.
    pub fn detach_process(mut self, detach: DetachProcess) -> Self {
        self.detach = detach;
        self
    }

    /// Whether the program is executed again in the process that was forked off to be the service: where the system demands
    /// it, by default. [`Daemon::enter`] says what that means for `main`.
    pub fn reexecute(mut self, reexecute: Reexecute) -> Self {
        self.reexecute = reexecute;
        self
    }

    /// What the service sees as `/` (chroot(2)). Every path that is opened on the way is opened before. None by default.
    pub fn root_directory(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::RootDirectory, path.as_ref())
    }

    /// The same under PEP 3143's name.
    pub fn chroot_directory(self, path: impl AsRef<Path>) -> Self {
        self.root_directory(path)
    }

    /// Where the service is, below its root directory. By default `/`, or where a service manager has put it: so a relative
    /// path that the program was given is to be made absolute, or opened, before it enters.
    pub fn working_directory(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::WorkingDirectory, path.as_ref())
    }

    /// The permissions that are taken from every file that is made, 0 to `0o777`: `0o027`, not 27. By default `0o022`, or what
    /// a service manager has set.
    pub fn umask(self, mask: u32) -> Self {
        self.set(Field::Umask, format!("{mask:o}"))
    }

    /// The user that the service runs as, by name or number, with its group and all its supplementary groups
    /// (initgroups(3)). By default whoever runs it.
    pub fn user(self, user: impl Into<OsString>) -> Self {
        self.set(Field::User, user)
    }

    /// The same by number; a number without an account needs a group as well. `u32::MAX`, which is -1 to the kernel and means
    /// "no change", is refused, and so is 65535, which was that when numbers had 16 bits.
    pub fn uid(self, uid: u32) -> Self {
        self.user(uid.to_string())
    }

    /// The primary group, by name or number, instead of the user's own, which is the default.
    pub fn group(self, group: impl Into<OsString>) -> Self {
        self.set(Field::Group, group)
    }

    /// The same by number. `u32::MAX` and 65535 are refused.
    pub fn gid(self, gid: u32) -> Self {
        self.group(gid.to_string())
    }

    /// Groups beside those that the user is in, by name or number. None by default.
    pub fn supplementary_groups(self, groups: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        groups.into_iter().fold(self, |daemon, group| daemon.set(Field::SupplementaryGroups, group))
    }

    /// Never dump core, neither into a file nor into a helper program, and let no other process of the user read our
    /// memory. `false` by default.
    pub fn prevent_core(self, yes: bool) -> Self {
        self.set(Field::PreventCore, yes_no(yes))
    }

    /// Descriptors that came with the start and stay what they are. Whatever the program has opened itself by Rust's means
    /// stays without being named here: see [`crate::daemon`], "Descriptors". None by default.
    ///
    /// One that is known by its number alone needs nothing unsafe:
    ///
    /// ```
    /// use svcadapt::Daemon;
    /// use svcadapt::spec::Field;
    ///
    /// let daemon = Daemon::new().set(Field::FilesPreserve, "5");
    /// assert_eq!(daemon.spec().unwrap().files_preserve, [5]);
    /// ```
    ///
    /// ```compile_fail,E0505
    /// use std::os::fd::AsFd;
    /// let log = std::fs::File::open("/dev/null").unwrap();
    /// let daemon = svcadapt::Daemon::new().files_preserve([log.as_fd()]);
    /// drop(log); // borrowed until the program has entered
    /// let service = daemon.enter();
    /// ```
    pub fn files_preserve(mut self, files: impl IntoIterator<Item = BorrowedFd<'fd>>) -> Self {
        self.preserved.extend(files);
        self
    }

    /// Where the number of the service's process is written, by root, before any rights are given up. The service's lock
    /// makes a stale file harmless; none by default.
    pub fn pid_file(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::PidFile, path.as_ref())
    }

    /// `null`, `inherit` or `file:PATH`. By default the null device, or what a service manager has connected.
    pub fn stdin(self, what: impl Into<OsString>) -> Self {
        self.set(Field::StandardInput, what)
    }

    /// `null`, `inherit`, `append:PATH` (or the PATH alone), `truncate:PATH`, which empties what is there, or `file:PATH`,
    /// which writes over it from its beginning. By default the null device, or what a service manager has connected.
    pub fn stdout(self, what: impl Into<OsString>) -> Self {
        self.set(Field::StandardOutput, what)
    }

    /// The same for standard error. Where that is to be the null device, it stays the starter's until the service is ready,
    /// so that nothing is lost that is said before. A child that is started before has that one for good, and whoever reads
    /// it to its end (ssh, `$(… 2>&1)`) waits for the child: start children after [`Service::ready`](super::Service::ready), or
    /// give them a standard error of their own.
    pub fn stderr(self, what: impl Into<OsString>) -> Self {
        self.set(Field::StandardError, what)
    }

    /// What becomes of these signals; of each the last word counts. Nothing is told of by default, so SIGTERM ends the
    /// process; nothing that the starter had ignored stays ignored but SIGPIPE, which is Rust's own choice.
    pub fn signal_map(mut self, map: impl IntoIterator<Item = (Signal, Disposition)>) -> Self {
        for (signal, reaction) in map {
            self.signals.retain(|(known, _)| *known != signal);
            self.signals.push((signal, reaction));
        }
        self
    }

    /// These signals are told by [`Service::signals`](super::Service::signals).
    pub fn signals(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signal_map(signals.into_iter().map(|signal| (signal, Disposition::Deliver)))
    }

    /// Sets a variable of the environment.
    pub fn environment(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        // What stands behind the first `=` would be taken for the value.
        if name.as_encoded_bytes().contains(&b'=') {
            let cause = "the name of a variable holds no '='";
            self.early.push(StepError::about("environment", name.to_string_lossy(), cause, super::USAGE));
            return self;
        }
        let mut assignment = name.to_owned();
        assignment.push("=");
        assignment.push(value);
        self.set(Field::Environment, assignment)
    }

    /// Hands on this variable of the starter, where the environment is clean.
    pub fn pass_environment(self, name: impl Into<OsString>) -> Self {
        self.set(Field::PassEnvironment, name)
    }

    /// Whether to begin with an empty environment. By default only where no service manager has made one: what a shell
    /// has exported was not meant for a service. So `RUST_LOG` and `RUST_BACKTRACE` of a shell are gone, too, unless
    /// [`Daemon::pass_environment`] hands them on. (What `/proc/PID/environ` shows is what the program was executed with, and
    /// stays; the environment that the program and its children find is the new one.)
    pub fn clean_environment(self, yes: bool) -> Self {
        self.set(Field::CleanEnvironment, yes_no(yes))
    }

    /// Sets both limits of a resource (setrlimit(2)), in the kernel's own unit; [`LimitValue::Infinity`] is none.
    pub fn limit(self, resource: Resource, soft: LimitValue, hard: LimitValue) -> Self {
        let text = |ceiling| match ceiling {
            LimitValue::At(number) if resource == Resource::Cpu => format!("{number}s"),
            LimitValue::At(number) if resource == Resource::Rttime => format!("{number}us"),
            LimitValue::At(number) => number.to_string(),
            LimitValue::Infinity => "infinity".to_owned(),
        };
        self.set(Field::Limit(resource), format!("{}:{}", text(soft), text(hard)))
    }

    /// Makes a directory for the service, owned by its user: `/run/NAME`, `/var/lib/NAME` and so on by its kind.
    pub fn directory(self, kind: DirectoryKind, name: impl Into<OsString>) -> Self {
        self.set(Field::Directory(kind), name)
    }

    /// Lets no set-uid program give more rights from here on. `false` by default.
    pub fn no_new_privileges(self, yes: bool) -> Self {
        self.set(Field::NoNewPrivileges, yes_no(yes))
    }

    /// Capabilities that the service keeps as an ordinary user, and hands on to what it executes: `CAP_NET_BIND_SERVICE`, or
    /// several with blanks between. None by default.
    pub fn ambient_capabilities(self, names: impl Into<OsString>) -> Self {
        self.set(Field::AmbientCapabilities, names)
    }

    /// Capabilities that the service, and what it executes, can ever have, in the same form. All that there are by default.
    pub fn capability_bounding_set(self, names: impl Into<OsString>) -> Self {
        self.set(Field::CapabilityBoundingSet, names)
    }

    /// How long the service may take to become ready, where svcadapt is the one who waits. 90 s by default; with none,
    /// for ever.
    pub fn timeout_start(self, span: Option<Duration>) -> Self {
        self.set(Field::TimeoutStartSec, timespan(span))
    }

    /// How long the service may take to end when it is told to, before it is killed. 30 s by default.
    pub fn timeout_stop(self, span: Option<Duration>) -> Self {
        self.set(Field::TimeoutStopSec, timespan(span))
    }

    /// The descriptor at which a supervisor waits for a newline (s6). Under s6 it is found without being said: in the file
    /// `notification-fd` of the service directory. None by default elsewhere.
    pub fn notification_fd(self, number: i32) -> Self {
        self.set(Field::NotificationFd, number.to_string())
    }

    /// Keeps all rights beyond [`Daemon::enter`], until
    /// [`Service::drop_privileges`](super::Service::drop_privileges): for a program that has to open first what
    /// only root can. Root directory, groups, user, capabilities and working directory change then; all else now.
    pub fn keep_privileges(mut self) -> Self {
        self.privileges = Privileges::Keep;
        self
    }

    /// What all this comes to, as the model that options, units and property lists are read into.
    pub fn spec(&self) -> Result<ServiceSpec, Error> {
        let mut draft = self.draft.clone();
        let own = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        draft.command(vec![own.into_os_string()]);
        let mut numbers: Vec<i32> = self.preserved.iter().map(AsRawFd::as_raw_fd).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            draft.assign(Field::FilesPreserve, number.to_string(), Origin::Option);
        }
        let mut failures = self.early.clone();
        let spec = match draft.finish() {
            Ok(mut spec) => {
                failures.extend(reject_command_fields(&mut spec));
                Some(spec)
            }
            Err(problems) => {
                failures.extend(problems.into_iter().map(from_spec_error));
                None
            }
        };
        match spec {
            Some(spec) if failures.is_empty() => Ok(spec),
            _ => Err(Error::Refused(failures)),
        }
    }

    /// What [`Daemon::enter`] would do here, step for step, without doing it.
    ///
    /// ```
    /// for planned in svcadapt::Daemon::new().umask(0o027).plan()?.steps {
    ///     println!("{}: {}", planned.doer.name(), planned.step);
    /// }
    /// # Ok::<(), svcadapt::daemon::Error>(())
    /// ```
    pub fn plan(&self) -> Result<Plan, Error> {
        let StartInputs { spec, resolved, detection } = self.prepare()?;
        Ok(self.plan_of(&spec, &resolved, &detection))
    }
}

/// What only somebody who starts another program can be asked for.
fn reject_command_fields(spec: &mut ServiceSpec) -> Vec<StepError> {
    let refused =
        |stage: &str, object: String, cause: &str| StepError::about(stage, object, cause, super::USAGE);
    let mut failures = Vec::new();
    match spec.service_type {
        None => {}
        // What it means is what the program will do.
        Some(kind) if kind.to_string().starts_with("notify") => {
            spec.ready.retain(|probe| *probe != Probe::Notify);
        }
        Some(other) => {
            failures.push(refused(
                "type",
                other.to_string(),
                "a program that enters tells itself when it is ready",
            ));
        }
    }
    for probe in &spec.ready {
        failures.push(refused("ready", probe.to_string(), "the program itself says when it is ready"));
    }
    if spec.expand_variables {
        failures.push(refused("expand variables", "yes".to_owned(), "there is no command to put them into"));
    }
    if let Some(name) = &spec.argv0 {
        let name = name.to_string_lossy().into_owned();
        failures.push(refused("argv0", name, "the program has its name already"));
    }
    failures
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// More microseconds than can be counted are for ever.
fn timespan(span: Option<Duration>) -> String {
    match span.and_then(|span| u64::try_from(span.as_micros()).ok()) {
        Some(micros) => format!("{micros}us"),
        None => "infinity".to_owned(),
    }
}
