//! The command that the host starts.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt_spec::{FIELDS, Field, ServiceSpec, values};

use super::{Division, Target, openrc, supervisor};

/// One word of a command, and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandWord {
    /// Its origin.
    pub place: Place,
    /// The word.
    pub text: OsString,
}

/// The origin of a word in the host's file, as the user knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The path of svcadapt, or a fixed argument of it.
    Adapter,
    /// A field of the spec.
    Field(Field),
    /// The program.
    Program,
    /// An argument of the program, counted from 1.
    Argument(usize),
    /// The sandbox of `--harden`.
    Sandbox,
    /// A key of a property list that has no field.
    Key(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adapter => f.write_str("--svcadapt"),
            Self::Field(field) => write!(f, "--{}", field.option()),
            Self::Program => f.write_str("program"),
            Self::Sandbox => f.write_str("--harden"),
            Self::Argument(number) => write!(f, "argument {number}"),
            Self::Key(name) => f.write_str(name),
        }
    }
}

/// The command that the host executes: the program itself, or `svcadapt run` with the adapter's fields and the mode.
/// `adapter` is the path of svcadapt on the host.
pub fn command(spec: &ServiceSpec, division: &Division, adapter: &Path) -> Vec<CommandWord> {
    let mut words = Vec::new();
    if division.needs_adapter() {
        let mut fixed = |text: &OsStr| words.push(CommandWord { place: Place::Adapter, text: text.into() });
        fixed(adapter.as_os_str());
        let mode = match division.target {
            Target::Systemd(_) => "systemd",
            Target::Launchd(_) => "launchd",
            Target::OpenRc if openrc::is_supervised(spec) => "supervised",
            Target::OpenRc | Target::SysV => "classic",
            Target::Classic | Target::Runit | Target::S6 => "supervised",
        };
        for word in ["run", "--mode", mode] {
            fixed(OsStr::new(word));
        }
        for &field in &division.adapter {
            let option_words = values(spec, field).into_iter().flat_map(|value| option(field, value));
            words.extend(option_words.map(|text| CommandWord { place: Place::Field(field), text }));
        }
        if matches!(division.target, Target::Systemd(_)) && ignores_sigpipe_by_default(spec) {
            let field = Field::IgnoreSigpipe;
            let text = format!("--{}=yes", field.option()).into();
            words.push(CommandWord { place: Place::Field(field), text });
        }
        let implied = supervisor::implied_options(spec, division).into_iter();
        words.extend(implied.map(|text| CommandWord { place: Place::Adapter, text: text.into() }));
        words.push(CommandWord { place: Place::Adapter, text: "--".into() });
    }
    for (index, text) in spec.command.argv().enumerate() {
        let place = if index == 0 { Place::Program } else { Place::Argument(index) };
        words.push(CommandWord { place, text: text.into() });
    }
    words
}

/// Whether systemd ignores SIGPIPE for the program because the unit says nothing (systemd.exec(5), `IgnoreSIGPIPE=`). An
/// adapter resets all signals.
pub fn ignores_sigpipe_by_default(spec: &ServiceSpec) -> bool {
    let field = Field::IgnoreSigpipe;
    spec.native.systemd.is_some()
        && values(spec, field).is_empty()
        && !spec.native.has_directive(field.directive())
}

/// `--option value`, or `--option=value` if the value is empty or could be taken for an option.
fn option(field: Field, value: OsString) -> Vec<OsString> {
    let name = format!("--{}", field.option());
    let switch = FIELDS.iter().any(|row| row.field == field && row.value == "BOOL");
    if switch || value.is_empty() || value.as_bytes().starts_with(b"-") {
        let mut word = OsString::from(name + "=");
        word.push(value);
        vec![word]
    } else {
        vec![name.into(), value]
    }
}
