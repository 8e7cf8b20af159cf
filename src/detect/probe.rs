//! Gathers the facts; the only reader of the environment and `/proc` for the detection.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::stderr;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use svcadapt_spec::Scope;

use super::cgroup::{UnitRef, systemd_path};
use super::decide::{decision, detect, needs_answer};
use super::detection::Detection;
use super::facts::{Activation, Ancestor, Facts, Platform, UnitAnswer, VARIABLES};
use super::mode::ModeOption;
use crate::sys::launchd::Refusal;
use crate::sys::{command_output, launchd, process_info, procfs};

/// The timeout of asking the manager, which happens at start-up only.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Gathers all facts, asks the manager if needed, and decides.
pub fn look(asked: ModeOption) -> (Facts, Detection) {
    let facts = answered(gather(), asked);
    let detection = detect(&facts, asked);
    (facts, detection)
}

/// Decides as [`look`] does, for a start: facts that cannot decide are not gathered, and the evidence is empty.
pub fn decide(asked: ModeOption) -> Detection {
    let facts = answered(gather_deciding(), asked);
    decision(&facts, asked).0
}

fn answered(facts: Facts, asked: ModeOption) -> Facts {
    let answer = needs_answer(&facts, asked).map(|unit| ask_manager(&unit));
    Facts { manager_answer: answer.flatten(), ..facts }
}

/// Gathers all facts. Unreadable ones are left out; no process is asked but launchd.
pub fn gather() -> Facts {
    let mut facts = gather_deciding();
    if facts.ancestors.is_empty() {
        // For display only: it decides nothing.
        let parent = facts.parent.as_ref().and_then(|parent| visible(parent.pid));
        facts.ancestors.extend(parent.and_then(|parent| visible(parent.ppid)).map(process));
    }
    Facts { init: process_info::of(1).map(|init| init.comm), ..facts }
}

/// Gathers the facts that a rule uses.
fn gather_deciding() -> Facts {
    let own = process_info::own();
    let environment = environment();
    let (parent, ancestors) = ancestors(own.ppid);
    Facts {
        platform: platform(),
        pid: own.pid,
        ppid: own.ppid,
        session: own.session,
        process_group: own.process_group,
        uid: own.uid,
        controlling_terminal: own.controlling_terminal,
        stdin_terminal: own.stdin_terminal,
        parent,
        ancestors,
        init: None,
        cgroup: procfs::cgroup(own.pid).ok().and_then(|text| below_manager(&text)),
        systemd_booted: crate::sys::machine::is_booted_with_systemd(),
        stderr_is_journal: stderr_is_journal(),
        activation: activation(),
        manager_answer: None,
        environment,
    }
}

/// The maximum number of ancestors to follow.
const MAX_ANCESTORS: usize = 16;

/// The parent, and its ancestors up to the first that does not wait for its child.
pub(super) fn ancestors(ppid: i32) -> (Option<Ancestor>, Vec<Ancestor>) {
    let Some(parent) = visible(ppid) else { return (None, Vec::new()) };
    let (mut next, mut last) = (parent.ppid, process(parent));
    let parent = last.clone();
    let mut ancestors = Vec::new();
    while last.waits_for_child() && ancestors.len() < MAX_ANCESTORS {
        let Some(other) = visible(next) else { break };
        next = other.ppid;
        last = process(other);
        ancestors.push(last.clone());
    }
    (Some(parent), ancestors)
}

/// The path of this process relative to the root of systemd's hierarchy. `/proc/1/cgroup` is read only if the root can differ
/// from `/`.
pub(super) fn below_manager(own: &str) -> Option<String> {
    match systemd_path(own, None)? {
        root if root == "/" => Some(root),
        _ => systemd_path(own, procfs::cgroup(1).ok().as_deref()),
    }
}

/// All environment variables, undecoded.
pub fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// Asks systemd for the type and the main process of a unit. `None` on any failure, or after two seconds.
///
/// systemctl(1) is run by its full path with a clean environment, so that the caller cannot influence its output.
pub fn ask_manager(unit: &UnitRef) -> Option<UnitAnswer> {
    let program =
        ["/usr/bin/systemctl", "/bin/systemctl"].into_iter().find(|path| Path::new(path).exists())?;
    let mut command = Command::new(program);
    command.env_clear();
    if unit.scope == Scope::User {
        command.arg("--user");
        for name in ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
    }
    command.args(["show", "-p", "Type", "-p", "MainPID", "--", &unit.name]);
    parse_answer(&String::from_utf8(command_output::output_within(&mut command, ANSWER_TIMEOUT).ok()?).ok()?)
}

fn parse_answer(text: &str) -> Option<UnitAnswer> {
    let field = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let service_type = field("Type").filter(|name| !name.is_empty())?.to_owned();
    Some(UnitAnswer { service_type, main_pid: field("MainPID")?.parse().ok()? })
}

fn environment() -> BTreeMap<String, String> {
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let read = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), text(value)));
    VARIABLES.into_iter().filter_map(read).collect()
}

fn platform() -> Platform {
    if cfg!(target_os = "linux") {
        Platform::Linux
    } else if cfg!(target_os = "macos") {
        Platform::MacOs
    } else {
        Platform::Other
    }
}

/// A visible process. `None` for pid 0, the parent of a process whose parent is outside the pid namespace.
pub(super) fn visible(pid: i32) -> Option<process_info::ProcessInfo> {
    (pid > 0).then(|| process_info::of(pid)).flatten()
}

pub(super) fn process(other: process_info::ProcessInfo) -> Ancestor {
    Ancestor {
        pid: other.pid,
        process_group: other.process_group,
        comm: other.comm,
        command_line: other.command_line,
    }
}

/// Whether standard error goes to the journal: `JOURNAL_STREAM` is its `DEVICE:INODE`, both decimal (systemd.exec(5)).
pub fn stderr_is_journal() -> bool {
    let Some(file) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let data = stderr().as_fd().try_clone_to_owned().and_then(|copy| File::from(copy).metadata());
    data.is_ok_and(|data| *file == *format!("{}:{}", data.dev(), data.ino()))
}

/// Asks launchd for a socket name that no job has, so that no socket is activated.
fn activation() -> Activation {
    match launchd::activate(c"svcadapt.detect") {
        Ok(_) => Activation::Activated,
        Err(Refusal::NoSuchSocket) => Activation::NoSuchSocket,
        Err(Refusal::AlreadyActivated) => Activation::AlreadyActivated,
        Err(Refusal::NotManaged) => Activation::NotManaged,
        Err(Refusal::Unknown) => Activation::Unknown,
        Err(Refusal::NotThisPlatform) => Activation::NotAsked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manager_answer_is_read_in_any_order() {
        let answer = UnitAnswer { service_type: "forking".to_owned(), main_pid: 0 };
        assert_eq!(parse_answer("Type=forking\nMainPID=0\n"), Some(answer.clone()));
        assert_eq!(parse_answer("MainPID=0\nType=forking\n"), Some(answer));
    }

    #[test]
    fn incomplete_manager_answer_is_ignored() {
        for text in
            ["", "Type=forking\n", "MainPID=7\n", "Type=\nMainPID=7\n", "Type=simple\nMainPID=x\n", "no"]
        {
            assert_eq!(parse_answer(text), None, "{text}");
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn gathered_facts_survive_json() {
        let facts = gather();
        assert_eq!(Facts::from_json(&facts.to_json()), Ok(facts));
    }
}
