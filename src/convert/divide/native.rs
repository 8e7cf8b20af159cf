//! Native settings of one host on another host.

use std::borrow::Cow;

use svcadapt_spec::{Directive, FIELDS, Field, Native, NativeValue, Scope, ServiceSpec};

use super::LossKind::{Approximated, Lost, Weakened};
use super::keep_alive::{comes_from_keep_alive, is_on_demand};
use super::life_fields::{NO_OTHER, undone};
use super::{Division, Loss, LossKind, Subject, Systemd, Target, order};
use crate::directive::{Section, ValueKind, directive};

/// A setting of another host that is nearly equivalent to a native one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivalent<T> {
    /// The setting.
    pub setting: T,
    /// The difference.
    pub difference: &'static str,
}

/// Directives that do not change how a service runs: documentation and installation.
const INFORMATIVE: [&str; 4] = ["Description", "Documentation", "SourcePath", "Alias"];

/// Directives with a value that is the default of every host.
const DEFAULTS: [(&str, &str); 19] = [
    // A notification is accepted from the same processes. A type that notifies is heard by systemd in any case.
    ("NotifyAccess", "none"),
    ("NotifyAccess", "all"),
    ("NotifyAccess", "main"),
    ("NotifyAccess", "exec"),
    // What follows a failure, a success or too many starts is nothing.
    ("FailureAction", "none"),
    ("SuccessAction", "none"),
    ("StartLimitAction", "none"),
    // It goes where the output goes, for which the loss is reported.
    ("StandardError", "inherit"),
    // svcadapt resets SIGPIPE to its default, and launchd does not ignore it in jobs.
    ("IgnoreSIGPIPE", "no"),
    ("StandardOutput", "journal"),
    ("StandardError", "journal"),
    // systemd takes syslog as journal.
    ("StandardOutput", "syslog"),
    ("StandardError", "syslog"),
    ("WantedBy", "multi-user.target"),
    ("WantedBy", "graphical.target"),
    ("WantedBy", "default.target"),
    // Directives of sockets.
    ("Accept", "no"),
    ("RemoveOnStop", "no"),
    ("DirectoryMode", "0755"),
];

/// An old directive that systemd still reads: only the program drops rights (NEWS of 240). The reader gives all other
/// commands the prefix `+` instead, so the line itself needs nothing.
pub(crate) const PERMISSIONS_START_ONLY: &str = "PermissionsStartOnly";

/// The losses of the native settings of every host but `to`.
pub(super) fn losses(spec: &ServiceSpec, to: Target) -> Vec<Loss> {
    let mut losses = Vec::new();
    let lines = spec.native.systemd.iter().flatten();
    losses.extend(lines.filter_map(|line| {
        let kind = match to {
            Target::Systemd(host) => loss_on_systemd(&spec.native, line, host),
            _ if is_own_socket(spec, line) => None,
            Target::Launchd(_) => of_directive(line, true),
            Target::OpenRc | Target::SysV if order::is_ordering(line) => order::loss(line, to),
            Target::Classic | Target::OpenRc | Target::Runit | Target::S6 | Target::SysV => {
                of_directive(line, false)
            }
        }?;
        Some(Loss { subject: Subject::Directive(line.clone()), kind })
    }));
    if matches!(to, Target::Launchd(_)) {
        let keys = spec.native.launchd.iter();
        losses.extend(keys.filter_map(|(key, _)| {
            let kind = Lost(never_written(key)?.into());
            Some(Loss { subject: Subject::Key(key.clone()), kind })
        }));
    } else {
        let systemd = matches!(to, Target::Systemd(_));
        let keys = spec.native.launchd.iter();
        losses.extend(keys.filter_map(|(key, value)| {
            if key == "KeepAlive" && comes_from_keep_alive(spec) || key == "RunAtLoad" && !is_on_demand(spec)
            {
                return None;
            }
            let kind = of_key(key, value, systemd)?;
            Some(Loss { subject: Subject::Key(key.clone()), kind })
        }));
    }
    losses
}

/// Whether a directive needs nothing from another host.
pub fn has_no_effect(line: &Directive) -> bool {
    let is_extension = section(line).starts_with("X-") || line.name().starts_with("X-");
    let value = if svcadapt_spec::boolean(line.value()) == Some(false) { "no" } else { line.value() };
    let is_default = DEFAULTS.contains(&(line.name(), value));
    // The service of the sockets is already known.
    let is_socket_service =
        line.section().starts_with(Native::SOCKET_UNIT_PREFIX) && line.name() == "Service";
    is_extension
        || is_default
        || is_socket_service
        || line.section() == "Service" && line.name() == PERMISSIONS_START_ONLY
        || is_sandbox_off(line)
        || INFORMATIVE.contains(&line.name())
        || section(line) == "Install"
}

/// Whether a line only ties the service to its own sockets, which it has on every host.
fn is_own_socket(spec: &ServiceSpec, line: &Directive) -> bool {
    let ties = matches!(
        (line.section(), line.name()),
        ("Unit", "Requires" | "Wants" | "BindsTo" | "Requisite" | "After") | ("Service", "Sockets")
    );
    let Some(name) = spec.name.as_ref().filter(|_| ties && !spec.sockets.listen.is_empty()) else {
        return false;
    };
    let name = name.as_str();
    let (prefix, instance) = name.split_once('@').unwrap_or((name, ""));
    let is_own = |word: &str| {
        let word = word.replace("%N", name).replace("%p", prefix).replace("%i", instance);
        word.strip_suffix(".socket") == Some(name)
    };
    line.value().split_ascii_whitespace().all(is_own)
}

/// The prefixes of the program in a command that was kept unchanged (systemd.service(5), "Special executable prefixes").
/// `None` for any other line.
pub fn command_prefixes(line: &Directive) -> Option<&str> {
    let command = line.section() == "Service" && line.name() == Native::COMMAND;
    let value = line.value().trim_start_matches(['"', '\'']);
    let end = value.find(|sign: char| !"@-:+!|".contains(sign)).unwrap_or(value.len());
    command.then(|| &value[..end])
}

/// The loss of a prefix of a native command, which would apply to the adapter instead of the program.
pub(super) fn prefix_loss(spec: &ServiceSpec, division: &Division) -> Option<Loss> {
    if !matches!(division.target, Target::Systemd(_)) || !division.needs_adapter() {
        return None;
    }
    let line = spec.native.systemd.iter().flatten().rfind(|line| command_prefixes(line).is_some())?;
    // The prefixes ':' and '-', and '@' with a name, have the same meaning with the adapter.
    let is_kept = |sign: char| sign == '@' && spec.argv0.is_some();
    let lost = command_prefixes(line)?.chars().find(|sign| !":-".contains(*sign) && !is_kept(*sign))?;
    let why = format!("svcadapt starts the program, and the prefix '{lost}' would apply to svcadapt");
    Some(Loss { subject: Subject::Directive(line.clone()), kind: Lost(why) })
}

/// Whether `WantedBy=` names only targets of the normal boot that a user manager does not have (systemd.special(7)).
pub fn is_wanted_by_system(line: &Directive) -> bool {
    let all = |target: &str| ["multi-user.target", "graphical.target"].contains(&target);
    line.section() == "Install"
        && line.name() == "WantedBy"
        && !line.value().is_empty()
        && line.value().split_ascii_whitespace().all(all)
}

/// The section, in the service unit or in the socket unit.
fn section(line: &Directive) -> &str {
    line.section().strip_prefix(Native::SOCKET_UNIT_PREFIX).unwrap_or(line.section())
}

/// Whether a value is empty or a false boolean.
pub(crate) fn is_off(value: &str) -> bool {
    value.is_empty() || svcadapt_spec::boolean(value) == Some(false)
}

/// Whether output goes to `syslog`, an obsolete name: the journal forwards everything.
fn is_syslog(line: &Directive) -> bool {
    ["StandardOutput", "StandardError"].contains(&line.name())
        && ["syslog", "syslog+console"].contains(&line.value())
}

/// Whether output goes to the journal, the syslog or the kernel's log, which only systemd does.
fn is_journal(line: &Directive) -> bool {
    ["StandardOutput", "StandardError"].contains(&line.name())
        && ["journal", "syslog", "kmsg"].contains(&line.value().trim_end_matches("+console"))
}

/// The loss of output that is not set (launchd.plist(5), `StandardOutPath`).
pub(super) const NO_JOURNAL: &str =
    "launchd has no journal: output goes to /dev/null and is lost; --standard-output append:PATH keeps it";

/// The first version in which systemd takes `syslog` as `journal` and warns (NEWS of 246).
pub(crate) const SYSLOG_IS_JOURNAL: u16 = 246;

/// The value of a directive in the words that this systemd accepts without a warning.
pub fn accepted_value(line: &Directive, host: Systemd) -> &str {
    match line.value() {
        "syslog" if is_syslog(line) && host.version.has(SYSLOG_IS_JOURNAL) => "journal",
        "syslog+console" if is_syslog(line) && host.version.has(SYSLOG_IS_JOURNAL) => "journal+console",
        value => value,
    }
}

/// Whether a systemd of some supported version knows the line. An unknown line may belong to a newer version.
pub fn is_known(line: &Directive) -> bool {
    of_systemd(line).is_none_or(|section| directive(section, line.name()).is_some())
}

/// The section of a line that systemd should know. `None` for extensions.
fn of_systemd(line: &Directive) -> Option<Section> {
    let section = match section(line) {
        "Unit" => Section::Unit,
        "Service" => Section::Service,
        "Socket" => Section::Socket,
        "Install" => Section::Install,
        _ => return None,
    };
    (!line.name().starts_with("X-")).then_some(section)
}

/// The loss of a directive on a systemd that does not know it, or has not the rights for it. `None` if nothing is lost.
/// A lost line is not written, because that systemd would warn about it and ignore it.
pub fn loss_on_systemd(native: &Native, line: &Directive, host: Systemd) -> Option<LossKind> {
    let section = of_systemd(line)?;
    if host.scope == Scope::User && is_wanted_by_system(line) {
        return Some(Approximated("a user manager uses default.target instead".into()));
    }
    let Some(row) = directive(section, line.name()) else {
        return Some(Lost(format!("unknown directive in [{section}]")));
    };
    let private =
        native.systemd.iter().flatten().any(|line| {
            line.section() == "Service" && line.name() == "PrivateUsers" && !is_off(line.value())
        });
    let lost = |why: String| if row.security { Weakened(why) } else { Lost(why) };
    let version = host.version;
    if !row.known_to(version) {
        Some(lost(format!("systemd {version} does not know it")))
    } else if is_syslog(line) {
        None
    } else if !row.takes(line.value(), version) {
        Some(lost(format!("systemd {version} does not know '{}' there", line.value().escape_debug())))
    } else if host.scope == Scope::User
        && !row.user_manager(version)
        && !(row.user_since.is_some() && private)
    {
        Some(lost(match row.user_since {
            Some(since) => format!("a user manager has the rights for it since systemd {since}"),
            None => "a user manager does not have the rights for it".into(),
        }))
    } else {
        None
    }
}

/// Whether a directive restricts the service's rights.
fn is_sandbox(line: &Directive) -> bool {
    line.section() == "Service" && directive(Section::Service, line.name()).is_some_and(|row| row.security)
}

/// Whether a directive that would restrict the service's rights is off.
fn is_sandbox_off(line: &Directive) -> bool {
    let row = directive(Section::Service, line.name()).filter(|_| line.section() == "Service");
    row.is_some_and(|row| row.security && matches!(row.kind, ValueKind::Boolean | ValueKind::BooleanOr(_)))
        && svcadapt_spec::boolean(line.value()) == Some(false)
}

fn of_directive(line: &Directive, launchd: bool) -> Option<LossKind> {
    if launchd && is_journal(line) {
        return Some(Lost(NO_JOURNAL.into()));
    }
    if has_no_effect(line) {
        return None;
    }
    let name = line.name();
    if launchd && name == "LogExtraFields" {
        // They concern only lines of the journal, whose loss is reported.
        return None;
    }
    if is_sandbox(line) {
        return Some(Weakened("only systemd has this sandbox".into()));
    }
    let field = FIELDS.iter().find(|row| row.directive == name).map(|row| row.field);
    if matches!(name, "OnFailure" | "OnSuccess") {
        return Some(Lost(format!("{NO_OTHER}: {}", line.value())));
    }
    Some(Lost(
        match name {
            "After" | "Before" | "Requires" | "Wants" | "BindsTo" | "PartOf" | "Requisite" | "Conflicts"
            | "RequiresMountsFor" | "WantsMountsFor" => "services have no order",
            "LogExtraFields" => "a stream to the journal has no fields of its own",
            "ExecStart" => "only systemd can read this command line",
            "Sockets" => "only sockets of the unit with the service's own name are read",
            _ => field.or_else(|| condition_field(name)).and_then(undone).unwrap_or(NO_EQUIVALENT),
        }
        .into(),
    ))
}

/// Why a line of a unit has no effect where systemd does not read it.
pub(crate) fn reason_without_systemd(line: &Directive) -> Cow<'static, str> {
    of_directive(line, false).map_or(Cow::Borrowed(NO_EQUIVALENT), into_words)
}

/// Why a key of a property list has no effect where launchd does not read it.
pub(crate) fn reason_without_launchd(key: &str, value: &NativeValue) -> Cow<'static, str> {
    of_key(key, value, false).map_or(Cow::Borrowed(NO_EQUIVALENT), into_words)
}

const NO_EQUIVALENT: &str = "it has no equivalent";

fn into_words(loss: LossKind) -> Cow<'static, str> {
    match loss {
        Approximated(words) | Lost(words) | Weakened(words) => words.into(),
    }
}

fn condition_field(name: &str) -> Option<Field> {
    let is = |prefix: &str| name.starts_with(prefix);
    is("Condition").then_some(Field::Condition).or_else(|| is("Assert").then_some(Field::Assert))
}

fn of_key(key: &str, value: &NativeValue, systemd: bool) -> Option<LossKind> {
    if systemd && let Some(equivalent) = systemd_equivalent(key, value) {
        return Some(Approximated(equivalent.difference.into()));
    }
    match (key, value) {
        ("AssociatedBundleIdentifiers" | "LegacyTimers" | "CFBundleIdentifier", _)
        | (_, NativeValue::Boolean(false))
            if !["RunAtLoad", "InitGroups", "OnDemand"].contains(&key) =>
        {
            None
        }
        // The caller starts the service.
        ("RunAtLoad" | "Disabled" | "OnDemand", _) if !systemd => None,
        ("SandboxProfile" | "SandboxFlags" | "SandboxContainer", _) => {
            Some(Weakened("only launchd has this sandbox".into()))
        }
        ("StartInterval" | "StartCalendarInterval", _) => {
            Some(Lost(if systemd { "needs a .timer unit" } else { "it is not started by the clock" }.into()))
        }
        ("WatchPaths" | "QueueDirectories", _) => {
            Some(Lost(if systemd { "needs a .path unit" } else { "paths are not watched" }.into()))
        }
        ("MachServices" | "LaunchEvents", _) => Some(Lost("only macOS has these services and events".into())),
        ("Sockets", _) => Some(Lost("some keys of these sockets have no equivalent".into())),
        ("KeepAlive", NativeValue::Dict(conditions)) if systemd => {
            Some(Lost(of_conditions(conditions).into()))
        }
        ("KeepAlive", _) => Some(Lost("only launchd has these conditions".into())),
        ("OnDemand", NativeValue::Boolean(false)) => Some(Lost("use KeepAlive with the value true".into())),
        _ => Some(Lost("only launchd has this setting".into())),
    }
}

/// The loss of conditions of `KeepAlive`, with the systemd units that would do the same.
fn of_conditions(conditions: &[(String, NativeValue)]) -> &'static str {
    let all = |names: &[&str]| conditions.iter().all(|(name, _)| names.contains(&name.as_str()));
    let there = |value: &NativeValue| matches!(value, NativeValue::Dict(paths) if paths.iter().all(|(_, is)| *is == NativeValue::Boolean(true)));
    if all(&["PathState"]) && conditions.iter().all(|(_, value)| there(value)) {
        "needs a .path unit with PathExists="
    } else if all(&["PathState"]) {
        "a .path unit can start it when a path exists (PathExists=), but not when a path is missing"
    } else if all(&["OtherJobEnabled", "OtherJobActive"]) {
        "needs Upholds= in the other job's unit"
    } else {
        "only launchd has these conditions"
    }
}

/// Why a key of launchd is read but never written.
pub fn never_written(key: &str) -> Option<&'static str> {
    match key {
        "EnableTransactions" | "EnablePressuredExit" => Some("launchd could kill the job without SIGTERM"),
        "Disabled" => Some("launchctl disable overrides it"),
        "OnDemand" => Some("KeepAlive replaces it"),
        _ => None,
    }
}

/// The directive of `[Service]` that is nearly equivalent to a key. The setting is `None` if the absence of a directive is
/// the equivalent.
pub fn systemd_equivalent(
    key: &str,
    value: &NativeValue,
) -> Option<Equivalent<Option<(&'static str, &'static str)>>> {
    match (key, value) {
        ("AbandonProcessGroup", NativeValue::Boolean(true)) => Some(Equivalent {
            setting: Some(("KillMode", "process")),
            difference: "KillMode=process keeps all other processes of the service",
        }),
        ("LowPriorityIO", NativeValue::Boolean(true)) => Some(Equivalent {
            setting: Some(("IOSchedulingClass", "idle")),
            difference: "IOSchedulingClass=idle gets the disk only if no other process uses it",
        }),
        ("RunAtLoad", NativeValue::Boolean(false)) => Some(Equivalent {
            setting: None,
            difference: "no target starts it; start it with systemctl start",
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(name: &str, value: &str) -> Option<LossKind> {
        of_directive(&Directive::new("Service", name, value).unwrap(), true)
    }

    #[test]
    fn sandbox_directive_is_a_loss_of_security_and_documentation_is_no_loss() {
        for name in
            ["ProtectSystem", "PrivateTmp", "SystemCallFilter", "DynamicUser", "MemoryDenyWriteExecute"]
        {
            assert!(matches!(directive(name, "yes"), Some(Weakened(_))), "{name}");
        }
        assert_eq!(directive("Documentation", "man:x"), None);
        assert_eq!(directive("PrivateTmp", "no"), None);
        assert!(directive("AppArmorProfile", "no").is_some());
        assert_eq!(directive("NotifyAccess", "all"), None);
        assert_eq!(directive("IgnoreSIGPIPE", "false"), None);
    }

    #[test]
    fn directive_unknown_to_a_systemd_version_is_lost() {
        let to = |version: &str, scope, name: &str, value: &str| {
            let version = crate::directive::Version::parse(version.as_ref()).unwrap();
            let native = Native::default();
            loss_on_systemd(
                &native,
                &Directive::new("Service", name, value).unwrap(),
                Systemd { version, scope },
            )
        };
        assert!(matches!(to("246", Scope::System, "ProtectProc", "invisible"), Some(Weakened(_))));
        assert_eq!(to("247", Scope::System, "ProtectProc", "invisible"), None);
        assert!(matches!(to("257", Scope::System, "RestartMode", "never"), Some(Lost(_))));
        assert!(matches!(to("252", Scope::System, "Foo", "1"), Some(Lost(_))));
        assert!(matches!(to("252", Scope::User, "PrivateDevices", "yes"), Some(Weakened(_))));
        assert_eq!(to("252", Scope::User, "X-Foo", "yes"), None);
    }

    #[test]
    fn key_set_to_false_is_a_loss_only_if_it_changes_something() {
        assert_eq!(of_key("SessionCreate", &NativeValue::Boolean(false), true), None);
        assert!(matches!(of_key("RunAtLoad", &NativeValue::Boolean(false), true), Some(Approximated(_))));
        assert!(matches!(of_key("StartInterval", &NativeValue::Integer(5), true), Some(Lost(_))));
        assert!(matches!(
            of_key("AbandonProcessGroup", &NativeValue::Boolean(true), true),
            Some(Approximated(_))
        ));
    }
}
