//! Steps 4, 10 and 11, and other inherited state: environment, umask, directories, limits, priorities.

use svcadapt::internal::procfs::Seccomp;

use crate::audit::process::Process;
use crate::audit::row::{Findings, Row, Verdict};
use crate::audit::variables;
use crate::audit::variables::Harm;
use crate::text::{printable, printable_path};

pub(crate) fn environment(process: &Process) -> Row {
    let mut findings = Findings::of_step(4, "environment");
    let names = match &process.variables {
        Ok(names) => names,
        Err(unseen) => return findings.end(Verdict::Unknown, unseen.to_string()),
    };
    for (harm, verdict, reason) in [
        (Harm::Code, Verdict::No, "can change which code it runs"),
        (Harm::Credentials, Verdict::No, "can open an agent or a display of the user who started it"),
        (Harm::Session, Verdict::Note, "from the session that started it"),
    ] {
        let those: Vec<_> =
            names.iter().filter(|name| variables::harm(name) == Some(harm)).map(printable).collect();
        if !those.is_empty() {
            findings.add(verdict, format!("{}: {reason}", those.join(" ")));
        }
    }
    findings.end_or("no harmful variable")
}

pub(crate) fn umask(process: &Process) -> Row {
    let findings = Findings::of_step(10, "umask");
    match process.status.umask {
        None => findings.end(Verdict::Unknown, "not reported by the kernel"),
        Some(umask) if umask & 0o002 == 0 => findings
            .end(Verdict::Note, format!("{umask:04o}: files that it creates are world-writable by default")),
        Some(umask) => findings.end(Verdict::Ok, format!("{umask:04o}")),
    }
}

pub(crate) fn working_directory(process: &Process) -> Row {
    let findings = Findings::of_step(11, "working directory");
    let directory = match &process.working_directory {
        Ok(directory) => directory,
        Err(unseen) => return findings.end(Verdict::Unknown, unseen.to_string()),
    };
    let path = printable_path(&directory.path);
    match &process.root {
        _ if directory.deleted => findings.end(Verdict::No, path),
        Ok(root) if root.id == directory.id => findings.end(Verdict::Ok, path),
        Ok(root) if root.id.device == directory.id.device => {
            findings.end(Verdict::Ok, format!("{path}, on the root file system, which is never unmounted"))
        }
        _ => findings.end(Verdict::Note, format!("{path}, which keeps its file system from being unmounted")),
    }
}

pub(crate) fn root(process: &Process) -> Row {
    let findings = Findings::without_step("root directory");
    let root = match &process.root {
        Ok(root) => root,
        Err(unseen) => return findings.end(Verdict::Unknown, unseen.to_string()),
    };
    let path = printable_path(&root.path);
    if process.our_root == Some(root.id) {
        return findings.end(Verdict::Ok, format!("{path}, the same as svcadapt's"));
    }
    let outside = process
        .working_directory
        .as_ref()
        .is_ok_and(|directory| !directory.deleted && !directory.path.starts_with(&root.path));
    if outside {
        return findings
            .end(Verdict::No, format!("{path}, but the working directory is outside: it confines nothing"));
    }
    findings.end(Verdict::Ok, format!("{path}, not the same as svcadapt's"))
}

pub(crate) fn limits(process: &Process) -> Row {
    let mut findings = Findings::without_step("limits");
    match &process.limits {
        Err(unseen) => findings.end(Verdict::Unknown, unseen.to_string()),
        Ok(limits) => {
            let core = if limits.core.soft == Some(0) { Verdict::Ok } else { Verdict::Note };
            findings.add(core, format!("core {}", limits.core));
            findings.end(Verdict::Ok, format!("nofile {}", limits.files))
        }
    }
}

pub(crate) fn nice(process: &Process) -> Row {
    number_that_should_be_zero(
        Findings::without_step("nice"),
        process.nice.map_err(|unseen| unseen.to_string()),
    )
}

pub(crate) fn oom_score(process: &Process) -> Row {
    let adjustment = process.oom_score_adjustment.map_err(|unseen| unseen.to_string());
    number_that_should_be_zero(Findings::without_step("oom_score_adj"), adjustment)
}

fn number_that_should_be_zero(findings: Findings, number: Result<i32, String>) -> Row {
    match number {
        Ok(0) => findings.end(Verdict::Ok, "0"),
        Ok(number) => findings.end(Verdict::Note, number.to_string()),
        Err(unseen) => findings.end(Verdict::Unknown, unseen),
    }
}

pub(crate) fn seccomp(process: &Process) -> Row {
    let found = match process.status.seccomp {
        Some(Seccomp::Off) => "off",
        Some(Seccomp::Strict) => "strict",
        Some(Seccomp::Filter) => "a filter",
        None => "not supported by this kernel",
    };
    Findings::without_step("seccomp").end(Verdict::Ok, found)
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::{FileId, Inode, Kind, Unreadable};

    use super::*;
    use crate::audit::process::samples;

    fn with_variables(names: &[&[u8]]) -> Row {
        let mut process = samples::clean();
        process.variables = Ok(names.iter().map(|name| name.to_vec()).collect());
        environment(&process)
    }

    fn directory(path: &str, device: u64) -> Inode {
        Inode { id: FileId { device, inode: 99 }, ..samples::inode(path, Kind::Directory, 0o755, 0) }
    }

    #[test]
    fn harmful_variables_are_named() {
        let row = with_variables(&[b"TERM", b"LD_X\n\xff", b"IFS", b"SSH_AUTH_SOCK"]);
        assert_eq!(row.verdict, Verdict::No);
        assert_eq!(row.found[0], "LD_X\\n\\xff IFS: can change which code it runs");
        assert_eq!(row.found.len(), 3);
        assert_eq!(with_variables(&[b"TERM", b"SUDO_USER"]).verdict, Verdict::Note);
        assert_eq!(with_variables(&[b"SSH_AUTH_SOCK"]).verdict, Verdict::No);
    }

    #[test]
    fn unreadable_environment_is_unknown() {
        let mut process = samples::clean();
        process.variables = Err(Unreadable::Denied);
        assert_eq!(environment(&process).verdict, Verdict::Unknown);
    }

    #[test]
    fn all_512_umasks_have_a_verdict() {
        for mask in 0..0o1000 {
            let mut process = samples::clean();
            process.status.umask = Some(mask);
            let row = umask(&process);
            let expected = if mask & 2 == 0 { Verdict::Note } else { Verdict::Ok };
            assert_eq!(row.verdict, expected, "{mask:04o}");
            assert!(row.found[0].starts_with(&format!("{mask:04o}")));
        }
    }

    #[test]
    fn other_file_system_is_a_note_and_deleted_directory_is_no() {
        let mut process = samples::clean();
        process.working_directory = Ok(directory("/var", 1));
        assert_eq!(working_directory(&process).verdict, Verdict::Ok);
        process.working_directory = Ok(directory("/mnt/stick", 2));
        assert_eq!(working_directory(&process).verdict, Verdict::Note);
        process.working_directory = Ok(Inode { deleted: true, ..directory("/tmp/x (deleted)", 1) });
        assert_eq!(working_directory(&process).verdict, Verdict::No);
        process.working_directory = Err(Unreadable::Denied);
        assert_eq!(working_directory(&process).verdict, Verdict::Unknown);
    }

    #[test]
    fn working_directory_outside_the_root_is_no() {
        let mut process = samples::clean();
        process.root = Ok(directory("/srv/jail", 1));
        assert_eq!(root(&process).verdict, Verdict::No);
        process.working_directory = Ok(directory("/srv/jail/tmp", 1));
        assert_eq!(root(&process).verdict, Verdict::Ok);
        process.working_directory = Ok(directory("/srv/jailed", 1));
        assert_eq!(root(&process).verdict, Verdict::No);
    }

    #[test]
    fn inherited_priority_is_a_note() {
        let mut process = samples::clean();
        process.nice = Ok(5);
        process.oom_score_adjustment = Ok(500);
        process.limits.as_mut().unwrap().core.soft = None;
        assert_eq!((nice(&process).verdict, nice(&process).found), (Verdict::Note, vec!["5".to_owned()]));
        assert_eq!(oom_score(&process).found, ["500"]);
        let row = limits(&process);
        assert_eq!(
            (row.verdict, row.found[0].as_str()),
            (Verdict::Note, "core unlimited (at most unlimited)")
        );
    }

    #[test]
    fn seccomp_mode_is_reported() {
        let mut process = samples::clean();
        process.status.seccomp = Some(Seccomp::Filter);
        assert_eq!(seccomp(&process).found, ["a filter"]);
    }
}
