//! Services in the style of inetd: a connection, or the listening socket, is their streams (launchd.plist(5),
//! `inetdCompatibility`).

use svcadapt_spec::{Field, Field as F, Input, Output, ServiceSpec, SocketOption};

use super::Capability;
use super::Capability::Host;
use super::launchd::launchd_listens;

/// Whether launchd connects the streams of the job to its sockets. Without an output of its own the output follows the
/// input (systemd.exec(5), `StandardOutput=`).
pub(crate) fn is_inetd(spec: &ServiceSpec) -> bool {
    let socket = |output: &Option<Output>| matches!(output, None | Some(Output::Socket | Output::Inherit));
    spec.standard_input == Some(Input::Socket)
        && socket(&spec.standard_output)
        && socket(&spec.standard_error)
        && spec.sockets.listen.iter().any(launchd_listens)
}

/// How well launchd can do the field of such a service. `None` for any field but those of `inetdCompatibility`.
pub(super) fn on_launchd(spec: &ServiceSpec, field: Field) -> Option<Capability> {
    let concerned = matches!(
        field,
        F::StandardInput
            | F::StandardOutput
            | F::StandardError
            | F::StartOnConnect
            | F::SocketOption(SocketOption::Accept | SocketOption::MaxConnections)
    );
    (concerned && is_inetd(spec)).then_some(Host)
}
