//! Steps 4, 10 and 11, and other inherited state: environment, umask, directories, limits, priorities.

use svcadapt::internal::procfs::Seccomp;

use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::audit::variables;
use crate::audit::variables::Harm;
use crate::text::{printable, printable_path};

pub(crate) fn environment(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(4, "environment");
    let names = match &process.variables {
        Ok(names) => names,
        Err(unseen) => return findings.end(StepVerdict::Unknown, unseen.to_string()),
    };
    for (harm, verdict, reason) in [
        (Harm::Code, StepVerdict::No, "can change which code it runs"),
        (Harm::Credentials, StepVerdict::No, "can open an agent or a display of the user who started it"),
        (Harm::Session, StepVerdict::Note, "from the session that started it"),
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
    let findings = RowDraft::of_step(10, "umask");
    match process.status.umask {
        None => findings.end(StepVerdict::Unknown, "not reported by the kernel"),
        Some(umask) if umask & 0o002 == 0 => findings.end(
            StepVerdict::Note,
            format!("{umask:04o}: files that it creates are world-writable by default"),
        ),
        Some(umask) => findings.end(StepVerdict::Ok, format!("{umask:04o}")),
    }
}

pub(crate) fn working_directory(process: &Process) -> Row {
    let findings = RowDraft::of_step(11, "working directory");
    let directory = match &process.working_directory {
        Ok(directory) => directory,
        Err(unseen) => return findings.end(StepVerdict::Unknown, unseen.to_string()),
    };
    let path = printable_path(&directory.path);
    match &process.root {
        _ if directory.deleted => findings.end(StepVerdict::No, path),
        Ok(root) if root.id == directory.id => findings.end(StepVerdict::Ok, path),
        Ok(root) if root.id.device == directory.id.device => findings
            .end(StepVerdict::Ok, format!("{path}, on the root file system, which is never unmounted")),
        _ => findings
            .end(StepVerdict::Note, format!("{path}, which keeps its file system from being unmounted")),
    }
}

pub(crate) fn root(process: &Process) -> Row {
    let findings = RowDraft::without_step("root directory");
    let root = match &process.root {
        Ok(root) => root,
        Err(unseen) => return findings.end(StepVerdict::Unknown, unseen.to_string()),
    };
    let path = printable_path(&root.path);
    if process.our_root == Some(root.id) {
        return findings.end(StepVerdict::Ok, format!("{path}, the same as svcadapt's"));
    }
    let outside = process
        .working_directory
        .as_ref()
        .is_ok_and(|directory| !directory.deleted && !directory.path.starts_with(&root.path));
    if outside {
        return findings.end(
            StepVerdict::No,
            format!("{path}, but the working directory is outside: it confines nothing"),
        );
    }
    findings.end(StepVerdict::Ok, format!("{path}, not the same as svcadapt's"))
}

pub(crate) fn limits(process: &Process) -> Row {
    let mut findings = RowDraft::without_step("limits");
    match &process.limits {
        Err(unseen) => findings.end(StepVerdict::Unknown, unseen.to_string()),
        Ok(limits) => {
            let core = if limits.core.soft == Some(0) { StepVerdict::Ok } else { StepVerdict::Note };
            findings.add(core, format!("core {}", limits.core));
            findings.end(StepVerdict::Ok, format!("nofile {}", limits.files))
        }
    }
}

pub(crate) fn nice(process: &Process) -> Row {
    number_that_should_be_zero(
        RowDraft::without_step("nice"),
        process.nice.map_err(|unseen| unseen.to_string()),
    )
}

pub(crate) fn oom_score(process: &Process) -> Row {
    let adjustment = process.oom_score_adjustment.map_err(|unseen| unseen.to_string());
    number_that_should_be_zero(RowDraft::without_step("oom_score_adj"), adjustment)
}

fn number_that_should_be_zero(findings: RowDraft, number: Result<i32, String>) -> Row {
    match number {
        Ok(0) => findings.end(StepVerdict::Ok, "0"),
        Ok(number) => findings.end(StepVerdict::Note, number.to_string()),
        Err(unseen) => findings.end(StepVerdict::Unknown, unseen),
    }
}

pub(crate) fn seccomp(process: &Process) -> Row {
    let found = match process.status.seccomp {
        Some(Seccomp::Off) => "off",
        Some(Seccomp::Strict) => "strict",
        Some(Seccomp::Filter) => "a filter",
        None => "not supported by this kernel",
    };
    RowDraft::without_step("seccomp").end(StepVerdict::Ok, found)
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::{FileId, Inode, InodeKind, Unreadable};

    use super::*;
    use crate::audit::process::samples;

    fn with_variables(names: &[&[u8]]) -> Row {
        let mut process = samples::clean();
        process.variables = Ok(names.iter().map(|name| name.to_vec()).collect());
        environment(&process)
    }

    fn directory(path: &str, device: u64) -> Inode {
        Inode { id: FileId { device, inode: 99 }, ..samples::inode(path, InodeKind::Directory, 0o755, 0) }
    }

    #[test]
    fn harmful_variables_are_named() {
        let row = with_variables(&[b"TERM", b"LD_X\n\xff", b"IFS", b"SSH_AUTH_SOCK"]);
        assert_eq!(row.verdict, StepVerdict::No);
        assert_eq!(row.found[0], "LD_X\\n\\xff IFS: can change which code it runs");
        assert_eq!(row.found.len(), 3);
        assert_eq!(with_variables(&[b"TERM", b"SUDO_USER"]).verdict, StepVerdict::Note);
        assert_eq!(with_variables(&[b"SSH_AUTH_SOCK"]).verdict, StepVerdict::No);
    }

    #[test]
    fn unreadable_environment_is_unknown() {
        let mut process = samples::clean();
        process.variables = Err(Unreadable::Denied);
        assert_eq!(environment(&process).verdict, StepVerdict::Unknown);
    }

    #[test]
    fn all_512_umasks_have_a_verdict() {
        for mask in 0..0o1000 {
            let mut process = samples::clean();
            process.status.umask = Some(mask);
            let row = umask(&process);
            let expected = if mask & 2 == 0 { StepVerdict::Note } else { StepVerdict::Ok };
            assert_eq!(row.verdict, expected, "{mask:04o}");
            assert!(row.found[0].starts_with(&format!("{mask:04o}")));
        }
    }

    #[test]
    fn other_file_system_is_a_note_and_deleted_directory_is_no() {
        let mut process = samples::clean();
        process.working_directory = Ok(directory("/var", 1));
        assert_eq!(working_directory(&process).verdict, StepVerdict::Ok);
        process.working_directory = Ok(directory("/mnt/stick", 2));
        assert_eq!(working_directory(&process).verdict, StepVerdict::Note);
        process.working_directory = Ok(Inode { deleted: true, ..directory("/tmp/x (deleted)", 1) });
        assert_eq!(working_directory(&process).verdict, StepVerdict::No);
        process.working_directory = Err(Unreadable::Denied);
        assert_eq!(working_directory(&process).verdict, StepVerdict::Unknown);
    }

    #[test]
    fn working_directory_outside_the_root_is_no() {
        let mut process = samples::clean();
        process.root = Ok(directory("/srv/jail", 1));
        assert_eq!(root(&process).verdict, StepVerdict::No);
        process.working_directory = Ok(directory("/srv/jail/tmp", 1));
        assert_eq!(root(&process).verdict, StepVerdict::Ok);
        process.working_directory = Ok(directory("/srv/jailed", 1));
        assert_eq!(root(&process).verdict, StepVerdict::No);
    }

    #[test]
    fn inherited_priority_is_a_note() {
        let mut process = samples::clean();
        process.nice = Ok(5);
        process.oom_score_adjustment = Ok(500);
        process.limits.as_mut().unwrap().core.soft = None;
        assert_eq!((nice(&process).verdict, nice(&process).found), (StepVerdict::Note, vec!["5".to_owned()]));
        assert_eq!(oom_score(&process).found, ["500"]);
        let row = limits(&process);
        assert_eq!(
            (row.verdict, row.found[0].as_str()),
            (StepVerdict::Note, "core unlimited (at most unlimited)")
        );
    }

    #[test]
    fn seccomp_mode_is_reported() {
        let mut process = samples::clean();
        process.status.seccomp = Some(Seccomp::Filter);
        assert_eq!(seccomp(&process).found, ["a filter"]);
    }
}
