//! What the standard streams of the program are connected to.

use svcadapt_spec::{Input, Output, ServiceSpec, SocketName};

use super::{Resolution, SetupStep};

/// The steps that connect the streams. A stream that the spec does not set follows systemd's rule: output goes to a terminal
/// or a socket that is the input (systemd.exec(5), `StandardOutput=`). Else it is inherited, or `/dev/null` for a daemon.
pub(super) fn steps(spec: &ServiceSpec, detached: bool) -> impl Iterator<Item = SetupStep> {
    let usual = if detached { (Input::Null, Output::Null) } else { (Input::Inherit, Output::Inherit) };
    let input = spec.standard_input.clone().unwrap_or(usual.0);
    let same = match &input {
        Input::Terminal(_) => Some(Output::Terminal),
        Input::Socket => Some(Output::Socket),
        Input::Named(name) => Some(Output::Named(name.clone())),
        Input::Null | Input::Inherit | Input::File(_) | Input::Data => None,
    };
    let output = spec.standard_output.clone().or(same);
    let followed =
        matches!(output, Some(Output::Log(_) | Output::Terminal | Output::Socket | Output::Named(_)));
    let error = spec.standard_error.clone().or_else(|| output.clone().filter(|_| followed));
    let terminal = spec.terminal.is_prepared().then(|| SetupStep::PrepareTerminal(spec.terminal.clone()));
    let streams = [
        SetupStep::StandardInput(input),
        SetupStep::StandardOutput(output.unwrap_or_else(|| usual.1.clone())),
        SetupStep::StandardError(error.unwrap_or(usual.1)),
    ];
    terminal.into_iter().chain(streams)
}

/// Whether the only socket of the service is one of its streams. Then it is not passed in any other way.
pub fn is_socket_a_stream(spec: &ServiceSpec) -> bool {
    spec.standard_input == Some(Input::Socket)
        || [&spec.standard_output, &spec.standard_error].contains(&&Some(Output::Socket))
}

/// The socket of the service that is one of its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamSocket<'a> {
    /// Its only one.
    Only,
    /// Its first with this name.
    Named(&'a SocketName),
}

impl<'a> StreamSocket<'a> {
    /// That of an input; `None` if it is something else.
    pub fn of_input(input: &'a Input) -> Option<Self> {
        match input {
            Input::Socket => Some(Self::Only),
            Input::Named(name) => Some(Self::Named(name)),
            Input::Null | Input::Inherit | Input::File(_) | Input::Terminal(_) | Input::Data => None,
        }
    }

    /// That of an output; `None` if it is something else.
    pub fn of_output(output: &'a Output) -> Option<Self> {
        match output {
            Output::Socket => Some(Self::Only),
            Output::Named(name) => Some(Self::Named(name)),
            Output::Null
            | Output::Inherit
            | Output::Descriptor(_)
            | Output::File(..)
            | Output::Log(_)
            | Output::Terminal => None,
        }
    }

    /// Its descriptor, among those that the program gets.
    pub fn descriptor(self, spec: &ServiceSpec, resolved: &Resolution) -> Result<i32, String> {
        let passed = &resolved.caller.passed_descriptors;
        let connection = spec.sockets.accepts() && passed.is_empty();
        let own: Vec<i32> =
            spec.sockets.descriptors().take(if connection { 1 } else { usize::MAX }).collect();
        let all = if passed.is_empty() { &own } else { passed };
        match (self, all.as_slice()) {
            (Self::Only, [only]) => Ok(*only),
            (Self::Only, []) => Err("the service has no socket".to_owned()),
            (Self::Only, many) => Err(format!("the service has {} sockets, not one", many.len())),
            (Self::Named(name), _) => {
                let names = resolved.inherited.iter().find(|(known, _)| known == "LISTEN_FDNAMES");
                let names = names.filter(|_| !passed.is_empty()).and_then(|(_, names)| names.to_str());
                let own = spec.socket_name();
                let named = |at: usize| names.map_or(Some(own.as_str()), |names| names.split(':').nth(at));
                let found = all.iter().enumerate().find(|(at, _)| named(*at) == Some(name.as_str()));
                found
                    .map(|(_, number)| *number)
                    .ok_or_else(|| "no socket of the service has this name".to_owned())
            }
        }
    }
}
