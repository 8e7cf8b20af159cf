//! What one host's own words come to on another host.

use svcadapt_spec::{Directive, Native, NativeValue, Scope, ServiceSpec};

use super::LossKind::{Approximated, Lost, Weakened};
use super::keep_alive::{is_of_launchd, is_on_demand, says_as_launchd};
use super::{Division, Loss, LossKind, Subject, Systemd, Target};
use crate::directive::{Section, directive};

/// What another host has instead of something native.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead<T> {
    /// What it has.
    pub said: T,
    /// What is different.
    pub how: &'static str,
}

/// Directives that change nothing of how a service runs: they are for people, or for those who install the unit.
const FOR_PEOPLE: [&str; 5] = ["Description", "Documentation", "SourcePath", "SyslogIdentifier", "Alias"];

/// Directives with a value that every host gives without being asked.
const ANYWAY: [(&str, &str); 17] = [
    // A message is believed from every process of the service, which is not everybody.
    ("NotifyAccess", "all"),
    ("NotifyAccess", "main"),
    ("NotifyAccess", "exec"),
    // It goes where the output goes, of which the same is told.
    ("StandardError", "inherit"),
    // No process of ours ignores SIGPIPE, and launchd lets no job ignore it.
    ("IgnoreSIGPIPE", "no"),
    ("RemainAfterExit", "no"),
    ("StandardOutput", "journal"),
    ("StandardError", "journal"),
    // As which systemd takes it.
    ("StandardOutput", "syslog"),
    ("StandardError", "syslog"),
    ("WantedBy", "multi-user.target"),
    ("WantedBy", "graphical.target"),
    ("WantedBy", "default.target"),
    // Nobody but systemd counts starts.
    ("StartLimitIntervalSec", "0"),
    // Of sockets.
    ("Accept", "no"),
    ("RemoveOnStop", "no"),
    ("DirectoryMode", "0755"),
];

/// The losses of all that is native to another host than `to`.
pub(super) fn losses(spec: &ServiceSpec, to: Target) -> Vec<Loss> {
    let mut losses = Vec::new();
    let lines = spec.native.systemd.iter().flatten();
    losses.extend(lines.filter_map(|line| {
        let kind = match to {
            Target::Systemd(host) => unknown(&spec.native, line, host),
            Target::Launchd(_) | Target::Classic if is_own_socket(spec, line) => None,
            Target::Launchd(_) if is_as_launchd(spec, line) => None,
            Target::Launchd(_) => of_directive(line, true),
            Target::Classic => of_directive(line, false),
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
            if key == "KeepAlive" && is_of_launchd(spec) || key == "RunAtLoad" && !is_on_demand(spec) {
                return None;
            }
            let kind = of_key(key, value, systemd)?;
            Some(Loss { subject: Subject::Key(key.clone()), kind })
        }));
    }
    losses
}

/// Whether a directive says nothing that another host would have to do.
pub fn is_idle(line: &Directive) -> bool {
    let extension = section(line).starts_with("X-") || line.name().starts_with("X-");
    let anyway = ANYWAY.contains(&(line.name(), line.value()));
    // Whose the sockets are is known where they have been read.
    let whose = line.section().starts_with(Native::SOCKET_UNIT_PREFIX) && line.name() == "Service";
    extension || anyway || whose || FOR_PEOPLE.contains(&line.name()) || section(line) == "Install"
}

/// Whether a line says nothing but that a signal is to systemd what it is to launchd.
fn is_as_launchd(spec: &ServiceSpec, line: &Directive) -> bool {
    line.name().starts_with("Restart") && line.name().ends_with("ExitStatus") && says_as_launchd(spec)
}

/// Whether a line says no more than that the service has its own sockets, which it has on every host.
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

/// What stands before the program in a command that was kept as it is (systemd.service(5), "Special executable
/// prefixes"); none of any other line.
pub fn prefixes(line: &Directive) -> Option<&str> {
    let command = line.section() == "Service" && line.name() == Native::COMMAND;
    let value = line.value().trim_start_matches(['"', '\'']);
    let end = value.find(|sign: char| !"@-:+!|".contains(sign)).unwrap_or(value.len());
    command.then(|| &value[..end])
}

/// What the prefix of a command meant that the adapter now stands before.
pub(super) fn behind_adapter(spec: &ServiceSpec, division: &Division) -> Option<Loss> {
    if !matches!(division.target, Target::Systemd(_)) || !division.needs_adapter() {
        return None;
    }
    let line = spec.native.systemd.iter().flatten().rfind(|line| prefixes(line).is_some())?;
    // A variable is put in or is not, a failure is none, and the program has its name, with the adapter too.
    let named = |sign: char| sign == '@' && spec.argv0.is_some();
    let gone = prefixes(line)?.chars().find(|sign| !":-".contains(*sign) && !named(*sign))?;
    let why = format!(
        "svcadapt stands before the program, and there the prefix '{gone}' would mean something else"
    );
    Some(Loss { subject: Subject::Directive(line.clone()), kind: Lost(why) })
}

/// Whether a line has the service started with everything else of the system's, by a target that a user's manager
/// has not (systemd.special(7)).
pub fn wanted_by_all(line: &Directive) -> bool {
    let all = |target: &str| ["multi-user.target", "graphical.target"].contains(&target);
    line.section() == "Install"
        && line.name() == "WantedBy"
        && !line.value().is_empty()
        && line.value().split_ascii_whitespace().all(all)
}

/// The section, whichever of the two units it stands in.
fn section(line: &Directive) -> &str {
    line.section().strip_prefix(Native::SOCKET_UNIT_PREFIX).unwrap_or(line.section())
}

/// Whether a value switches off what it stands for.
pub(crate) fn is_off(value: &str) -> bool {
    value.is_empty() || svcadapt_spec::boolean(value) == Some(false)
}

/// Whether output goes to the syslog by a name that systemd has given up: the journal passes everything on.
fn is_syslog(line: &Directive) -> bool {
    ["StandardOutput", "StandardError"].contains(&line.name())
        && ["syslog", "syslog+console"].contains(&line.value())
}

/// Whether output goes where only systemd brings it: into the journal, the syslog or the kernel's log.
fn is_journal(line: &Directive) -> bool {
    ["StandardOutput", "StandardError"].contains(&line.name())
        && ["journal", "syslog", "kmsg"].contains(&line.value().trim_end_matches("+console"))
}

/// What becomes of output where nothing is said of it (launchd.plist(5), `StandardOutPath`).
pub(super) const NO_JOURNAL: &str = "launchd has no journal: it gives the null device, and what is written there is gone; \
     --standard-output append:PATH keeps it";

/// Since when systemd takes `syslog` for `journal`, and warns of it (its NEWS of that version).
const SYSLOG_IS_JOURNAL: u16 = 246;

/// The value of a directive as this systemd takes it without a warning.
pub fn in_words_of(line: &Directive, host: Systemd) -> &str {
    match line.value() {
        "syslog" if is_syslog(line) && host.version.has(SYSLOG_IS_JOURNAL) => "journal",
        "syslog+console" if is_syslog(line) && host.version.has(SYSLOG_IS_JOURNAL) => "journal+console",
        value => value,
    }
}

/// Whether any systemd knows the line, as far as it is known here; one that none knows may be of a newer one.
pub fn is_known(line: &Directive) -> bool {
    of_systemd(line).is_none_or(|section| directive(section, line.name()).is_some())
}

/// The section, if the line is one that systemd should know.
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

/// What becomes of a directive for a systemd that does not know it, or may not do it; none where nothing is lost.
/// Such a line is not written: that systemd would warn of it, and pass over it.
pub fn unknown(native: &Native, line: &Directive, host: Systemd) -> Option<LossKind> {
    let section = of_systemd(line)?;
    if host.scope == Scope::User && wanted_by_all(line) {
        return Some(Approximated("a user's manager has default.target in its place".into()));
    }
    let Some(row) = directive(section, line.name()) else {
        return Some(Lost(format!("no systemd knows it in [{section}]")));
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
            Some(since) => format!("a user's manager has the rights for it from systemd {since} on"),
            None => "a user's manager has not the rights for it".into(),
        }))
    } else {
        None
    }
}

/// Whether a directive takes rights away from a service.
fn is_sandbox(line: &Directive) -> bool {
    line.section() == "Service" && directive(Section::Service, line.name()).is_some_and(|row| row.security)
}

fn of_directive(line: &Directive, launchd: bool) -> Option<LossKind> {
    if launchd && is_journal(line) {
        return Some(Lost(NO_JOURNAL.into()));
    }
    if is_idle(line) {
        return None;
    }
    let name = line.name();
    if is_sandbox(line) {
        return Some(Weakened("only systemd can confine a service so".into()));
    }
    if launchd && let Some(instead) = in_launchd(line) {
        return Some(Approximated(instead.how.into()));
    }
    Some(Lost(
        match name {
            "After" | "Before" | "Requires" | "Wants" | "BindsTo" | "PartOf" | "Requisite" | "Conflicts"
            | "RequiresMountsFor" | "WantsMountsFor" => "there is no order between services",
            "ExecStart" => "its prefix has no counterpart",
            "ExecStartPre" | "ExecStartPost" | "ExecCondition" => {
                "nothing else is started beside the program"
            }
            "ExecStop" | "ExecStopPost" => "a service is stopped by a signal",
            "ExecReload" if launchd => {
                "launchd knows no reload; launchctl kill HUP system/LABEL sends the signal"
            }
            "ExecReload" => "svcadapt knows no reload",
            "WatchdogSec" => "there is no watchdog",
            "Sockets" => "of sockets only those of the unit with the service's own name are read",
            _ if name.starts_with("Condition") || name.starts_with("Assert") => "no condition is checked",
            _ if name.starts_with("StartLimit") => "starts are not counted",
            _ => "there is nothing like it",
        }
        .into(),
    ))
}

fn of_key(key: &str, value: &NativeValue, systemd: bool) -> Option<LossKind> {
    if systemd && let Some(instead) = in_systemd(key, value) {
        return Some(Approximated(instead.how.into()));
    }
    match (key, value) {
        ("AssociatedBundleIdentifiers" | "LegacyTimers" | "CFBundleIdentifier", _)
        | (_, NativeValue::Boolean(false))
            if !["RunAtLoad", "InitGroups", "OnDemand"].contains(&key) =>
        {
            None
        }
        // Who starts it has said so.
        ("RunAtLoad" | "Disabled" | "OnDemand", _) if !systemd => None,
        ("SandboxProfile" | "SandboxFlags" | "SandboxContainer", _) => {
            Some(Weakened("only launchd can confine a job so".into()))
        }
        ("StartInterval" | "StartCalendarInterval", _) => Some(Lost(
            if systemd { "a .timer unit would start it" } else { "nothing starts it by the clock" }.into(),
        )),
        ("WatchPaths" | "QueueDirectories", _) => Some(Lost(
            if systemd { "a .path unit would start it" } else { "nothing watches these paths" }.into(),
        )),
        ("MachServices" | "LaunchEvents", _) => Some(Lost("only macOS has such demands".into())),
        ("Sockets", _) => Some(Lost("not all that launchd is told of them can be said here".into())),
        ("KeepAlive", NativeValue::Dict(conditions)) if systemd => {
            Some(Lost(of_conditions(conditions).into()))
        }
        ("KeepAlive", _) => Some(Lost("only launchd has these conditions".into())),
        ("OnDemand", NativeValue::Boolean(false)) => {
            Some(Lost("KeepAlive with the value true says it".into()))
        }
        _ => Some(Lost("only launchd does this".into())),
    }
}

/// What would do for systemd what conditions of `KeepAlive` do.
fn of_conditions(conditions: &[(String, NativeValue)]) -> &'static str {
    let all = |names: &[&str]| conditions.iter().all(|(name, _)| names.contains(&name.as_str()));
    let there = |value: &NativeValue| matches!(value, NativeValue::Dict(paths) if paths.iter().all(|(_, is)| *is == NativeValue::Boolean(true)));
    if all(&["PathState"]) && conditions.iter().all(|(_, value)| there(value)) {
        "a .path unit with PathExists= would start it"
    } else if all(&["PathState"]) {
        "a .path unit starts something when a path is there (PathExists=), and nothing does when one is gone"
    } else if all(&["OtherJobEnabled", "OtherJobActive"]) {
        "the other job's unit would start it, and keep it running, by Upholds="
    } else {
        "only launchd has these conditions"
    }
}

/// Why a key of launchd is never written, though it may be read.
pub fn never_written(key: &str) -> Option<&'static str> {
    match key {
        "EnableTransactions" | "EnablePressuredExit" => {
            Some("with it launchd may kill the job instead of asking it to end")
        }
        "Disabled" => Some("launchctl disable is where launchd looks for it first"),
        "OnDemand" => Some("KeepAlive stands in its place"),
        _ => None,
    }
}

/// The key that does nearly what a directive does.
pub fn in_launchd(line: &Directive) -> Option<Instead<(&'static str, NativeValue)>> {
    match (line.section(), line.name(), line.value()) {
        ("Service", "KillMode", "process") => Some(Instead {
            said: ("AbandonProcessGroup", NativeValue::Boolean(true)),
            how: "AbandonProcessGroup spares the processes of its group",
        }),
        ("Service", "IOSchedulingClass", "idle" | "3") => Some(Instead {
            said: ("LowPriorityIO", NativeValue::Boolean(true)),
            how: "LowPriorityIO is no scheduling class of its own",
        }),
        _ => None,
    }
}

/// The directive of `[Service]` that does nearly what a key does; none in it: nothing need be said.
pub fn in_systemd(key: &str, value: &NativeValue) -> Option<Instead<Option<(&'static str, &'static str)>>> {
    match (key, value) {
        ("AbandonProcessGroup", NativeValue::Boolean(true)) => Some(Instead {
            said: Some(("KillMode", "process")),
            how: "KillMode=process spares all other processes of the service",
        }),
        ("LowPriorityIO", NativeValue::Boolean(true)) => Some(Instead {
            said: Some(("IOSchedulingClass", "idle")),
            how: "IOSchedulingClass=idle gets the disk only where nobody else wants it",
        }),
        ("RunAtLoad", NativeValue::Boolean(false)) => {
            Some(Instead { said: None, how: "no target wants it: it is started by hand" })
        }
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
    fn what_confines_is_a_loss_of_security_and_what_is_for_people_is_none() {
        for name in
            ["ProtectSystem", "PrivateTmp", "SystemCallFilter", "DynamicUser", "MemoryDenyWriteExecute"]
        {
            assert!(matches!(directive(name, "yes"), Some(Weakened(_))), "{name}");
        }
        assert_eq!(directive("Documentation", "man:x"), None);
        assert_eq!(directive("NotifyAccess", "all"), None);
        assert!(matches!(directive("KillMode", "process"), Some(Approximated(_))));
        assert!(matches!(directive("KillMode", "mixed"), Some(Lost(_))));
    }

    #[test]
    fn what_a_systemd_does_not_know_is_lost_to_it() {
        let to = |version: &str, scope, name: &str, value: &str| {
            let version = crate::directive::Version::parse(version.as_ref()).unwrap();
            let native = Native::default();
            unknown(&native, &Directive::new("Service", name, value).unwrap(), Systemd { version, scope })
        };
        assert!(matches!(to("246", Scope::System, "ProtectProc", "invisible"), Some(Weakened(_))));
        assert_eq!(to("247", Scope::System, "ProtectProc", "invisible"), None);
        assert!(matches!(to("257", Scope::System, "RestartMode", "never"), Some(Lost(_))));
        assert!(matches!(to("252", Scope::System, "Foo", "1"), Some(Lost(_))));
        assert!(matches!(to("252", Scope::User, "PrivateDevices", "yes"), Some(Weakened(_))));
        assert_eq!(to("252", Scope::User, "X-Foo", "yes"), None);
    }

    #[test]
    fn a_key_that_is_off_is_none_unless_that_changes_something() {
        assert_eq!(of_key("SessionCreate", &NativeValue::Boolean(false), true), None);
        assert!(matches!(of_key("RunAtLoad", &NativeValue::Boolean(false), true), Some(Approximated(_))));
        assert!(matches!(of_key("StartInterval", &NativeValue::Integer(5), true), Some(Lost(_))));
        assert!(matches!(
            of_key("AbandonProcessGroup", &NativeValue::Boolean(true), true),
            Some(Approximated(_))
        ));
    }
}
