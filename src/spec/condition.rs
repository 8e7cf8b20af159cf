//! Conditions of a start: `Condition…=` and `Assert…=` of systemd.unit(5).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStringExt;

use super::ValueError;
use super::value_error::bytes;

/// A condition of the start of a service. Its text is `PathExists=|!/etc/x`: the kind, and the value as in a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is checked.
    pub kind: ConditionKind,
    /// What it is checked for: a path, a pattern, a comparison, a name.
    pub parameter: OsString,
    /// Whether it holds if the check fails (`!`).
    pub negated: bool,
    /// Whether it is one of those of which one must hold (`|`). All others must hold.
    pub trigger: bool,
}

/// What a condition checks (systemd.unit(5), "Conditions and Asserts").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are systemd's, without Condition or Assert")]
pub enum ConditionKind {
    PathExists,
    PathExistsGlob,
    PathIsDirectory,
    PathIsSymbolicLink,
    PathIsMountPoint,
    PathIsReadWrite,
    PathIsEncrypted,
    FileNotEmpty,
    FileIsExecutable,
    DirectoryNotEmpty,
    Environment,
    User,
    Group,
    Host,
    Architecture,
    Virtualization,
    KernelCommandLine,
    KernelVersion,
    Version,
    KernelModuleLoaded,
    Credential,
    Firmware,
    OSRelease,
    Capability,
    Security,
    Memory,
    CPUs,
    CPUFeature,
    ACPower,
    NeedsUpdate,
    FirstBoot,
    ControlGroupController,
    CPUPressure,
    MemoryPressure,
    IOPressure,
}

impl ConditionKind {
    /// All of them, with systemd's names.
    #[doc(hidden)]
    pub const ALL: [(Self, &'static str); 35] = [
        (Self::PathExists, "PathExists"),
        (Self::PathExistsGlob, "PathExistsGlob"),
        (Self::PathIsDirectory, "PathIsDirectory"),
        (Self::PathIsSymbolicLink, "PathIsSymbolicLink"),
        (Self::PathIsMountPoint, "PathIsMountPoint"),
        (Self::PathIsReadWrite, "PathIsReadWrite"),
        (Self::PathIsEncrypted, "PathIsEncrypted"),
        (Self::FileNotEmpty, "FileNotEmpty"),
        (Self::FileIsExecutable, "FileIsExecutable"),
        (Self::DirectoryNotEmpty, "DirectoryNotEmpty"),
        (Self::Environment, "Environment"),
        (Self::User, "User"),
        (Self::Group, "Group"),
        (Self::Host, "Host"),
        (Self::Architecture, "Architecture"),
        (Self::Virtualization, "Virtualization"),
        (Self::KernelCommandLine, "KernelCommandLine"),
        (Self::KernelVersion, "KernelVersion"),
        (Self::Version, "Version"),
        (Self::KernelModuleLoaded, "KernelModuleLoaded"),
        (Self::Credential, "Credential"),
        (Self::Firmware, "Firmware"),
        (Self::OSRelease, "OSRelease"),
        (Self::Capability, "Capability"),
        (Self::Security, "Security"),
        (Self::Memory, "Memory"),
        (Self::CPUs, "CPUs"),
        (Self::CPUFeature, "CPUFeature"),
        (Self::ACPower, "ACPower"),
        (Self::NeedsUpdate, "NeedsUpdate"),
        (Self::FirstBoot, "FirstBoot"),
        (Self::ControlGroupController, "ControlGroupController"),
        (Self::CPUPressure, "CPUPressure"),
        (Self::MemoryPressure, "MemoryPressure"),
        (Self::IOPressure, "IOPressure"),
    ];

    /// The name in a unit, after `Condition` or `Assert`.
    pub fn name(self) -> &'static str {
        super::choice::name_of(&self, &Self::ALL)
    }

    /// The kind of this name.
    #[doc(hidden)]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(kind, _)| kind)
    }

    /// Whether the parameter is an absolute path.
    #[doc(hidden)]
    pub fn takes_path(self) -> bool {
        matches!(
            self,
            Self::PathExists
                | Self::PathExistsGlob
                | Self::PathIsDirectory
                | Self::PathIsSymbolicLink
                | Self::PathIsMountPoint
                | Self::PathIsReadWrite
                | Self::PathIsEncrypted
                | Self::FileNotEmpty
                | Self::FileIsExecutable
                | Self::DirectoryNotEmpty
                | Self::NeedsUpdate
        )
    }
}

impl Condition {
    /// Reads `KIND=[|][!]PARAMETER`.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let value = bytes(value)?;
        let wrong = || {
            let hint = "write it as PathExists=/etc/web.conf; systemd.unit(5) has the kinds of conditions";
            ValueError::hinted("unknown kind of condition", hint)
        };
        let sign = value.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
        let name = std::str::from_utf8(&value[..sign]).map_err(|_| wrong())?;
        let kind = ConditionKind::of(name).ok_or_else(wrong)?;
        let rest = value[sign + 1..].trim_ascii_start();
        let (trigger, rest) = after(rest, b"|");
        let (negated, rest) = after(rest, b"!");
        if kind.takes_path() && !rest.starts_with(b"/") {
            return Err(ValueError::hinted("not an absolute path", "start the path with '/'"));
        }
        Ok(Self { kind, parameter: OsString::from_vec(rest.to_vec()), negated, trigger })
    }

    /// The value as text.
    #[doc(hidden)]
    pub fn to_value(&self) -> OsString {
        let mut value = OsString::from(format!("{}=", self.kind.name()));
        value.push(self.signs());
        value.push(&self.parameter);
        value
    }

    fn signs(&self) -> &'static str {
        match (self.trigger, self.negated) {
            (false, false) => "",
            (false, true) => "!",
            (true, false) => "|",
            (true, true) => "|!",
        }
    }
}

/// Whether the text begins with a sign, and the text after it.
fn after<'a>(text: &'a [u8], sign: &[u8]) -> (bool, &'a [u8]) {
    text.strip_prefix(sign).map_or((false, text), |rest| (true, rest.trim_ascii_start()))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}{}", self.kind.name(), self.signs(), self.parameter.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Condition, String> {
        Condition::parse(OsStr::new(value)).map_err(|refusal| refusal.cause)
    }

    #[test]
    fn signs_of_a_condition_are_read_and_printed() {
        let condition = read("PathExists=| ! /etc/x").unwrap();
        assert_eq!(
            (condition.kind, condition.negated, condition.trigger),
            (ConditionKind::PathExists, true, true)
        );
        assert_eq!(condition.parameter, "/etc/x");
        for text in ["PathExists=|!/etc/x", "Memory=>=1G", "FirstBoot=yes", "Host=!!x", "Security=", "Host=|"]
        {
            let condition = read(text).unwrap();
            assert_eq!(condition.to_value(), text);
            assert_eq!(condition.to_string(), text);
        }
    }

    #[test]
    fn condition_without_a_kind_or_path_is_refused() {
        for (text, cause) in [
            ("", "unknown kind of condition"),
            ("/etc/x", "unknown kind of condition"),
            ("ConditionPathExists=/x", "unknown kind of condition"),
            ("PathExists=x", "not an absolute path"),
            ("NeedsUpdate=!", "not an absolute path"),
        ] {
            assert_eq!(read(text), Err(cause.into()), "{text}");
        }
    }

    #[test]
    fn each_kind_has_one_name() {
        for (kind, name) in ConditionKind::ALL {
            assert_eq!((format!("{kind:?}").as_str(), ConditionKind::of(name)), (name, Some(kind)));
        }
    }
}
