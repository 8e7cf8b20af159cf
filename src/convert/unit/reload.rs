//! How a unit reloads a service for systemd before 253, which has no `Type=notify-reload`.

use svcadapt_spec::{ServiceSpec, ServiceType, SignalName};

use crate::divide::reload_signal;

/// The values of `ExecReload=`, in their order; none where the service is not reloaded by a signal.
///
/// For a program that tells of the end of a reload the first command says, as the service's control process, that one
/// has begun. systemd knows it before it ends, and so waits for the program's `READY=1` though the program may not
/// have seen the signal yet when the second command, which sends it, has ended (`NotifyAccess=exec` lets both speak).
/// From 259 on it does not: there a reload waits for the program with `Type=notify-reload` alone (systemd pull 39376).
///
/// Below a new root there is neither of the two programs; with `+` they are started outside it (systemd.service(5),
/// "Special executable prefixes").
pub(super) fn commands(spec: &ServiceSpec) -> Vec<String> {
    let Some(signal) = reload_signal(spec) else { return Vec::new() };
    let outside = if spec.root_directory.is_some() { OUTSIDE } else { "" };
    let mut commands = Vec::new();
    if spec.service_type == Some(ServiceType::NotifyReload) {
        commands.push(format!("{outside}{BEGUN}"));
    }
    let signal = signal.to_string();
    commands.push(format!("{outside}{}{}{}", SEND.0, signal.trim_start_matches("SIG"), SEND.1));
    commands
}

const OUTSIDE: &str = "+";
const BEGUN: &str = "/bin/systemd-notify RELOADING=1";
const SEND: (&str, &str) = ("/bin/kill -s ", " $MAINPID");

/// Whether a value of `ExecReload=` is one of these.
pub(super) fn is_generated(value: &str) -> bool {
    let value = value.strip_prefix(OUTSIDE).unwrap_or(value);
    let signal = value.strip_prefix(SEND.0).and_then(|rest| rest.strip_suffix(SEND.1));
    value == BEGUN || signal.is_some_and(|name| SignalName::parse(name.as_ref()).is_ok())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use super::*;

    #[test]
    fn what_is_written_is_known_again() {
        for (said, expected) in [
            (&[(Field::Type, "exec")][..], &[][..]),
            (&[(Field::ReloadSignal, "USR1")], &["/bin/kill -s USR1 $MAINPID"]),
            (
                &[(Field::Type, "notify-reload"), (Field::RootDirectory, "/jail")],
                &["+/bin/systemd-notify RELOADING=1", "+/bin/kill -s HUP $MAINPID"],
            ),
        ] {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            for (field, value) in said {
                draft.assign(*field, *value, Origin::Option);
            }
            let commands = commands(&draft.finish().unwrap());
            assert_eq!(commands, expected);
            assert!(commands.iter().all(|command| is_generated(command)));
        }
        assert!(!is_generated("/bin/kill -HUP $MAINPID") && !is_generated("/bin/kill -s X $MAINPID"));
    }
}
