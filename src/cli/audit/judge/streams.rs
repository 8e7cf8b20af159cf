//! Step 9: descriptors 0, 1 and 2 are open with the right access mode.

use svcadapt::internal::procfs::{Descriptor, Inode, InodeKind};

use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::text::printable_path;

pub(crate) fn row(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(9, "standard streams");
    let descriptors = match &process.descriptors {
        Ok(descriptors) => descriptors,
        Err(unseen) => return findings.end(StepVerdict::Unknown, unseen.to_string()),
    };
    for number in 0..3 {
        match descriptors.listed.iter().find(|descriptor| descriptor.number == number) {
            None => findings.add(StepVerdict::No, format!("{number} closed")),
            Some(descriptor) => {
                let (verdict, found) = judge(descriptor);
                findings.add(verdict, found);
            }
        }
    }
    findings.end_or("")
}

fn judge(descriptor: &Descriptor) -> (StepVerdict, String) {
    let number = descriptor.number;
    let (target, flags) = match (&descriptor.target, descriptor.flags) {
        (Ok(target), Ok(flags)) => (target, flags),
        (Err(unseen), _) => return (StepVerdict::Unknown, format!("{number}: {unseen}")),
        (Ok(target), Err(unseen)) => {
            return (StepVerdict::Unknown, format!("{number} {}: access mode: {unseen}", what(target)));
        }
    };
    let mut faults = Vec::new();
    if target.kind == InodeKind::Terminal {
        faults.push("a terminal");
    }
    if target.kind == InodeKind::Directory {
        faults.push("a directory");
    }
    if number == 0 && !flags.access.reads() {
        faults.push("not open for reading");
    }
    if number > 0 && !flags.access.writes() {
        faults.push("not open for writing");
    }
    if flags.close_on_exec {
        faults.push("closes on exec");
    }
    let what = format!("{number} {}", what(target));
    if !faults.is_empty() {
        (StepVerdict::No, format!("{what}: {}", faults.join(", ")))
    } else if target.deleted && target.kind == InodeKind::Regular && number > 0 {
        (StepVerdict::Note, format!("{what}: a deleted file: its output is lost"))
    } else {
        (StepVerdict::Ok, what)
    }
}

/// The path, with the kind of file if the path does not show it.
fn what(target: &Inode) -> String {
    let path = printable_path(&target.path);
    match target.kind {
        InodeKind::Pipe if path.starts_with('/') => format!("{path} (a fifo)"),
        InodeKind::Null if path != "/dev/null" => format!("{path} (/dev/null)"),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::{DescriptorAccess, Unreadable};

    use super::*;
    use crate::audit::process::samples;

    fn with(number: i32, target: Inode, access: DescriptorAccess) -> Row {
        let mut process = samples::clean();
        let listed = &mut process.descriptors.as_mut().unwrap().listed;
        listed[usize::try_from(number).unwrap()] = samples::descriptor(number, target, access);
        row(&process)
    }

    #[test]
    fn closed_stream_is_no() {
        let mut process = samples::clean();
        process.descriptors.as_mut().unwrap().listed.remove(1);
        let row = row(&process);
        assert_eq!((row.verdict, row.found[1].as_str()), (StepVerdict::No, "1 closed"));
    }

    #[test]
    fn stream_with_the_wrong_access_mode_is_no() {
        let stdin = with(0, samples::null(), DescriptorAccess::Write);
        assert_eq!(
            (stdin.verdict, stdin.found[0].as_str()),
            (StepVerdict::No, "0 /dev/null: not open for reading")
        );
        let stdout = with(1, samples::null(), DescriptorAccess::Read);
        assert_eq!(
            (stdout.verdict, stdout.found[1].as_str()),
            (StepVerdict::No, "1 /dev/null: not open for writing")
        );
        assert_eq!(with(0, samples::null(), DescriptorAccess::Read).verdict, StepVerdict::Ok);
        assert_eq!(with(2, samples::null(), DescriptorAccess::Write).verdict, StepVerdict::Ok);
    }

    #[test]
    fn stream_with_close_on_exec_is_no() {
        let mut process = samples::clean();
        process.descriptors.as_mut().unwrap().listed[2].flags.as_mut().unwrap().close_on_exec = true;
        let row = row(&process);
        assert_eq!((row.verdict, row.found[2].as_str()), (StepVerdict::No, "2 /dev/null: closes on exec"));
    }

    #[test]
    fn terminal_is_no_and_files_pipes_and_sockets_are_ok() {
        for (path, kind, verdict) in [
            ("/dev/pts/1", InodeKind::Terminal, StepVerdict::No),
            ("/var/log/x", InodeKind::Regular, StepVerdict::Ok),
            ("pipe:[7]", InodeKind::Pipe, StepVerdict::Ok),
            ("socket:[7]", InodeKind::Socket, StepVerdict::Ok),
        ] {
            assert_eq!(
                with(2, samples::inode(path, kind, 0o644, 0), DescriptorAccess::Both).verdict,
                verdict,
                "{path}"
            );
        }
    }

    #[test]
    fn deleted_log_is_a_note() {
        let log =
            Inode { deleted: true, ..samples::inode("/var/log/x (deleted)", InodeKind::Regular, 0o644, 0) };
        assert_eq!(with(1, log, DescriptorAccess::Write).verdict, StepVerdict::Note);
    }

    #[test]
    fn unreadable_stream_is_unknown() {
        let mut process = samples::clean();
        process.descriptors.as_mut().unwrap().listed[0].target = Err(Unreadable::Denied);
        assert_eq!(row(&process).verdict, StepVerdict::Unknown);
        process.descriptors = Err(Unreadable::Denied);
        assert_eq!(row(&process).verdict, StepVerdict::Unknown);
    }
}
