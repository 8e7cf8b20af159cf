//! The commands of a service: what runs before, beside and after its program, each with the service's own set-up.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::time::Duration;

use svcadapt_spec::{CommandPrivileges, ExecCommand, Input, Output, ServiceSpec, Sockets, Terminal};

use crate::error::StepError;
use crate::launch::policy::CommandKind;
use crate::launch::start::Start;
use crate::logs::LogPipe;
use crate::plan::{self, LaunchStep, Plan, Resolution};
use crate::setup::{Created, Report, Reports, ServiceProcess};
use crate::sys::process::Side;
use crate::sys::{fd, process};

/// A command that runs.
#[derive(Debug)]
pub(super) struct Control {
    pid: i32,
    kind: CommandKind,
    at: usize,
    words: String,
    reports: OwnedFd,
    created: Vec<Created>,
}

impl Control {
    /// Starts a command with these variables beside its environment.
    pub(super) fn spawn(
        start: &Start<'_>,
        kind: CommandKind,
        at: usize,
        command: &ExecCommand,
        variables: &[(&'static str, String)],
        log: Option<&LogPipe>,
    ) -> Result<Self, StepError> {
        let spec = command_spec(start.spec, command);
        let mut resolved = start.resolve_again(&spec)?;
        let kept = kept(start, &mut resolved, command.privileges)?;
        let plan = Plan::of_command(&spec, &resolved, &start.plan.detection);
        let pid_file = start.spec.pid_file.as_ref().or(start.spec.removed_pid_file.as_ref());
        let pid_file = pid_file.map(|path| path.as_path().into());
        let start = start.again(&spec, &plan, &resolved);
        let mut environment = start.environment();
        environment.extend(kept.into_iter().map(|(name, value)| (name.into(), value.into())));
        environment.extend(pid_file.map(|path| ("PIDFILE".into(), path)));
        environment.extend(variables.iter().map(|(name, value)| (OsString::from(name), value.into())));
        let (pid, reports) = fork_command(&start, environment, log)?;
        Ok(Self { pid, kind, at, words: words(command), reports, created: Vec::new() })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Which command it is.
    pub(super) fn which(&self) -> (CommandKind, usize) {
        (self.kind, self.at)
    }

    /// The command, for people.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// Why it could not be executed, after its end.
    pub(super) fn failure(&mut self) -> Option<StepError> {
        let (failure, mut created) = Self::reported(&self.reports);
        self.created.append(&mut created);
        failure
    }

    /// What the set-up of a process has reported: why it failed, and what it has created.
    pub(super) fn reported(reports: &OwnedFd) -> (Option<StepError>, Vec<Created>) {
        let (mut reader, mut buffer) = (Reports::default(), [0; 4096]);
        let (mut failure, mut all) = (None, Vec::new());
        while let Ok(Some(length @ 1..)) = fd::read(reports, &mut buffer) {
            reader.feed(&buffer[..length]);
            for report in reader.by_ref() {
                match report {
                    Report::Failed(failed) => failure = Some(failed),
                    Report::Created(created) => all.push(created),
                    _ => {}
                }
            }
        }
        (failure, all)
    }

    /// What its set-up has created.
    pub(super) fn take_created(&mut self) -> Vec<Created> {
        std::mem::take(&mut self.created)
    }
}

/// Forks the process of a command. Returns its pid, and the pipe with its reports.
pub(super) fn fork_command(
    start: &Start<'_>,
    environment: BTreeMap<OsString, OsString>,
    log: Option<&LogPipe>,
) -> Result<(i32, OwnedFd), StepError> {
    let (reports, reporter) = fd::pipe().map_err(LaunchStep::Fork.io_error())?;
    fd::fresh_nonblocking(&reports).map_err(LaunchStep::Fork.io_error())?;
    let mut service = ServiceProcess::new(start.spec, start.resolved, environment, process::own_pid());
    service.report_to(reporter);
    if let Some(pipe) = log {
        service.log_to(pipe.end().map_err(LaunchStep::Fork.io_error())?);
    }
    match process::fork().map_err(LaunchStep::Fork.io_error())? {
        Side::Child => process::exit_now(service.become_program(start.plan).status),
        Side::Parent(pid) => Ok((pid, reports)),
    }
}

/// The command, for people.
pub(super) fn words(command: &ExecCommand) -> String {
    let words: Vec<_> = command.command.argv().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// The spec of a command: the service's own, with another program, and without what only the program has.
fn command_spec(spec: &ServiceSpec, command: &ExecCommand) -> ServiceSpec {
    let own = ServiceSpec {
        command: command.command.clone(),
        argv0: command.argv0.clone(),
        expand_variables: command.expand_variables,
        name: None,
        pid_file: None,
        removed_pid_file: None,
        service_type: None,
        sockets: Sockets::default(),
        files_preserve: Vec::new(),
        ready: Vec::new(),
        notification_fd: None,
        input_data: Vec::new(),
        ..spec.clone()
    };
    with_privileges(own_output(own, spec), command.privileges)
}

/// The spec with the output of the service.
pub(super) fn own_output(spec: ServiceSpec, service: &ServiceSpec) -> ServiceSpec {
    ServiceSpec {
        standard_input: Some(Input::Null),
        standard_output: without_sockets(service.standard_output.as_ref()),
        standard_error: without_sockets(service.standard_error.as_ref()),
        log: service.log.clone(),
        terminal: Terminal { path: service.terminal.path.clone(), ..Terminal::default() },
        ..spec
    }
}

/// The output of a command: the sockets of the service are the program's alone.
fn without_sockets(output: Option<&Output>) -> Option<Output> {
    match output {
        Some(Output::Socket | Output::Named(_)) => Some(Output::Null),
        output => output.cloned(),
    }
}

/// The spec of the program, or of one of those that follow it in a oneshot service.
pub(super) fn main_spec(spec: &ServiceSpec, at: usize) -> ServiceSpec {
    let own = match at.checked_sub(1).and_then(|at| spec.commands.start.get(at)) {
        Some(ExecCommand { command, argv0, expand_variables, privileges, ignore_failure: _ }) => {
            let own = ServiceSpec {
                command: command.clone(),
                argv0: argv0.clone(),
                expand_variables: *expand_variables,
                ..spec.clone()
            };
            return with_privileges(own, *privileges);
        }
        None => spec.clone(),
    };
    with_privileges(own, spec.prefix.privileges)
}

/// The rights of the program, or of one of those that follow it in a oneshot service.
pub(super) fn main_privileges(spec: &ServiceSpec, at: usize) -> CommandPrivileges {
    let later = at.checked_sub(1).and_then(|at| spec.commands.start.get(at));
    later.map_or(spec.prefix.privileges, |command| command.privileges)
}

/// What a process with other rights keeps of the service's account, as under systemd: the groups and, returned, the
/// variables.
pub(super) fn kept(
    start: &Start<'_>,
    resolved: &mut Resolution,
    privileges: CommandPrivileges,
) -> Result<Vec<(&'static str, String)>, StepError> {
    let spec = start.spec;
    let own = spec.user.is_some() || spec.group.is_some() || spec.dynamic_user == Some(true);
    if !changes_identity(privileges) || !own {
        return Ok(Vec::new());
    }
    let service = start.resolve_again(start.spec)?;
    resolved.account.groups.clone_from(&service.account.groups);
    resolved.account.member.clone_from(&service.account.member);
    let environment = plan::environment(start.spec, &service, start.plan.started_by);
    let value = |name: &str| environment.get(OsStr::new(name))?.to_str().map(str::to_owned);
    let names = ["USER", "LOGNAME", "HOME", "SHELL"];
    Ok(names.into_iter().filter_map(|name| Some((name, value(name)?))).collect())
}

/// Whether the process gets another identity than the service's.
pub(super) fn changes_identity(privileges: CommandPrivileges) -> bool {
    match privileges {
        CommandPrivileges::KeepIdentity | CommandPrivileges::Full => true,
        // The kernel has ambient capabilities (systemd.service(5), "Command lines").
        CommandPrivileges::Service | CommandPrivileges::Ambient => false,
    }
}

/// The prefixes of a command that change its rights (systemd.service(5), "Command lines").
fn with_privileges(spec: ServiceSpec, privileges: CommandPrivileges) -> ServiceSpec {
    let as_caller = |spec: ServiceSpec| ServiceSpec {
        user: None,
        group: None,
        supplementary_groups: Vec::new(),
        dynamic_user: None,
        ..spec
    };
    match privileges {
        CommandPrivileges::Service | CommandPrivileges::Ambient => spec,
        // The program changes its identity itself.
        CommandPrivileges::KeepIdentity => as_caller(spec),
        CommandPrivileges::Full => as_caller(ServiceSpec {
            root_directory: None,
            capability_bounding_set: None,
            ambient_capabilities: None,
            no_new_privileges: None,
            ..spec
        }),
    }
}

/// A new identifier of a start: 32 hexadecimal digits, random as systemd's.
pub(super) fn new_invocation() -> String {
    let number = u128::from_ne_bytes(random_bytes());
    format!("{number:032x}")
}

/// A random time below this one.
pub(super) fn random(longest: Duration) -> Duration {
    let part = u32::from_ne_bytes(random_bytes());
    longest.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

/// Random bytes of the kernel. Nothing secret depends on them; without a device they are zero.
fn random_bytes<const N: usize>() -> [u8; N] {
    use std::io::Read;
    let mut bytes = [0; N];
    let _ = std::fs::File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes));
    bytes
}
