//! How a unit reloads a service for systemd before 253, which has no `Type=notify-reload`.

use crate::spec::ServiceSpec;
use crate::spec::ServiceType;
use crate::spec::SignalName;
use crate::target::reload_signal;

/// The values of `ExecReload=`, in their order; none where the service is not reloaded by a signal.
///
/// For a program that tells of the end of a reload the first command says, as the service's control process, that one
/// has begun. systemd knows it before it ends, and so waits for the program's `READY=1` though the program may not
/// have seen the signal yet when the second command, which sends it, has ended (`NotifyAccess=exec` lets both speak).
pub(super) fn commands(spec: &ServiceSpec) -> Vec<String> {
    let Some(signal) = reload_signal(spec) else { return Vec::new() };
    let mut commands = Vec::new();
    if spec.service_type == Some(ServiceType::NotifyReload) {
        commands.push(BEGUN.to_owned());
    }
    let signal = signal.to_string();
    commands.push(format!("{}{}{}", SEND.0, signal.trim_start_matches("SIG"), SEND.1));
    commands
}

const BEGUN: &str = "/bin/systemd-notify RELOADING=1";
const SEND: (&str, &str) = ("/bin/kill -s ", " $MAINPID");

/// Whether a value of `ExecReload=` is one of these.
pub(super) fn is_generated(value: &str) -> bool {
    let signal = value.strip_prefix(SEND.0).and_then(|rest| rest.strip_suffix(SEND.1));
    value == BEGUN || signal.is_some_and(|name| SignalName::parse(name.as_ref()).is_ok())
}
