//! What the settings say that only one host has.

use svcadapt_spec::{Directive, Native, NativeValue};

use super::sentence::Group;

/// The group of a line of a unit, and its sentence.
pub(super) fn of_line(line: &Directive) -> (Group, String) {
    let value = line.value();
    let text = match line.name() {
        "After" => format!("It starts after {value}."),
        "Before" => format!("It starts before {value}."),
        "Requires" | "Requisite" | "BindsTo" => format!("It cannot run without {value}."),
        "Wants" | "Upholds" => format!("{value} is started, too."),
        "PartOf" => format!("It is stopped and restarted with {value}."),
        "Conflicts" => format!("It cannot run beside {value}."),
        "WantedBy" | "RequiredBy" => format!("If it is enabled, it starts with {value}."),
        "Alias" => format!("If it is enabled, its name is also {value}."),
        "Also" => format!("{value} is enabled with it."),
        "Documentation" => format!("It is documented at {value}."),
        "DefaultDependencies" => format!("Whether it starts after the basic system: {value}."),
        Native::COMMAND => format!("It runs {value}."),
        name => format!("{name}={value} (a setting of systemd)."),
    };
    (group(line), text)
}

fn group(line: &Directive) -> Group {
    let name = line.name();
    let begins = |all: &[&str]| all.iter().any(|start| name.starts_with(start));
    if line.section() != "Service" && !line.section().ends_with("/Service") {
        return if name == "Documentation" { Group::Program } else { Group::Start };
    }
    if begins(&[
        "Private",
        "Protect",
        "Restrict",
        "SystemCall",
        "ReadOnly",
        "ReadWrite",
        "Inaccessible",
        "NoExec",
        "Exec",
    ]) && name != Native::COMMAND
        || begins(&[
            "Device",
            "IPAddress",
            "Bind",
            "Temporary",
            "Lock",
            "Memory",
            "CPU",
            "IO",
            "Tasks",
            "Proc",
            "Slice",
        ])
    {
        Group::Uses
    } else if begins(&["Restart", "Kill", "Timeout", "Oom", "OOM"]) {
        Group::End
    } else {
        Group::Program
    }
}

/// The group of a key of a property list, and its sentence.
pub(super) fn of_key(key: &str, value: &NativeValue) -> (Group, String) {
    let text = match (key, value) {
        ("RunAtLoad", NativeValue::Boolean(true)) => "It starts as soon as its job is loaded.".to_owned(),
        ("KeepAlive", NativeValue::Boolean(true)) => "It is started again whenever it ends.".to_owned(),
        ("StartInterval", NativeValue::Integer(seconds)) => format!("It starts every {seconds} s."),
        (_, NativeValue::Boolean(truth)) => format!("{key} is {truth} (a setting of launchd)."),
        (_, NativeValue::Integer(number)) => format!("{key} is {number} (a setting of launchd)."),
        (_, NativeValue::String(text)) => format!("{key} is '{text}' (a setting of launchd)."),
        (_, NativeValue::Array(all)) => format!("{key} has {} values (a setting of launchd).", all.len()),
        (_, NativeValue::Dict(all)) => format!("{key} has {} entries (a setting of launchd).", all.len()),
    };
    let group = match key {
        "RunAtLoad" | "WatchPaths" | "QueueDirectories" | "MachServices" | "LaunchEvents" => Group::Start,
        key if key.starts_with("Start") || key.starts_with("Limit") => Group::Start,
        "KeepAlive" | "ThrottleInterval" | "AbandonProcessGroup" => Group::End,
        "ProcessType" | "LowPriorityIO" | "LowPriorityBackgroundIO" | "LegacyTimers" => Group::Uses,
        _ => Group::Program,
    };
    (group, text)
}
