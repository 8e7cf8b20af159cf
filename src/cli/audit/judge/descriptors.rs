//! Step 1: no descriptors are open other than 0, 1 and 2.

use svcadapt::internal::procfs::{
    CapabilityMask, Descriptor, DescriptorAccess, Inode, InodeKind, ProcessStatus,
};

use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::text::printable_path;

/// The maximal number of descriptors that are listed with a `note`; graver ones are all listed.
const MAX_NOTES: usize = 16;

pub(crate) fn row(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(1, "descriptors");
    let descriptors = match &process.descriptors {
        Ok(descriptors) => descriptors,
        Err(unseen) => return findings.end(StepVerdict::Unknown, unseen.to_string()),
    };
    let mut noted = 0;
    let mut unseen = Vec::new();
    for descriptor in descriptors.listed.iter().filter(|one| one.number > 2) {
        match &descriptor.target {
            Err(reason) => unseen.push(*reason),
            Ok(target) => {
                let (verdict, found) = judge(descriptor, target, process);
                noted += usize::from(verdict == StepVerdict::Note);
                if verdict != StepVerdict::Note || noted <= MAX_NOTES {
                    findings.add(verdict, found);
                }
            }
        }
    }
    if noted > MAX_NOTES {
        findings.add(StepVerdict::Note, format!("and {} more that may be its own", noted - MAX_NOTES));
    }
    if let Some(reason) = unseen.first() {
        findings.add(StepVerdict::Unknown, format!("{} other than 0, 1 and 2: {reason}", unseen.len()));
    }
    if descriptors.more > 0 {
        findings.add(StepVerdict::Unknown, format!("and {} more that were not inspected", descriptors.more));
    }
    findings.end_or("only 0, 1 and 2")
}

fn judge(descriptor: &Descriptor, target: &Inode, process: &Process) -> (StepVerdict, String) {
    let what = format!("{} {}", descriptor.number, printable_path(&target.path));
    if target.kind == InodeKind::Terminal {
        return (StepVerdict::No, format!("{what}: a terminal"));
    }
    if process.lock.as_ref() == Some(&target.path) {
        return (StepVerdict::Note, format!("{what}: svcadapt's lock file of this service"));
    }
    let Ok(flags) = descriptor.flags else { return (StepVerdict::Note, what) };
    let purpose = purpose(flags.access);
    match target.kind {
        InodeKind::Regular | InodeKind::Directory | InodeKind::Device
            if !could_open(&process.status, target, flags.access) =>
        {
            let whose =
                format!("owner {}, mode {:04o}, not accessible with its own rights", target.uid, target.mode);
            let deliberate = target.deleted || !flags.access.reads();
            let verdict = if deliberate { StepVerdict::Note } else { StepVerdict::No };
            (verdict, format!("{what} for {purpose}: {whose}"))
        }
        _ if flags.close_on_exec => (StepVerdict::Note, format!("{what} for {purpose}, closes on exec")),
        _ => (StepVerdict::Note, format!("{what} for {purpose}")),
    }
}

fn purpose(access: DescriptorAccess) -> &'static str {
    match access {
        DescriptorAccess::Read => "reading",
        DescriptorAccess::Write => "writing",
        DescriptorAccess::Both => "reading and writing",
        DescriptorAccess::Neither => "neither reading nor writing",
    }
}

/// Whether the process could open the file with its current rights (`path_resolution(7)`, "Permissions"). Access control
/// lists and the directories on the way are not checked.
fn could_open(status: &ProcessStatus, target: &Inode, access: DescriptorAccess) -> bool {
    let effective = status.capabilities.effective;
    if effective.contains(CapabilityMask::DAC_OVERRIDE)
        || (effective.contains(CapabilityMask::DAC_READ_SEARCH) && !access.writes())
    {
        return true;
    }
    let class = if status.uids.file_system == target.uid {
        target.mode >> 6
    } else if status.gids.file_system == target.gid || status.groups.contains(&target.gid) {
        target.mode >> 3
    } else {
        target.mode
    };
    (!access.reads() || class & 4 != 0) && (!access.writes() || class & 2 != 0)
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::Unreadable;

    use super::*;
    use crate::audit::process::samples;

    fn with(target: Inode, access: DescriptorAccess) -> Row {
        let mut process = samples::clean();
        let listed = &mut process.descriptors.as_mut().unwrap().listed;
        listed.push(samples::descriptor(7, target, access));
        row(&process)
    }

    #[test]
    fn leaked_secret_file_is_no() {
        let row = with(samples::inode("/etc/shadow", InodeKind::Regular, 0o640, 0), DescriptorAccess::Read);
        assert_eq!(row.verdict, StepVerdict::No);
        let found = "7 /etc/shadow for reading: owner 0, mode 0640, not accessible with its own rights";
        assert_eq!(row.found, [found]);
    }

    #[test]
    fn lock_file_of_svcadapt_is_a_note() {
        let mut process = samples::clean();
        let lock = samples::inode("/run/svcadapt/web", InodeKind::Regular, 0o600, 0);
        process.lock = Some(lock.path.clone());
        let listed = &mut process.descriptors.as_mut().unwrap().listed;
        listed.push(samples::descriptor(32, lock, DescriptorAccess::Read));
        let found = "32 /run/svcadapt/web: svcadapt's lock file of this service".to_owned();
        assert_eq!((row(&process).verdict, row(&process).found), (StepVerdict::Note, vec![found]));
    }

    #[test]
    fn leaked_terminal_is_no() {
        let row = with(samples::inode("/dev/pts/3", InodeKind::Terminal, 0o620, 33), DescriptorAccess::Both);
        assert_eq!(
            (row.verdict, &row.found[..]),
            (StepVerdict::No, &["7 /dev/pts/3: a terminal".to_owned()][..])
        );
    }

    #[test]
    fn accessible_descriptor_is_listed_as_a_note() {
        for (target, access) in [
            (samples::inode("socket:[77]", InodeKind::Socket, 0o777, 0), DescriptorAccess::Both),
            (samples::inode("/etc/passwd", InodeKind::Regular, 0o644, 0), DescriptorAccess::Read),
            // A log that was opened before the drop.
            (samples::inode("/var/log/x", InodeKind::Regular, 0o600, 0), DescriptorAccess::Write),
            // A scratch file, likewise.
            (
                Inode { deleted: true, ..samples::inode("/tmp/x (deleted)", InodeKind::Regular, 0o600, 0) },
                DescriptorAccess::Both,
            ),
        ] {
            let row = with(target, access);
            assert_eq!((row.verdict, row.found.len()), (StepVerdict::Note, 1), "{row:?}");
        }
    }

    #[test]
    fn root_could_open_anything() {
        let secret = samples::inode("/etc/shadow", InodeKind::Regular, 0, 0);
        let mut status = samples::clean().status;
        assert!(!could_open(&status, &secret, DescriptorAccess::Both));
        status.capabilities.effective = CapabilityMask::DAC_READ_SEARCH;
        assert!(could_open(&status, &secret, DescriptorAccess::Read));
        assert!(!could_open(&status, &secret, DescriptorAccess::Both));
        status.capabilities.effective = CapabilityMask::DAC_OVERRIDE;
        assert!(could_open(&status, &secret, DescriptorAccess::Both));
    }

    #[test]
    fn first_matching_permission_class_decides() {
        let mut status = samples::clean().status;
        let mut file = samples::inode("/x", InodeKind::Regular, 0o046, 33);
        assert!(!could_open(&status, &file, DescriptorAccess::Read), "the owner has none");
        file.uid = 0;
        assert!(could_open(&status, &file, DescriptorAccess::Read), "the group reads");
        assert!(!could_open(&status, &file, DescriptorAccess::Both));
        file.gid = 4;
        assert!(could_open(&status, &file, DescriptorAccess::Both), "others do both");
        status.groups = vec![4];
        assert!(!could_open(&status, &file, DescriptorAccess::Both), "a supplementary group is a group");
    }

    #[test]
    fn unreadable_descriptor_list_is_unknown() {
        let mut process = samples::clean();
        process.descriptors = Err(Unreadable::Denied);
        assert_eq!(
            (row(&process).verdict, row(&process).found),
            (StepVerdict::Unknown, vec!["not permitted to look".into()])
        );
    }

    #[test]
    fn unreadable_descriptors_are_counted() {
        let mut process = samples::clean();
        let listed = &mut process.descriptors.as_mut().unwrap().listed;
        listed.extend((3..103).map(|number| Descriptor {
            number,
            target: Err(Unreadable::Denied),
            flags: Err(Unreadable::Denied),
        }));
        let row = row(&process);
        let found = "100 other than 0, 1 and 2: not permitted to look".to_owned();
        assert_eq!((row.verdict, row.found), (StepVerdict::Unknown, vec![found]));
    }

    #[test]
    fn many_notes_are_counted_and_every_leak_is_listed() {
        let mut process = samples::clean();
        let descriptors = process.descriptors.as_mut().unwrap();
        let socket = samples::inode("socket:[1]", InodeKind::Socket, 0o777, 0);
        descriptors.listed.extend(
            (3..103).map(|number| samples::descriptor(number, socket.clone(), DescriptorAccess::Both)),
        );
        descriptors.listed.push(samples::descriptor(
            103,
            samples::inode("/dev/tty1", InodeKind::Terminal, 0o620, 0),
            DescriptorAccess::Both,
        ));
        let row = row(&process);
        assert_eq!(row.verdict, StepVerdict::No);
        assert_eq!(row.found[MAX_NOTES..], ["103 /dev/tty1: a terminal", "and 84 more that may be its own"]);
    }

    #[test]
    fn control_characters_in_a_path_are_escaped() {
        let row =
            with(samples::inode("/tmp/\u{1b}[2J", InodeKind::Regular, 0o644, 33), DescriptorAccess::Read);
        assert_eq!(row.found, ["7 /tmp/\\u{1b}[2J for reading"]);
    }
}
