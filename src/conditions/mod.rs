//! The conditions and assertions of a start (systemd.unit(5), "Conditions and Asserts"), where no systemd checks them.
//!
//! [`check`] asks the machine and decides whether the service is started. What only systemd could answer counts as met, and
//! is named.

#![forbid(unsafe_code)]

mod answer;
mod compare;
mod identity;
mod kernel;
mod path;
mod resource;
mod security;
mod system;
mod version;
mod virtualization;
mod words;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use answer::Answer;
use svcadapt_spec::{Condition, ConditionKind as Kind, ServiceSpec};

/// Why a kind of condition is not checked on systems without the kernel's files.
const NOT_LINUX: &str = "only Linux tells";

/// Variables with their values.
type Variables = [(OsString, OsString)];

/// What the conditions and assertions of a service say to a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may start.
    Met,
    /// It is skipped: this condition is not met.
    Skipped(String),
    /// It fails: this assertion is not met.
    Failed(String),
}

/// Decides about a start. `tell` gets a line for each condition that cannot be known here.
/// `environment` is that of the manager, which is this process.
pub(crate) fn check(spec: &ServiceSpec, environment: &Variables, mut tell: impl FnMut(String)) -> Verdict {
    let mut unmet = |conditions: &[Condition], prefix: &str, name: &str| {
        decide(conditions, |condition| answer_told(condition, environment, name, &mut tell))
            .map(|condition| format!("{prefix}{condition}"))
    };
    if let Some(condition) = unmet(&spec.conditions, "Condition", "condition") {
        return Verdict::Skipped(condition);
    }
    unmet(&spec.assertions, "Assert", "assertion").map_or(Verdict::Met, Verdict::Failed)
}

/// The condition that is not met. All without `|` must hold, and one of those with it.
fn decide(conditions: &[Condition], mut holds: impl FnMut(&Condition) -> bool) -> Option<&Condition> {
    let mut triggers = None;
    for condition in conditions {
        match (condition.trigger, holds(condition)) {
            (false, false) => return Some(condition),
            (false, true) => {}
            (true, true) => triggers = Some(None),
            (true, false) => {
                triggers.get_or_insert(Some(condition));
            }
        }
    }
    triggers.flatten()
}

fn answer_told(
    condition: &Condition,
    environment: &Variables,
    name: &str,
    tell: &mut impl FnMut(String),
) -> bool {
    match ask(condition, environment) {
        Answer::Yes => !condition.negated,
        Answer::No => condition.negated,
        Answer::Invalid => false,
        Answer::Unknown(why) => {
            tell(format!("{name} '{condition}': not checked: {why}"));
            true
        }
    }
}

fn ask(condition: &Condition, environment: &Variables) -> Answer {
    let text = condition.parameter.as_os_str();
    let path = Path::new(text);
    match condition.kind {
        Kind::PathExists => path.exists().into(),
        Kind::PathExistsGlob => path::exists_glob(text).into(),
        Kind::PathIsDirectory => path::is_directory(path).into(),
        Kind::PathIsSymbolicLink => path::is_symbolic_link(path).into(),
        Kind::PathIsMountPoint => path::is_mount_point(path).into(),
        Kind::PathIsReadWrite => path::is_read_write(path).into(),
        Kind::PathIsEncrypted => Answer::Unknown("only systemd knows what is below a file system"),
        Kind::FileNotEmpty => path::is_file_not_empty(path).into(),
        Kind::FileIsExecutable => path::is_executable(path).into(),
        Kind::DirectoryNotEmpty => path::is_directory_not_empty(path).into(),
        Kind::Environment => has_variable(environment, text.as_bytes()).into(),
        Kind::User => identity::is_user(text),
        Kind::Group => identity::is_in_group(text),
        Kind::Host => system::is_host(text),
        Kind::Architecture => system::is_architecture(text),
        Kind::Virtualization => virtualization::is_virtualized(text),
        Kind::KernelCommandLine => kernel::has_command_line(text),
        Kind::KernelVersion => system::is_kernel_version(text),
        Kind::Version => system::is_version(text),
        Kind::KernelModuleLoaded => kernel::has_module(text),
        Kind::Credential => Answer::Unknown("only systemd has it"),
        Kind::Firmware => system::is_firmware(text),
        Kind::OSRelease => system::is_os_release(text),
        Kind::Capability => identity::has_capability(text),
        Kind::Security => security::has_security(text),
        Kind::Memory => resource::has_memory(text),
        Kind::CPUs => system::has_processors(text),
        Kind::CPUFeature => resource::has_processor_feature(text),
        Kind::ACPower => resource::has_mains(text),
        Kind::NeedsUpdate => kernel::needs_update(path),
        Kind::FirstBoot => kernel::is_first_boot(text),
        Kind::ControlGroupController => kernel::has_controllers(text),
        Kind::CPUPressure => resource::is_pressure_at_most("cpu", text),
        Kind::MemoryPressure => resource::is_pressure_at_most("memory", text),
        Kind::IOPressure => resource::is_pressure_at_most("io", text),
    }
}

/// A variable, by `NAME` or `NAME=VALUE`.
fn has_variable(environment: &Variables, wanted: &[u8]) -> bool {
    environment.iter().any(|(name, value)| match wanted.split_at_checked(name.len()) {
        Some((start, rest)) if start == name.as_bytes() => match rest.split_first() {
            None => true,
            Some((b'=', rest)) => rest == value.as_bytes(),
            Some(_) => false,
        },
        Some(_) | None => false,
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn conditions(texts: &[&str]) -> Vec<Condition> {
        texts.iter().map(|text| Condition::parse(OsStr::new(text)).unwrap()).collect()
    }

    #[test]
    fn plain_conditions_must_all_hold_and_one_of_the_triggers() {
        for (texts, unmet) in [
            (&[][..], None),
            (&["Host=yes"], None),
            (&["Host=yes", "Host=no"], Some("Host=no")),
            (&["Host=|no", "Host=|yes"], None),
            (&["Host=|yes", "Host=|no"], None),
            (&["Host=|no", "User=|no"], Some("Host=|no")),
            (&["Host=yes", "Host=|no"], Some("Host=|no")),
            (&["Host=no", "Host=|yes"], Some("Host=no")),
        ] {
            let all = conditions(texts);
            let found = decide(&all, |condition| condition.parameter == "yes");
            assert_eq!(found.map(ToString::to_string).as_deref(), unmet, "{texts:?}");
        }
    }

    #[test]
    fn answer_is_negated_unless_it_is_invalid_or_unknown() {
        for (text, met, told) in [
            ("PathExists=/", true, None),
            ("PathExists=!/", false, None),
            ("CPUs=x", false, None),
            ("CPUs=!x", false, None),
            ("Credential=x", true, Some("condition 'Credential=x': not checked: only systemd has it")),
            ("Credential=!x", true, Some("condition 'Credential=!x': not checked: only systemd has it")),
        ] {
            let mut lines = Vec::new();
            let condition = &conditions(&[text])[0];
            assert_eq!(answer_told(condition, &[], "condition", &mut |line| lines.push(line)), met, "{text}");
            assert_eq!(lines.first().map(String::as_str), told, "{text}");
        }
    }

    #[test]
    fn variable_is_found_by_name_or_with_its_value() {
        let environment = [("MODE".into(), "a=b".into()), ("EMPTY".into(), "".into())];
        for (wanted, expected) in [
            ("MODE", true),
            ("MODE=a=b", true),
            ("MODE=a", false),
            ("MOD", false),
            ("MODES", false),
            ("EMPTY", true),
            ("EMPTY=", true),
            ("", false),
        ] {
            assert_eq!(has_variable(&environment, wanted.as_bytes()), expected, "{wanted}");
        }
    }
}
