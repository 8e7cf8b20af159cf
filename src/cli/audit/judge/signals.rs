//! Steps 2 and 3: no signals are ignored or blocked.

use svcadapt::internal::procfs::SignalSet;

use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};

/// SIGPIPE (13) and SIGXFSZ (25): the runtimes of Rust, Python and others ignore them, because write(2) reports the same
/// errors.
const IGNORED_BY_RUNTIMES: [u32; 2] = [13, 25];

/// The C library sets these itself when it needs them; glibc's `posix_spawn(3)` leaves them ignored in its children.
const OF_THE_C_LIBRARY: [u32; 2] = [32, 33];

pub(crate) fn dispositions(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(2, "signal dispositions");
    let of_the_library = SignalSet::of(&OF_THE_C_LIBRARY);
    let ignored = process.status.ignored.without(of_the_library);
    let grave = ignored.without(SignalSet::of(&IGNORED_BY_RUNTIMES));
    if !grave.is_empty() {
        findings.add(StepVerdict::No, format!("ignores {}", list(grave)));
    }
    let meant = ignored.without(grave);
    if !meant.is_empty() {
        findings.add(StepVerdict::Note, format!("ignores {}, as many language runtimes do", list(meant)));
    }
    let internal = process.status.ignored.without(ignored);
    if !internal.is_empty() {
        findings.add(StepVerdict::Ok, format!("{} ignored, reserved by the C library", list(internal)));
    }
    findings.end_or("none ignored")
}

pub(crate) fn mask(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(3, "signal mask");
    let blocked = process.status.blocked;
    let read = read_from_signalfds(process);
    let grave = blocked.without(read);
    if !grave.is_empty() {
        findings.add(StepVerdict::No, format!("blocks {}", list(grave)));
    }
    let meant = blocked.without(grave);
    if !meant.is_empty() {
        findings.add(StepVerdict::Note, format!("blocks {}, which it reads from a signalfd", list(meant)));
    }
    findings.end_or("none blocked")
}

fn read_from_signalfds(process: &Process) -> SignalSet {
    let listed = process.descriptors.as_ref().map_or(&[][..], |descriptors| &descriptors.listed);
    listed
        .iter()
        .filter_map(|descriptor| descriptor.flags.ok()?.signals)
        .fold(SignalSet::default(), SignalSet::union)
}

fn list(signals: SignalSet) -> String {
    signals.names().join(" ")
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::{DescriptorAccess, InodeKind};

    use super::*;
    use crate::audit::process::samples;

    #[test]
    fn ignored_signals_are_named() {
        let mut process = samples::clean();
        process.status.ignored = SignalSet::of(&[1, 13, 37]);
        let row = dispositions(&process);
        assert_eq!(row.verdict, StepVerdict::No);
        assert_eq!(row.found, ["ignores SIGHUP SIGRTMIN+3", "ignores SIGPIPE, as many language runtimes do"]);
    }

    #[test]
    fn ignored_sigpipe_is_a_note() {
        let mut process = samples::clean();
        process.status.ignored = SignalSet::of(&IGNORED_BY_RUNTIMES);
        assert_eq!(dispositions(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn ignored_signals_of_the_c_library_are_ok() {
        let mut process = samples::clean();
        process.status.ignored = SignalSet::of(&OF_THE_C_LIBRARY);
        let row = dispositions(&process);
        let found = "signal 32 signal 33 ignored, reserved by the C library".to_owned();
        assert_eq!((row.verdict, row.found), (StepVerdict::Ok, vec![found]));
    }

    #[test]
    fn blocked_signals_are_named() {
        let mut process = samples::clean();
        process.status.blocked = SignalSet::of(&[15, 39]);
        let row = mask(&process);
        assert_eq!((row.verdict, row.found), (StepVerdict::No, vec!["blocks SIGTERM SIGRTMIN+5".to_owned()]));
    }

    #[test]
    fn blocked_signal_with_a_signalfd_is_a_note() {
        let mut process = samples::clean();
        process.status.blocked = SignalSet::of(&[15, 17]);
        let anonymous = samples::inode("anon_inode:[signalfd]", InodeKind::Anonymous, 0o600, 0);
        let mut signalfd = samples::descriptor(5, anonymous, DescriptorAccess::Both);
        signalfd.flags.as_mut().unwrap().signals = Some(SignalSet::of(&[15, 17]));
        process.descriptors.as_mut().unwrap().listed.push(signalfd);
        assert_eq!(mask(&process).verdict, StepVerdict::Note);
        process.status.blocked = SignalSet::of(&[1, 15]);
        assert_eq!(mask(&process).verdict, StepVerdict::No);
    }
}
