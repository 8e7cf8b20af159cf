//! The commands of a service: what runs before, beside and after its program, each with the service's own set-up.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Duration;

use svcadapt_spec::{Command, CommandPrivileges, ExecCommand, Input, ServiceSpec, Sockets};

use crate::error::StepError;
use crate::launch::policy::CommandKind;
use crate::launch::start::Start;
use crate::plan::{LaunchStep, Plan};
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
    ) -> Result<Self, StepError> {
        let spec = command_spec(start.spec, command);
        let resolved = start.resolve_again(&spec)?;
        let plan = Plan::of_command(&spec, &resolved, &start.plan.detection);
        let start = start.again(&spec, &plan, &resolved);
        let (reports, reporter) = fd::pipe().map_err(LaunchStep::Fork.io_error())?;
        fd::fresh_nonblocking(&reports).map_err(LaunchStep::Fork.io_error())?;
        let mut environment = start.environment();
        environment.extend(variables.iter().map(|(name, value)| (OsString::from(name), value.into())));
        let mut service = ServiceProcess::new(&spec, &resolved, environment, process::own_pid());
        service.report_to(reporter);
        match process::fork().map_err(LaunchStep::Fork.io_error())? {
            Side::Child => process::exit_now(service.become_program(&plan).status),
            Side::Parent(pid) => {
                Ok(Self { pid, kind, at, words: words(command), reports, created: Vec::new() })
            }
        }
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
        let (mut reader, mut failure, mut buffer) = (Reports::default(), None, [0; 4096]);
        while let Ok(Some(length @ 1..)) = fd::read(&self.reports, &mut buffer) {
            reader.feed(&buffer[..length]);
            for report in reader.by_ref() {
                match report {
                    Report::Failed(failed) => failure = Some(failed),
                    Report::Created(created) => self.created.push(created),
                    _ => {}
                }
            }
        }
        failure
    }

    /// What its set-up has created.
    pub(super) fn take_created(&mut self) -> Vec<Created> {
        std::mem::take(&mut self.created)
    }
}

fn words(command: &ExecCommand) -> String {
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
        service_type: None,
        sockets: Sockets::default(),
        files_preserve: Vec::new(),
        ready: Vec::new(),
        notification_fd: None,
        standard_input: Some(Input::Null),
        ..spec.clone()
    };
    with_privileges(own, command.privileges)
}

/// The spec of the program, or of one of those that follow it in a oneshot service.
pub(super) fn main_spec(spec: &ServiceSpec, at: usize) -> ServiceSpec {
    let own = match at.checked_sub(1).and_then(|at| spec.commands.start.get(at)) {
        Some(ExecCommand { command, argv0, expand_variables, privileges, ignore_failure: _ }) => {
            let Command { program, arguments } = command.clone();
            let command = Command { program, arguments };
            let own = ServiceSpec {
                command,
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

/// The prefixes of a command that change its rights (systemd.service(5), "Command lines").
fn with_privileges(spec: ServiceSpec, privileges: CommandPrivileges) -> ServiceSpec {
    let as_caller =
        |spec: ServiceSpec| ServiceSpec { user: None, group: None, supplementary_groups: Vec::new(), ..spec };
    match privileges {
        CommandPrivileges::Service => spec,
        // The program changes its identity itself.
        CommandPrivileges::KeepIdentity | CommandPrivileges::Ambient => {
            as_caller(ServiceSpec { ambient_capabilities: None, ..spec })
        }
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
