//! Unwraps a command that starts its program through `svcadapt run`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use svcadapt_spec::{Field, OptionWords};

/// The meaning of a command: the inverse of [`crate::divide::command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unwrapped {
    /// The command starts its program itself.
    Plain,
    /// The command starts its program through svcadapt.
    Adapted {
        /// The values of svcadapt's options.
        values: Vec<(Field, OsString)>,
        /// The program and its arguments.
        words: Vec<OsString>,
    },
    /// The command is `svcadapt run` with options that a spec cannot express, for this reason.
    Opaque(String),
}

/// The modes that a spec does not have to keep: the reader of the file knows which manager it is for.
const IMPLIED_MODES: [&str; 4] = ["supervised", "auto", "systemd", "launchd"];

/// Takes a command apart if it is `svcadapt run [OPTION]... -- PROGRAM [ARGUMENT]...`.
pub(super) fn unwrap_adapter(words: &[OsString]) -> Unwrapped {
    let name = words.first().and_then(|program| Path::new(program).file_name());
    let run = words.get(1).is_some_and(|word| word == "run");
    if !run || name != Some(OsStr::new("svcadapt")) {
        return Unwrapped::Plain;
    }
    match OptionWords::parse(&words[2..]) {
        Ok(OptionWords { mode: Some(mode), .. }) if !IMPLIED_MODES.iter().any(|implied| mode == *implied) => {
            let mode = mode.to_string_lossy();
            Unwrapped::Opaque(format!("svcadapt run: a spec cannot express '--mode {}'", mode.escape_debug()))
        }
        Ok(OptionWords { values, command, .. }) => Unwrapped::Adapted {
            values: values.into_iter().map(|(field, value)| (field, value.to_owned())).collect(),
            words: command.to_vec(),
        },
        Err(error) => Unwrapped::Opaque(format!("svcadapt run: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::divide::{Target, command, divide};

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn command_of_a_division_unwraps_to_the_same_spec() {
        let mut draft = SpecDraft::new();
        draft.command(words("/bin/web --user x -- y"));
        for (field, value) in [
            (Field::Description, "-- a \"web\" server"),
            (Field::EnvironmentFile, "-/etc/default/web"),
            (Field::CleanEnvironment, "no"),
            (Field::Nice, "-5"),
            (Field::PreventCore, "yes"),
            (Field::CapabilityBoundingSet, ""),
            (Field::Ready, "exec:test -e '/a b'\n"),
        ] {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let command = command(&spec, &divide(&spec, Target::Classic), Path::new("/usr/bin/svcadapt"));
        let command: Vec<_> = command.into_iter().map(|word| word.text).collect();
        let Unwrapped::Adapted { values, words } = unwrap_adapter(&command) else {
            panic!("not unwrapped: {command:?}")
        };
        let mut again = SpecDraft::new();
        again.command(words);
        for (field, value) in values {
            again.assign(field, value, Origin::Option);
        }
        assert_eq!(again.finish().unwrap(), spec);
    }

    #[test]
    fn short_and_long_options_are_unwrapped() {
        let command = words("svcadapt run -uwww -c=/srv --umask 027 --no-new-privileges --mode=auto -- /x");
        let expected = vec![
            (Field::User, "www".into()),
            (Field::Umask, "027".into()),
            (Field::WorkingDirectory, "/srv".into()),
            (Field::NoNewPrivileges, "yes".into()),
        ];
        assert_eq!(unwrap_adapter(&command), Unwrapped::Adapted { values: expected, words: words("/x") });
    }

    #[test]
    fn unknown_options_and_modes_make_a_command_opaque() {
        assert_eq!(unwrap_adapter(&words("/bin/web run -- x")), Unwrapped::Plain);
        assert_eq!(unwrap_adapter(&words("svcadapt detect")), Unwrapped::Plain);
        assert_eq!(unwrap_adapter(&[]), Unwrapped::Plain);
        for (options, cause) in [
            ("web.json", "'web.json' is not an option that describes a service"),
            ("--mode classic -- x", "a spec cannot express '--mode classic'"),
            ("--dry-run -- x", "'--dry-run' is not an option that describes a service"),
            ("-z -- x", "'-z' is not an option that describes a service"),
            ("-u", "option '-u' has no value"),
        ] {
            let opaque = Unwrapped::Opaque(format!("svcadapt run: {cause}"));
            assert_eq!(unwrap_adapter(&words(&format!("/usr/bin/svcadapt run {options}"))), opaque);
        }
    }
}
