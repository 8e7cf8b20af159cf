//! `ExecReload=` for systemd before 253, which has no `Type=notify-reload`.

use svcadapt_spec::{ServiceSpec, ServiceType, SignalName};

use crate::divide::reload_signal;

/// The values of `ExecReload=` in order; empty if the service is not reloaded by a signal.
///
/// For a program that reports the end of a reload, the first command sends `RELOADING=1` from the service's control
/// process. systemd processes it before the command ends, and so waits for the program's `READY=1`, even if the second
/// command, which sends the signal, ends before the program has handled the signal (`NotifyAccess=exec` accepts
/// messages of both). Since 259 a reload waits for the program with `Type=notify-reload` only (systemd pull 39376).
///
/// With `RootDirectory=` the prefix `+` is needed, because neither program need exist below the new root
/// (systemd.service(5), "Special executable prefixes").
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

/// Whether a value of `ExecReload=` was written by [`commands`].
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
    fn generated_reload_commands_are_recognized() {
        for (values, expected) in [
            (&[(Field::Type, "exec")][..], &[][..]),
            (&[(Field::ReloadSignal, "USR1")], &["/bin/kill -s USR1 $MAINPID"]),
            (
                &[(Field::Type, "notify-reload"), (Field::RootDirectory, "/jail")],
                &["+/bin/systemd-notify RELOADING=1", "+/bin/kill -s HUP $MAINPID"],
            ),
        ] {
            let mut draft = SpecDraft::new();
            draft.command(vec!["/bin/true".into()]);
            for (field, value) in values {
                draft.assign(*field, *value, Origin::Option);
            }
            let commands = commands(&draft.finish().unwrap());
            assert_eq!(commands, expected);
            assert!(commands.iter().all(|command| is_generated(command)));
        }
        assert!(!is_generated("/bin/kill -HUP $MAINPID") && !is_generated("/bin/kill -s X $MAINPID"));
    }
}
