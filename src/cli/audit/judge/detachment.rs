//! Steps 6 to 8: a session of its own that it does not lead, no controlling terminal, and a parent that reaps.

use crate::audit::process::{Process, Relative};
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::text::printable;

pub(crate) fn session(process: &Process) -> Row {
    let findings = RowDraft::of_step(6, "session");
    let session = process.stat.session;
    match &process.relatives.leader {
        _ if session == process.stat.pid => findings.end(StepVerdict::Ok, format!("{session}, its own")),
        _ if session == 0 => {
            findings.end(StepVerdict::Note, "that that of a process outside this pid namespace")
        }
        None => findings.end(StepVerdict::Ok, format!("{session}, whose leader has ended")),
        Some(leader) if leader.same_program => {
            findings.end(StepVerdict::Note, format!("that of {}, which runs the same program", name(leader)))
        }
        Some(leader) => findings.end(StepVerdict::No, format!("that of {}", name(leader))),
    }
}

pub(crate) fn session_leader(process: &Process) -> Row {
    let findings = RowDraft::of_step(7, "session leader");
    if process.stat.session != process.stat.pid {
        return findings.end(StepVerdict::Ok, "no");
    }
    let found = "yes: a terminal that it opens without O_NOCTTY becomes its controlling terminal";
    if process.started_by_systemd {
        return findings
            .end(StepVerdict::Note, format!("{found}; normal for a process that systemd started"));
    }
    findings.end(StepVerdict::No, found)
}

pub(crate) fn terminal(process: &Process) -> Row {
    let findings = RowDraft::of_step(7, "controlling terminal");
    match process.stat.tty_nr {
        0 => findings.end(StepVerdict::Ok, "none"),
        number => findings.end(StepVerdict::No, terminal_name(number)),
    }
}

pub(crate) fn parent(process: &Process) -> Row {
    let findings = RowDraft::of_step(8, "parent");
    let stat = &process.stat;
    let Some(parent) = &process.relatives.parent else {
        return findings
            .end(StepVerdict::Note, format!("{}: outside this pid namespace, or gone", stat.ppid));
    };
    // Only setsid(2) makes a session, and its caller becomes the leader. So a process that leads no session and is not
    // in that of its parent was adopted by that parent.
    let is_adopted = stat.session != stat.pid && stat.session != parent.stat.session;
    if stat.ppid == 1 {
        findings.end(StepVerdict::Ok, name(parent))
    } else if is_adopted {
        findings.end(StepVerdict::Ok, format!("{}, which adopted it", name(parent)))
    } else if process.started_by_systemd {
        findings
            .end(StepVerdict::Note, format!("{}; normal for a process that systemd started", name(parent)))
    } else if parent.same_program {
        findings.end(
            StepVerdict::Note,
            format!("{}, which runs the same program: audit that process instead", name(parent)),
        )
    } else {
        findings.end(StepVerdict::No, format!("still the child of {}", name(parent)))
    }
}

fn name(relative: &Relative) -> String {
    format!("{} ({})", relative.stat.pid, printable(&relative.stat.comm))
}

/// proc(5): the minor number is in bits 31 to 20 and 7 to 0, the major number in bits 15 to 8.
fn terminal_name(number: i32) -> String {
    let bits = number.cast_unsigned();
    let (major, minor) = ((bits >> 8) & 0xfff, (bits & 0xff) | ((bits >> 12) & 0xfff00));
    match (major, minor) {
        (136..=143, _) => format!("/dev/pts/{}", (major - 136) * 256 + minor),
        (4, 0..=63) => format!("/dev/tty{minor}"),
        (4, _) => format!("/dev/ttyS{}", minor - 64),
        (5, 1) => "/dev/console".to_owned(),
        _ => format!("terminal device {major}:{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::process::samples;

    fn same(pid: i32, session: i32) -> Relative {
        Relative { same_program: true, ..samples::relative(samples::stat(pid, "httpd", 1, session)) }
    }

    #[test]
    fn session_of_a_shell_is_no() {
        let mut process = samples::clean();
        process.relatives.leader = Some(samples::relative(samples::stat(41, "ba\nsh", 1, 41)));
        let row = session(&process);
        assert_eq!((row.verdict, row.found), (StepVerdict::No, vec!["that of 41 (ba\\nsh)".to_owned()]));
    }

    #[test]
    fn session_of_a_master_process_is_a_note() {
        let mut process = samples::clean();
        process.relatives.leader = Some(same(41, 41));
        assert_eq!(session(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn session_outside_the_pid_namespace_is_a_note() {
        let mut process = samples::clean();
        process.stat.session = 0;
        assert_eq!(session(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn session_leader_is_no() {
        let mut process = samples::clean();
        process.stat.session = process.stat.pid;
        assert_eq!(session(&process).verdict, StepVerdict::Ok);
        assert_eq!(session_leader(&process).verdict, StepVerdict::No);
        process.started_by_systemd = true;
        assert_eq!(session_leader(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn controlling_terminal_is_no() {
        let mut process = samples::clean();
        process.stat.tty_nr = (136 << 8) | 5;
        let row = terminal(&process);
        assert_eq!((row.verdict, row.found), (StepVerdict::No, vec!["/dev/pts/5".to_owned()]));
    }

    #[test]
    fn terminals_are_named() {
        for (number, name) in [
            ((137 << 8) | 4, "/dev/pts/260"),
            ((136 << 8) | (1 << 20) | 4, "/dev/pts/260"),
            ((4 << 8) | 1, "/dev/tty1"),
            ((4 << 8) | 64, "/dev/ttyS0"),
            ((5 << 8) | 1, "/dev/console"),
            ((204 << 8) | 64, "terminal device 204:64"),
        ] {
            assert_eq!(terminal_name(number), name, "{number:#x}");
        }
    }

    #[test]
    fn parent_that_is_no_reaper_is_no() {
        let mut process = samples::clean();
        process.stat.ppid = 40;
        process.stat.session = 42;
        process.relatives.parent = Some(samples::relative(samples::stat(40, "sh", 1, 40)));
        let row = parent(&process);
        assert_eq!(
            (row.verdict, row.found),
            (StepVerdict::No, vec!["still the child of 40 (sh)".to_owned()])
        );
        process.relatives.parent = Some(same(40, 40));
        assert_eq!(parent(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn subreaper_is_recognised_by_the_session() {
        let mut process = samples::clean();
        process.stat.ppid = 40;
        process.relatives.parent = Some(samples::relative(samples::stat(40, "systemd", 1, 40)));
        let row = parent(&process);
        assert_eq!(
            (row.verdict, row.found),
            (StepVerdict::Ok, vec!["40 (systemd), which adopted it".to_owned()])
        );
    }

    #[test]
    fn parent_outside_the_pid_namespace_is_a_note() {
        let mut process = samples::clean();
        process.stat.ppid = 0;
        process.relatives.parent = None;
        assert_eq!(parent(&process).verdict, StepVerdict::Note);
    }
}
