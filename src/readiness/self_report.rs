//! What a program has said of itself, and not taken back.

use std::io;

use svcadapt_spec::{ServiceSpec, ServiceType};

use crate::sys::error_text;

/// What a program has said of itself, and not taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelfReport {
    /// `STATUS=`: one line of text.
    pub status: Option<String>,
    /// Why it has failed.
    pub errors: ProgramErrors,
    /// Whose messages count from now on (`NOTIFYACCESS=`).
    pub access: NotifyAccess,
}

/// Why a program has failed, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgramErrors {
    /// `ERRNO=`
    pub errno: Option<i32>,
    /// `BUSERROR=`: the name of a D-Bus error.
    pub bus: Option<String>,
    /// `VARLINKERROR=`: the name of a Varlink error.
    pub varlink: Option<String>,
}

/// Whose messages count, by their names in `NotifyAccess=` (systemd.service(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotifyAccess {
    /// No process.
    None,
    /// The main process.
    Main,
    /// The main process, and the command that runs beside it.
    Exec,
    /// All processes of the service.
    #[default]
    All,
}

impl NotifyAccess {
    const NAMES: [(Self, &str); 4] =
        [(Self::None, "none"), (Self::Main, "main"), (Self::Exec, "exec"), (Self::All, "all")];

    /// What a unit says. A type that notifies is heard in any case. Without a unit all processes are heard.
    pub fn of(spec: &ServiceSpec) -> Self {
        let Some(lines) = &spec.native.systemd else { return Self::All };
        let lines = lines.iter().filter(|line| line.section() == "Service" && line.name() == "NotifyAccess");
        let said = lines.rev().find_map(|line| Self::parse(line.value())).filter(|said| *said != Self::None);
        let notifies = spec.service_type.is_some_and(ServiceType::notifies);
        said.unwrap_or(if notifies { Self::Main } else { Self::All })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(access, _)| *access == self).map_or("", |(_, name)| name)
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(access, _)| *access)
    }
}

/// The greatest number of an error (the kernel's MAX_ERRNO).
const MAX_ERRNO: i32 = 4095;

/// The longest name of an error (D-Bus Specification, "Message Protocol").
const MAX_NAME_BYTES: usize = 255;

impl ProgramErrors {
    /// Reads the number of an error. 0: there is no error.
    pub(super) fn errno_of(value: &str) -> Option<i32> {
        value.parse().ok().filter(|number| (0..=MAX_ERRNO).contains(number))
    }

    /// Whether this is the name of an error: letters, digits, dots, hyphens and underscores.
    pub(super) fn is_name(text: &str) -> bool {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(good)
    }

    /// The errors as a line for people.
    pub fn reason(&self) -> Option<String> {
        let errno = self.errno.map(|number| error_text(&io::Error::from_raw_os_error(number)));
        let bus = self.bus.as_ref().map(|name| format!("D-Bus error {name}"));
        let varlink = self.varlink.as_ref().map(|name| format!("Varlink error {name}"));
        let all: Vec<String> = [errno, bus, varlink].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// The errors as one word, for the next image of a monitor and for `status`.
    pub fn to_word(&self) -> String {
        let Self { errno, bus, varlink } = self;
        let errno = errno.map(|number| number.to_string()).unwrap_or_default();
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        format!("{errno}:{}:{}", name(bus), name(varlink))
    }

    /// Reads such a word.
    pub fn parse(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        let (errno, bus, varlink) = (parts.next()?, parts.next()?, parts.next()?);
        let name = |text: &str| Self::is_name(text).then(|| text.to_owned());
        Some(Self {
            errno: Self::errno_of(errno).filter(|number| *number > 0),
            bus: name(bus),
            varlink: name(varlink),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_as_they_were_written() {
        let all = ProgramErrors {
            errno: Some(2),
            bus: Some("org.example.Error".to_owned()),
            varlink: Some("io.example.Failed".to_owned()),
        };
        for errors in [all.clone(), ProgramErrors::default(), ProgramErrors { errno: None, ..all.clone() }] {
            assert_eq!(ProgramErrors::parse(&errors.to_word()), Some(errors));
        }
        let reason =
            "no such file or directory; D-Bus error org.example.Error; Varlink error io.example.Failed";
        assert_eq!(all.reason().as_deref(), Some(reason));
        assert_eq!(ProgramErrors::default().reason(), None);
    }
}
