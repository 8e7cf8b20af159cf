//! Step 12: the PID file names this process, and other users cannot change that.

use svcadapt::internal::procfs::ProcessStatus;
use svcadapt::internal::untrusted::RegularFile;

use crate::audit::pid_file::{FoundDirectory, FoundFile, PidFileFacts};
use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::text::{printable, printable_path};

pub(crate) fn row(process: &Process, facts: &PidFileFacts) -> Row {
    let mut findings = RowDraft::of_step(12, "PID file");
    let path = printable_path(&facts.path);
    let file = match &facts.file {
        FoundFile::Absent => return findings.end(StepVerdict::No, format!("{path}: missing")),
        FoundFile::NotRegular => return findings.end(StepVerdict::No, format!("{path}: not a regular file")),
        FoundFile::Unreadable(cause) => {
            return findings.end(StepVerdict::Unknown, format!("{path}: {cause}"));
        }
        FoundFile::Regular(file) => file,
    };
    let (verdict, found) = content(file, &process.status);
    findings.add(verdict, format!("{path}: {found}, mode {:04o}, owner {}", file.mode, file.uid));
    if file.mode & 0o022 != 0 {
        findings.add(StepVerdict::No, "group or group or others can write it");
    }
    if file.links > 1 {
        findings.add(StepVerdict::No, format!("it has {} hard links", file.links));
    }
    // Root can write everywhere; and if the service runs as the user of this audit, there is no one to protect from it.
    let user = process.status.uids.effective;
    if user != 0 && user != facts.our_uid {
        if file.uid == user {
            findings.add(StepVerdict::No, "the process itself can rewrite it");
        }
        let writable = facts
            .directories
            .iter()
            .enumerate()
            .find(|(above, directory)| can_replace_in(&process.status, directory, *above > 0));
        if let Some((_, directory)) = writable {
            findings.add(
                StepVerdict::No,
                format!("the process itself can write to {}", printable_path(&directory.path)),
            );
        }
    }
    findings.end_or("")
}

fn content(file: &RegularFile, status: &ProcessStatus) -> (StepVerdict, String) {
    let text = String::from_utf8_lossy(&file.content);
    let number = text.strip_suffix('\n').unwrap_or(&text);
    match number.parse::<i32>() {
        Ok(pid) if status.pids.first() == Some(&pid) => {
            if text.ends_with('\n') {
                (StepVerdict::Ok, pid.to_string())
            } else {
                (StepVerdict::Note, format!("{pid}, without a final newline"))
            }
        }
        Ok(pid) if status.pids.contains(&pid) => {
            (StepVerdict::Ok, format!("{pid}, its pid in its own pid namespace"))
        }
        Ok(pid) => (StepVerdict::No, format!("names process {pid}")),
        Err(_) if text.is_empty() => (StepVerdict::No, "empty".to_owned()),
        Err(_) => (StepVerdict::No, format!("not a number: '{}'", printable(&file.content))),
    }
}

/// Whether the process can replace a file in the directory. In a sticky directory it cannot replace the directories of
/// other users; but in the directory of the PID file itself it could create the file beforehand.
fn can_replace_in(status: &ProcessStatus, directory: &FoundDirectory, is_above: bool) -> bool {
    if directory.uid == status.uids.effective {
        return true;
    }
    let group = directory.gid == status.gids.effective || status.groups.contains(&directory.gid);
    let bits = if group { directory.mode >> 3 } else { directory.mode };
    bits & 2 != 0 && !(is_above && directory.mode & 0o1000 != 0)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::audit::process::samples;

    fn directory(path: &str, mode: u32, uid: u32) -> FoundDirectory {
        FoundDirectory { path: PathBuf::from(path), mode, uid, gid: 0 }
    }

    fn good() -> RegularFile {
        RegularFile { mode: 0o644, uid: 0, gid: 0, links: 1, content: b"42\n".to_vec() }
    }

    fn facts(file: FoundFile) -> PidFileFacts {
        PidFileFacts {
            path: PathBuf::from("/run/x.pid"),
            file,
            directories: vec![directory("/run", 0o755, 0), directory("/", 0o755, 0)],
            our_uid: 0,
        }
    }

    fn judged(file: RegularFile) -> Row {
        row(&samples::clean(), &facts(FoundFile::Regular(file)))
    }

    #[test]
    fn safe_pid_file_is_ok() {
        let row = judged(good());
        let found = "/run/x.pid: 42, mode 0644, owner 0".to_owned();
        assert_eq!((row.verdict, row.found), (StepVerdict::Ok, vec![found]));
    }

    #[test]
    fn missing_and_special_files_are_reported() {
        for (file, verdict) in [
            (FoundFile::Absent, StepVerdict::No),
            (FoundFile::NotRegular, StepVerdict::No),
            (FoundFile::Unreadable("permission denied".to_owned()), StepVerdict::Unknown),
        ] {
            assert_eq!(row(&samples::clean(), &facts(file.clone())).verdict, verdict, "{file:?}");
        }
    }

    #[test]
    fn content_other_than_the_pid_is_no() {
        for (content, verdict) in [
            ("42\n", StepVerdict::Ok),
            ("42", StepVerdict::Note),
            ("43\n", StepVerdict::No),
            ("", StepVerdict::No),
            ("42\nous", StepVerdict::No),
            ("\u{1b}[2J", StepVerdict::No),
        ] {
            let row = judged(RegularFile { content: content.into(), ..good() });
            assert_eq!(row.verdict, verdict, "{content:?}");
            assert!(!row.found[0].contains('\u{1b}'));
        }
    }

    #[test]
    fn pid_of_an_inner_namespace_is_ok() {
        let mut process = samples::clean();
        process.status.pids = vec![42, 7];
        let file = RegularFile { content: b"7\n".to_vec(), ..good() };
        assert_eq!(row(&process, &facts(FoundFile::Regular(file))).verdict, StepVerdict::Ok);
    }

    #[test]
    fn writable_pid_file_is_no() {
        for file in [
            RegularFile { mode: 0o666, ..good() },
            RegularFile { mode: 0o664, ..good() },
            RegularFile { links: 2, ..good() },
            RegularFile { uid: 33, ..good() },
        ] {
            assert_eq!(judged(file.clone()).verdict, StepVerdict::No, "{file:?}");
        }
    }

    #[test]
    fn directory_writable_by_the_process_is_no() {
        for (directories, verdict) in [
            ([directory("/run/x", 0o755, 33), directory("/run", 0o755, 0)], StepVerdict::No),
            ([directory("/run/x", 0o755, 0), directory("/run", 0o755, 33)], StepVerdict::No),
            ([directory("/tmp", 0o1777, 0), directory("/", 0o755, 0)], StepVerdict::No),
            ([directory("/tmp/x", 0o755, 0), directory("/tmp", 0o1777, 0)], StepVerdict::Ok),
            ([directory("/run/x", 0o775, 0), directory("/run", 0o755, 0)], StepVerdict::Ok),
        ] {
            let facts =
                PidFileFacts { directories: directories.to_vec(), ..facts(FoundFile::Regular(good())) };
            assert_eq!(row(&samples::clean(), &facts).verdict, verdict, "{directories:?}");
        }
    }

    #[test]
    fn pid_file_of_a_service_of_the_same_user_is_ok() {
        let file = FoundFile::Regular(RegularFile { uid: 33, ..good() });
        let own =
            PidFileFacts { our_uid: 33, directories: vec![directory("/home/x", 0o700, 33)], ..facts(file) };
        assert_eq!(row(&samples::clean(), &own).verdict, StepVerdict::Ok);
    }
}
