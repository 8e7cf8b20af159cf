//! A command that starts its program through svcadapt, taken apart again.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt_spec::{FIELDS, Field, FieldRow};

/// What a command comes to: the inverse of [`crate::divide::command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unwrapped {
    /// It starts its program itself.
    Plain,
    /// It starts it through svcadapt, which is told this besides.
    Adapted {
        /// What the options say, in their order.
        values: Vec<(Field, OsString)>,
        /// The program and its arguments.
        words: Vec<OsString>,
    },
    /// It is svcadapt, told what no spec can say.
    Opaque(String),
}

/// Takes a command apart if it is `svcadapt run [options] -- PROGRAM ARGUMENT…`.
pub(super) fn unwrap_adapter(words: &[OsString]) -> Unwrapped {
    let name = words.first().and_then(|program| Path::new(program).file_name());
    let run = words.get(1).is_some_and(|word| word == "run");
    if !run || name != Some(OsStr::new("svcadapt")) {
        return Unwrapped::Plain;
    }
    let mut values = Vec::new();
    let mut rest = words[2..].iter();
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        if bytes == b"--" {
            return Unwrapped::Adapted { values, words: rest.cloned().collect() };
        }
        let shown = || word.to_string_lossy().escape_debug().to_string();
        let Some(option) = option(bytes) else {
            return Unwrapped::Opaque(format!("svcadapt is told '{}', which no spec can say", shown()));
        };
        let value = match option.value {
            Some(value) => OsStr::from_bytes(value).to_owned(),
            None if option.row.is_some_and(|row| row.value == "BOOL") => "yes".into(),
            None => match rest.next() {
                Some(value) => value.clone(),
                None => return Unwrapped::Opaque(format!("'{}' has no value", shown())),
            },
        };
        match option.row {
            Some(row) => values.push((row.field, value)),
            // Which manager there is, the reader of the file knows better.
            None if ["supervised", "auto", "systemd", "launchd"].iter().any(|mode| value == *mode) => (),
            None => return Unwrapped::Opaque("svcadapt is told a mode, which no spec can say".to_owned()),
        }
    }
    Unwrapped::Opaque("svcadapt is told no program after '--'".to_owned())
}

/// An option; without a row it is the mode.
struct OptionWord<'a> {
    row: Option<&'static FieldRow>,
    value: Option<&'a [u8]>,
}

/// As clap reads them: `--long`, `--long=VALUE`, `-s`, `-sVALUE`, `-s=VALUE`.
fn option(word: &[u8]) -> Option<OptionWord<'_>> {
    if let Some(long) = word.strip_prefix(b"--") {
        let equals = long.iter().position(|byte| *byte == b'=');
        let name = &long[..equals.unwrap_or(long.len())];
        let row = FIELDS.iter().find(|row| row.option.as_bytes() == name);
        (row.is_some() || name == b"mode")
            .then_some(OptionWord { row, value: equals.map(|at| &long[at + 1..]) })
    } else {
        let (letter, value) = word.strip_prefix(b"-")?.split_first()?;
        let row = FIELDS.iter().find(|row| row.short == Some(char::from(*letter)))?;
        let value = Some(value.strip_prefix(b"=").unwrap_or(value)).filter(|_| !value.is_empty());
        Some(OptionWord { row: Some(row), value })
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
    fn what_the_adapter_is_told_is_found_again() {
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
            panic!("not peeled: {command:?}")
        };
        let mut again = SpecDraft::new();
        again.command(words);
        for (field, value) in values {
            again.assign(field, value, Origin::Option);
        }
        assert_eq!(again.finish().unwrap(), spec);
    }

    #[test]
    fn options_are_read_as_on_the_command_line() {
        let said = words("svcadapt run -uwww -c=/srv --umask 027 --no-new-privileges --mode=auto -- /x");
        let expected = vec![
            (Field::User, "www".into()),
            (Field::WorkingDirectory, "/srv".into()),
            (Field::Umask, "027".into()),
            (Field::NoNewPrivileges, "yes".into()),
        ];
        assert_eq!(unwrap_adapter(&said), Unwrapped::Adapted { values: expected, words: words("/x") });
    }

    #[test]
    fn what_is_not_understood_whole_is_left_whole() {
        assert_eq!(unwrap_adapter(&words("/bin/web run -- x")), Unwrapped::Plain);
        assert_eq!(unwrap_adapter(&words("svcadapt detect")), Unwrapped::Plain);
        assert_eq!(unwrap_adapter(&[]), Unwrapped::Plain);
        for said in ["run web.json", "run --mode classic -- x", "run --dry-run -- x", "run -z -- x", "run -u"]
        {
            let said = words(&format!("/usr/bin/svcadapt {said}"));
            assert!(matches!(unwrap_adapter(&said), Unwrapped::Opaque(_)), "{said:?}");
        }
    }
}
