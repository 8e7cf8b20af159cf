//! The kernel's command line, its modules and cgroup controllers, and what systemd derives from a boot.

use std::ffi::OsStr;
use std::path::Path;

use super::answer::Answer;
use super::{virtualization, words};
use crate::sys::machine;

/// A word of the kernel's command line, or the name before its `=`.
pub(super) fn has_command_line(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str() else { return Answer::No };
    match command_line() {
        Some(words) => is_in(&words, wanted).into(),
        None => Answer::Unknown(super::NOT_LINUX),
    }
}

fn is_in(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| {
        let rest = word.strip_prefix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || !wanted.contains('=') && rest.starts_with('='))
    })
}

/// In a container the arguments of its process 1 count, as in systemd.
fn command_line() -> Option<Vec<String>> {
    let kernel = machine::text("/proc/cmdline")?;
    let text = match virtualization::container() {
        Some(_) => machine::text("/proc/1/cmdline")?.replace('\0', " "),
        None => kernel,
    };
    Some(words::split_relaxed(&text))
}

/// A truth value on the command line: `NAME`, or `NAME=yes`.
fn switch(name: &str) -> Option<bool> {
    let words = command_line()?;
    words.iter().rev().find_map(|word| {
        let rest = word.strip_prefix(name)?;
        if rest.is_empty() { Some(true) } else { words::boolean(rest.strip_prefix('=')?) }
    })
}

/// A module that is built into the kernel or loaded.
pub(super) fn has_module(wanted: &OsStr) -> Answer {
    let Some(name) = wanted.to_str().filter(|name| !name.is_empty() && !name.contains('/')) else {
        return Answer::Invalid;
    };
    let modules = Path::new("/sys/module");
    if !modules.is_dir() {
        return Answer::Unknown(super::NOT_LINUX);
    }
    let module = modules.join(name.replace('-', "_"));
    match machine::text(module.join("initstate")) {
        Some(state) => (state.trim() == "live").into(),
        // A module of the kernel itself has no state.
        None => module.is_dir().into(),
    }
}

/// Whether this is the first start of this system (machine-id(5)); only systemd marks it.
pub(super) fn is_first_boot(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str().and_then(words::boolean) else { return Answer::Invalid };
    let marked = || Path::new("/run/systemd/first-boot").exists();
    (switch("systemd.condition-first-boot").unwrap_or_else(marked) == wanted).into()
}

/// Whether the files of `/usr` are newer than what was made of them in this directory (systemd-update-done.service(8)).
pub(super) fn needs_update(directory: &Path) -> Answer {
    use std::os::unix::fs::MetadataExt;
    if let Some(forced) = switch("systemd.condition-needs-update") {
        return forced.into();
    }
    if machine::is_read_only(directory).unwrap_or(false) {
        return Answer::No;
    }
    let time = |path: &Path| {
        let found = std::fs::symlink_metadata(path).ok()?;
        Some((found.mtime(), found.mtime_nsec()))
    };
    let mark = directory.join(".updated");
    let (Some(updated), Some(usr)) = (time(&mark), time(Path::new("/usr"))) else { return Answer::Yes };
    if usr.0 != updated.0 || usr.1 == 0 || updated.1 > 0 {
        return (usr > updated).into();
    }
    // The file system of the mark keeps only seconds; the mark itself has the rest.
    let written = machine::text(&mark).and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("TIMESTAMP_NSEC="))?;
        line.trim().parse::<i128>().ok()
    });
    let exact = i128::from(usr.0) * 1_000_000_000 + i128::from(usr.1);
    written.is_none_or(|written| exact > written).into()
}

/// A controller of the cgroups that this system has, or the version of its hierarchy (`v1`, `v2`).
pub(super) fn has_controllers(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str() else { return Answer::Invalid };
    let Some(table) = machine::text("/proc/self/mountinfo") else { return Answer::Unknown(super::NOT_LINUX) };
    let kind = |line: &str| Some(line.split_once(" - ")?.1.split(' ').next()?.to_owned());
    let unified = table.lines().any(|line| {
        line.split(' ').nth(4) == Some("/sys/fs/cgroup") && kind(line).as_deref() == Some("cgroup2")
    });
    match wanted {
        "v2" => return unified.into(),
        "v1" => return (!unified).into(),
        _ => {}
    }
    let Some(wanted) = words::split(wanted) else { return Answer::Invalid };
    if unified {
        let available = machine::text("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        let available: Vec<&str> = available.split_whitespace().collect();
        return has_all(|name| available.contains(&name), &wanted).into();
    }
    let root = root_of_hierarchies(&machine::text("/proc/1/cgroup").unwrap_or_default());
    let usable = |name: &str| {
        let group = format!("/sys/fs/cgroup/{name}{root}/cgroup.procs");
        name != "io" && machine::is_writable(Path::new(&group))
    };
    has_all(usable, &wanted).into()
}

/// The cgroup of all services, where process 1 is one of them.
fn root_of_hierarchies(groups: &str) -> String {
    let own = groups.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path));
    let own = own.unwrap_or_default();
    own.strip_suffix("/init.scope").unwrap_or(own).trim_end_matches('/').to_owned()
}

/// systemd ignores the names of controllers that it does not know.
fn has_all(is_available: impl Fn(&str) -> bool, wanted: &[String]) -> bool {
    const KNOWN: [&str; 8] = ["cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids"];
    wanted.iter().map(String::as_str).filter(|name| KNOWN.contains(name)).all(is_available)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_of_the_command_line_is_found_whole_or_by_name() {
        let words: Vec<String> = ["quiet", "root=/dev/a"].map(str::to_owned).to_vec();
        for (wanted, expected) in [
            ("quiet", true),
            ("qui", false),
            ("root", true),
            ("root=/dev/a", true),
            ("root=/dev", false),
            ("/dev/a", false),
        ] {
            assert_eq!(is_in(&words, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn root_of_the_services_is_above_process_1() {
        for (groups, root) in [
            ("9:name=systemd:/\n8:pids:/x\n", ""),
            ("1:name=systemd:/init.scope\n", ""),
            ("1:name=systemd:/docker/a/init.scope\n", "/docker/a"),
            ("0::/\n", ""),
        ] {
            assert_eq!(root_of_hierarchies(groups), root, "{groups}");
        }
    }

    #[test]
    fn every_known_controller_must_be_available() {
        for (wanted, expected) in
            [(&["cpu"][..], true), (&["cpu", "pids"], false), (&["x"], true), (&["x", "pids"], false)]
        {
            let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(has_all(|name| ["cpu", "memory"].contains(&name), &wanted), expected, "{wanted:?}");
        }
    }
}
