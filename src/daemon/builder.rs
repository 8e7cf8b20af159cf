//! The builder: the description of the service in the program's own code.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use svcadapt_spec::{
    DirectoryKind, Field, FileMode, Input, LimitValue, Origin, Output, Probe, Resource, ServiceSpec,
    SpecDraft,
};

use super::error::from_spec_error;
use super::prepare::StartInputs;
use super::{Disposition, Error, Signal};
use crate::error::{StepError, USAGE};
use crate::plan::Plan;
use crate::setup::PrivilegeDrop;

/// Whether to fork away from the process that started the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DetachProcess {
    /// Fork only if no service manager supervises this process ([`crate::detect`]).
    #[default]
    Auto,
    /// Always fork.
    Yes,
    /// Never fork.
    No,
}

/// Whether the forked process executes the program again before it becomes the service.
///
/// The file executed is the one that the kernel reports for this process. For a program started by hand through the
/// dynamic loader (`ld.so PROGRAM`) that is the loader. A set-user-ID program that has given up its rights for good
/// regains them by the exec and has to give them up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Reexecute {
    /// Only where the system requires it: on macOS, where a forked process must not use Apple's frameworks before an
    /// exec (fork(2), CAVEATS).
    #[default]
    Auto,
    /// On every system. For programs that link libraries that do not survive a fork.
    Always,
    /// On no system. The program uses nothing that breaks in a forked process.
    Never,
}

/// The description of a service, and the way to become it.
///
/// A builder over the same [`ServiceSpec`] that options, units and property lists describe. Each method sets one field.
/// Of a field with one value the last call counts; lists accumulate, and an empty value ([`Daemon::set`]) clears the
/// list. The order of calls for different fields does not matter. Errors are reported by [`Daemon::enter`], all at
/// once, before anything is changed. The defaults are those of `svcadapt run`: what a service manager has set up is
/// kept, what a shell left is reset.
///
/// The lifetime is that of the descriptors to preserve ([`Daemon::files_preserve`]): they stay borrowed until the
/// program has entered, so they cannot be closed before.
///
/// ```no_run
/// use svcadapt::Daemon;
/// use svcadapt::daemon::Signal;
/// use svcadapt::spec::FileMode;
///
/// const UMASK: FileMode = FileMode::from_bits(0o027).unwrap();
///
/// fn main() -> Result<(), svcadapt::daemon::Error> {
///     let service = Daemon::new()
///         .name("clock")
///         .user("nobody")
///         .umask(UMASK)
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
    errors: Vec<StepError>,
    pub(super) detach: DetachProcess,
    pub(super) reexecute: Reexecute,
    pub(super) signals: Vec<(Signal, Disposition)>,
    pub(super) privileges: PrivilegeDrop,
}

impl<'fd> Daemon<'fd> {
    /// A service with every field at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets any field by its option value: every field that a spec has can be set this way. An empty value clears a
    /// list.
    ///
    /// Fields that concern starting another program are rejected by [`Daemon::enter`]: `Ready`, `ExpandVariables`,
    /// `Argv0`, and every `Type` except `notify`.
    pub fn set(mut self, field: Field, value: impl Into<OsString>) -> Self {
        self.draft.assign(field, value, Origin::Option);
        self
    }

    /// The name of the service. Its lock has this name, and `svcadapt status NAME` and `svcadapt stop NAME` find the
    /// service by it. Default: not set; then, unless a pid file is set, any number of instances can run.
    pub fn name(self, name: impl Into<OsString>) -> Self {
        self.set(Field::Name, name)
    }

    /// Whether to fork away from the starter. Default: [`DetachProcess::Auto`].
    pub fn detach_process(mut self, detach: DetachProcess) -> Self {
        self.detach = detach;
        self
    }

    /// Whether the forked process executes the program again. Default: [`Reexecute::Auto`]. [`Daemon::enter`] describes
    /// what that means for `main`.
    pub fn reexecute(mut self, reexecute: Reexecute) -> Self {
        self.reexecute = reexecute;
        self
    }

    /// The directory that becomes the service's `/` (chroot(2)). Paths of other fields are opened before the change.
    /// Default: not changed.
    #[doc(alias = "chroot_directory")]
    pub fn root_directory(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::RootDirectory, path.as_ref())
    }

    /// [`Daemon::root_directory`] under its name in PEP 3143.
    pub fn chroot_directory(self, path: impl AsRef<Path>) -> Self {
        self.root_directory(path)
    }

    /// The working directory, below the root directory (chdir(2)). Default: `/`, or the directory that a service
    /// manager has set. Relative paths that the program was given must be made absolute, or opened, before it enters.
    pub fn working_directory(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::WorkingDirectory, path.as_ref())
    }

    /// The permission bits that new files do not get, 0 to `0o777` (umask(2)): `FileMode::from_bits(0o027)`, not 27.
    /// Default: `0o022`, or the mask that a service manager has set.
    pub fn umask(self, mask: FileMode) -> Self {
        self.set(Field::Umask, mask.to_string())
    }

    /// The user that the service runs as, by name or number, with its primary group and all its supplementary groups
    /// (initgroups(3)). Default: the current user.
    #[doc(alias = "uid")]
    pub fn user(self, user: impl Into<OsString>) -> Self {
        self.set(Field::User, user)
    }

    /// [`Daemon::user`] by number. A number without an account requires [`Daemon::group`]. `u32::MAX` is rejected,
    /// because the kernel reads -1 as "no change" (setresuid(2)), and so is 65535, its 16-bit equivalent.
    pub fn uid(self, uid: u32) -> Self {
        self.user(uid.to_string())
    }

    /// The primary group, by name or number. Default: the user's own.
    #[doc(alias = "gid")]
    pub fn group(self, group: impl Into<OsString>) -> Self {
        self.set(Field::Group, group)
    }

    /// [`Daemon::group`] by number. `u32::MAX` and 65535 are rejected.
    pub fn gid(self, gid: u32) -> Self {
        self.group(gid.to_string())
    }

    /// Groups in addition to those of the user, by name or number. Default: no additional groups.
    pub fn supplementary_groups(self, groups: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        groups.into_iter().fold(self, |daemon, group| daemon.set(Field::SupplementaryGroups, group))
    }

    /// Disables core dumps, to files and to helper programs (core(5)), and denies other processes of the user access to
    /// the process's memory (PR_SET_DUMPABLE, prctl(2)). Default: `false`.
    pub fn prevent_core(self, yes: bool) -> Self {
        self.set(Field::PreventCore, yes_no(yes))
    }

    /// Inherited descriptors to keep open. Descriptors that the program has opened through Rust's standard library stay
    /// open without being listed: see [`crate::daemon`], "Descriptors". Default: empty.
    ///
    /// A descriptor known only by its number can be set without `unsafe`:
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

    /// The file that holds the service's process id. Root writes it before privileges are dropped. The service's lock
    /// makes a stale file harmless. Default: no pid file.
    pub fn pid_file(self, path: impl AsRef<Path>) -> Self {
        self.set(Field::PidFile, path.as_ref())
    }

    /// Standard input. Default: `/dev/null`, or what a service manager has connected. As text (`null`, `inherit`,
    /// `file:PATH`): [`Daemon::set`] with [`Field::StandardInput`].
    pub fn stdin(self, input: &Input) -> Self {
        self.set(Field::StandardInput, input.to_value())
    }

    /// Standard output. Default: `/dev/null`, or what a service manager has connected. As text (`null`, `inherit`,
    /// `append:PATH`, `truncate:PATH`, `file:PATH`): [`Daemon::set`] with [`Field::StandardOutput`].
    pub fn stdout(self, output: &Output) -> Self {
        self.set(Field::StandardOutput, output.to_value())
    }

    /// Standard error, with the same values and default as [`Daemon::stdout`]. If it is `/dev/null`, it stays the
    /// starter's until the service is ready, so that early messages are visible. A child started before that keeps the
    /// starter's stream, and a reader that waits for its end (ssh, `$(… 2>&1)`) waits for the child: start children
    /// after [`Service::ready`](super::Service::ready), or give them a standard error of their own.
    pub fn stderr(self, output: &Output) -> Self {
        self.set(Field::StandardError, output.to_value())
    }

    /// The disposition of signals; for each signal the last call counts. Default: [`Disposition::Default`] for all, so
    /// SIGTERM ends the process. Signals that the starter ignored are reset, except SIGPIPE, which Rust's runtime
    /// ignores.
    pub fn signal_map(mut self, map: impl IntoIterator<Item = (Signal, Disposition)>) -> Self {
        for (signal, reaction) in map {
            self.signals.retain(|(known, _)| *known != signal);
            self.signals.push((signal, reaction));
        }
        self
    }

    /// Delivers these signals through [`Service::signals`](super::Service::signals).
    pub fn signals(self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signal_map(signals.into_iter().map(|signal| (signal, Disposition::Deliver)))
    }

    /// Sets an environment variable.
    pub fn environment(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        // A name with `=` would be split at it: the rest would become part of the value.
        if name.as_encoded_bytes().contains(&b'=') {
            let cause = "the name of a variable must not contain '='";
            self.errors.push(StepError::about("environment", name.to_string_lossy(), cause, USAGE));
            return self;
        }
        let mut assignment = name.to_owned();
        assignment.push("=");
        assignment.push(value);
        self.set(Field::Environment, assignment)
    }

    /// Keeps this variable of the starter in a clean environment ([`Daemon::clean_environment`]). Default: empty.
    pub fn pass_environment(self, name: impl Into<OsString>) -> Self {
        self.set(Field::PassEnvironment, name)
    }

    /// Whether to start with an empty environment. Default: yes, unless a service manager has prepared one, because
    /// variables exported by a shell are not meant for a service. `RUST_LOG` and `RUST_BACKTRACE` of a shell are then
    /// removed too, unless [`Daemon::pass_environment`] keeps them. (`/proc/PID/environ` shows the environment of the
    /// exec and does not change; the program and its children see the new one.)
    pub fn clean_environment(self, yes: bool) -> Self {
        self.set(Field::CleanEnvironment, yes_no(yes))
    }

    /// Sets the soft and the hard limit of a resource (setrlimit(2)), in the kernel's own unit;
    /// [`LimitValue::Infinity`] means unlimited. Default: inherited limits, or those of a service manager.
    pub fn limit(self, resource: Resource, soft: LimitValue, hard: LimitValue) -> Self {
        let text = |ceiling| match ceiling {
            LimitValue::At(number) if resource == Resource::Cpu => format!("{number}s"),
            LimitValue::At(number) if resource == Resource::Rttime => format!("{number}us"),
            LimitValue::At(number) => number.to_string(),
            LimitValue::Infinity => "infinity".to_owned(),
        };
        self.set(Field::Limit(resource), format!("{}:{}", text(soft), text(hard)))
    }

    /// Creates a directory for the service, owned by its user: `/run/NAME`, `/var/lib/NAME` and so on, by its kind.
    pub fn directory(self, kind: DirectoryKind, name: impl Into<OsString>) -> Self {
        self.set(Field::Directory(kind), name)
    }

    /// Prevents set-user-ID programs and file capabilities from granting privileges (PR_SET_NO_NEW_PRIVS, prctl(2)).
    /// Default: `false`.
    pub fn no_new_privileges(self, yes: bool) -> Self {
        self.set(Field::NoNewPrivileges, yes_no(yes))
    }

    /// Capabilities that the service keeps as an ordinary user and passes to the programs it executes
    /// (capabilities(7)): `CAP_NET_BIND_SERVICE`, or several, separated by spaces. Default: empty.
    pub fn ambient_capabilities(self, names: impl Into<OsString>) -> Self {
        self.set(Field::AmbientCapabilities, names)
    }

    /// The capability bounding set of the service and the programs it executes, in the same form (capabilities(7)).
    /// Default: not changed.
    pub fn capability_bounding_set(self, names: impl Into<OsString>) -> Self {
        self.set(Field::CapabilityBoundingSet, names)
    }

    /// How long the service may take to become ready, where svcadapt waits for it. Default: 90 s. `None`: no timeout.
    pub fn timeout_start(self, span: Option<Duration>) -> Self {
        self.set(Field::TimeoutStartSec, timespan(span))
    }

    /// How long the service may take to end after it is stopped, before it is killed. Default: 30 s. `None`: no
    /// timeout.
    pub fn timeout_stop(self, span: Option<Duration>) -> Self {
        self.set(Field::TimeoutStopSec, timespan(span))
    }

    /// The descriptor on which a supervisor waits for a newline (s6). Default: under s6, the number in the file
    /// `notification-fd` of the service directory; elsewhere not set.
    pub fn notification_fd(self, number: i32) -> Self {
        self.set(Field::NotificationFd, number.to_string())
    }

    /// Keeps all privileges until [`Service::drop_privileges`](super::Service::drop_privileges): for a program that has
    /// to open files or sockets as root. Root directory, groups, user, capabilities and working directory are changed
    /// by that call, everything else by [`Daemon::enter`].
    pub fn keep_privileges(mut self) -> Self {
        self.privileges = PrivilegeDrop::Keep;
        self
    }

    /// The resulting [`ServiceSpec`].
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with every error of the request.
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
        let mut failures = self.errors.clone();
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

    /// The steps that [`Daemon::enter`] would perform on this host, without performing them.
    ///
    /// ```
    /// for step in svcadapt::Daemon::new().user("nobody").plan()?.stages() {
    ///     println!("{step}");
    /// }
    /// # Ok::<(), svcadapt::daemon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with every error of the request, and everything that is impossible on this host.
    pub fn plan(&self) -> Result<Plan, Error> {
        let StartInputs { spec, resolved, detection } = self.prepare()?;
        Ok(self.plan_of(&spec, &resolved, &detection))
    }
}

/// Rejects fields that only a program that starts another one can have.
fn reject_command_fields(spec: &mut ServiceSpec) -> Vec<StepError> {
    let refused = |stage: &str, object: String, cause: &str| StepError::about(stage, object, cause, USAGE);
    let mut failures = Vec::new();
    match spec.service_type {
        None => {}
        // `Type=notify` describes what an entering program does anyway.
        Some(kind) if kind.to_string().starts_with("notify") => {
            spec.ready.retain(|probe| *probe != Probe::Notify);
        }
        Some(other) => {
            failures.push(refused(
                "type",
                other.to_string(),
                "only 'notify' is possible: the program reports its own readiness",
            ));
        }
    }
    for probe in &spec.ready {
        failures.push(refused(
            "ready",
            probe.to_string(),
            "not applicable: the program reports its own readiness",
        ));
    }
    if spec.expand_variables {
        failures.push(refused("expand variables", "yes".to_owned(), "not applicable: no command is started"));
    }
    if let Some(name) = &spec.argv0 {
        let name = name.to_string_lossy().into_owned();
        failures.push(refused(
            "argv0",
            name,
            "not applicable: the program is already running under its name",
        ));
    }
    failures
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// A duration in option form. One that exceeds `u64` microseconds counts as infinite.
fn timespan(span: Option<Duration>) -> String {
    match span.and_then(|span| u64::try_from(span.as_micros()).ok()) {
        Some(micros) => format!("{micros}us"),
        None => "infinity".to_owned(),
    }
}
