//! Step 13: the process is who it should be, for good, and nothing more.

use svcadapt::internal::procfs::{Capabilities, Ids};

use crate::audit::process::Process;
use crate::audit::row::{Findings, Row, Verdict};
use crate::audit::text::printable;

/// Capabilities by which a process makes itself root, or as good (capabilities(7)): `CHOWN`, `DAC_OVERRIDE`, `FOWNER`,
/// `SETGID`, `SETUID`, `SYS_MODULE`, `SYS_RAWIO`, `SYS_PTRACE`, `SYS_ADMIN`, `SETFCAP`.
const AS_GOOD_AS_ROOT: [u32; 10] = [0, 1, 3, 6, 7, 16, 17, 19, 21, 31];

/// So many groups are named.
const SHOWN: usize = 32;

pub(crate) fn user(process: &Process) -> Row {
    let findings = Findings::of_step(13, "user");
    let ids = process.status.uids;
    let name = || match process.accounts.as_ref().and_then(|accounts| accounts.user.as_ref()) {
        Some(user) => format!("{} ({})", printable(user.name.as_bytes()), ids.effective),
        None => ids.effective.to_string(),
    };
    if ids != Ids::all(ids.effective) {
        return findings.end(Verdict::No, differing(ids));
    }
    match ids.effective {
        0 => findings.end(Verdict::Note, format!("{}: nothing was dropped", name())),
        _ => findings.end(Verdict::Ok, name()),
    }
}

pub(crate) fn groups(process: &Process) -> Row {
    let mut findings = Findings::of_step(13, "groups");
    let ids = process.status.gids;
    let groups = &process.status.groups;
    if ids != Ids::all(ids.effective) {
        findings.add(Verdict::No, differing(ids));
    }
    if let Err(unseen) = &process.root {
        let found = format!(
            "{}: whose they are depends on the root directory: {unseen}",
            numbers(&held(ids, groups))
        );
        return findings.end(Verdict::Unknown, found);
    }
    let Some(accounts) = &process.accounts else {
        let found = format!(
            "{}: whose they are is not known, in another root directory",
            numbers(&held(ids, groups))
        );
        return findings.end(Verdict::Note, found);
    };
    let name = |gid: &u32| printable(accounts.group_name(*gid).as_bytes());
    let names = |gids: &[u32]| shown(gids, name);
    let held = held(ids, groups);
    let Some(user) = &accounts.user else {
        let supplementary = groups.iter().any(|gid| *gid != ids.effective);
        let verdict = if supplementary { Verdict::Note } else { Verdict::Ok };
        return findings.end(verdict, format!("{}; its user has no entry in /etc/passwd", names(&held)));
    };
    let owner = printable(user.name.as_bytes());
    findings.add(Verdict::Ok, names(&held));
    let foreign: Vec<u32> =
        groups.iter().copied().filter(|gid| *gid != ids.effective && !user.member_of.contains(gid)).collect();
    if !foreign.is_empty() {
        findings.add(Verdict::No, format!("{owner} is no member of {}", names(&foreign)));
    }
    if !user.member_of.contains(&ids.effective) {
        findings.add(Verdict::Note, format!("{} is not a group of {owner}", name(&ids.effective)));
    }
    let missing: Vec<u32> = user.member_of.iter().copied().filter(|gid| !held.contains(gid)).collect();
    if !missing.is_empty() {
        findings.add(Verdict::Note, format!("{owner} is also a member of {}", names(&missing)));
    }
    findings.end_or("")
}

pub(crate) fn capabilities(process: &Process) -> Row {
    let mut findings = Findings::of_step(13, "capabilities");
    let sets = process.status.capabilities;
    let is_root = process.status.uids.effective == 0;
    for (set, name) in [(sets.effective, "effective"), (sets.permitted, "permitted")] {
        if is_root {
            findings.add(Verdict::Ok, format!("{name} {}", list(set)));
        } else if !set.is_empty() && (name == "effective" || set != sets.effective) {
            let verdict = if is_as_good_as_root(set) { Verdict::No } else { Verdict::Note };
            findings.add(verdict, format!("{name} {}", list(set)));
        }
    }
    for (set, name) in [(sets.inheritable, "inheritable"), (sets.ambient, "ambient")] {
        if !set.is_empty() {
            findings.add(Verdict::Note, format!("{name} {}", list(set)));
        }
    }
    findings.end_or("none")
}

pub(crate) fn no_new_privileges(process: &Process) -> Row {
    let findings = Findings::of_step(13, "no new privileges");
    match process.status.no_new_privileges {
        Some(true) => findings.end(Verdict::Ok, "yes"),
        Some(false) => findings.end(Verdict::Ok, "no: a set-user-ID program gives it more"),
        None => findings.end(Verdict::Unknown, "the kernel does not say"),
    }
}

fn differing(ids: Ids) -> String {
    let Ids { real, effective, saved, file_system } = ids;
    format!("real {real}, effective {effective}, saved {saved}, file system {file_system}: they differ")
}

/// The group that it acts as, then the supplementary ones.
fn held(ids: Ids, groups: &[u32]) -> Vec<u32> {
    let mut held = vec![ids.effective];
    held.extend(groups.iter().filter(|gid| **gid != ids.effective));
    held
}

fn numbers(gids: &[u32]) -> String {
    shown(gids, u32::to_string)
}

/// A process may be in 65536 groups.
fn shown(gids: &[u32], name: impl Fn(&u32) -> String) -> String {
    let mut words: Vec<_> = gids.iter().take(SHOWN).map(name).collect();
    if gids.len() > SHOWN {
        words.push(format!("and {} more", gids.len() - SHOWN));
    }
    words.join(" ")
}

fn is_as_good_as_root(set: Capabilities) -> bool {
    AS_GOOD_AS_ROOT.iter().any(|bit| set.contains(Capabilities::from_bits(1 << bit)))
}

/// All their names say less than their number when there are so many.
fn list(set: Capabilities) -> String {
    match set.count() {
        0 => "none".to_owned(),
        1..=8 => svcadapt_spec::Capabilities::from_bits(set.bits()).to_string(),
        count => format!("{count} of them, {:#x}", set.bits()),
    }
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::Unreadable;

    use super::*;
    use crate::audit::process::samples;

    const NET_BIND_SERVICE: Capabilities = Capabilities::from_bits(1 << 10);
    const ALL: Capabilities = Capabilities::from_bits(0x1ff_ffff_ffff);

    #[test]
    fn a_saved_user_id_is_no_drop() {
        let mut process = samples::clean();
        process.status.uids.saved = 0;
        assert_eq!(user(&process).verdict, Verdict::No);
        process.status.uids = Ids::all(0);
        assert_eq!(user(&process).verdict, Verdict::Note);
    }

    #[test]
    fn groups_of_whoever_started_it_are_no() {
        let mut process = samples::clean();
        process.status.groups = vec![0, 4, 27, 33];
        let row = groups(&process);
        assert_eq!(row.verdict, Verdict::No);
        assert_eq!(row.found, ["www (33) 0 adm (4) sudo (27)", "www is no member of 0 adm (4) sudo (27)"]);
    }

    #[test]
    fn differing_group_ids_are_no() {
        let mut process = samples::clean();
        process.status.gids.saved = 0;
        assert_eq!(groups(&process).verdict, Verdict::No);
    }

    #[test]
    fn another_primary_group_and_a_missing_one_are_notes() {
        let mut process = samples::clean();
        process.status.gids = Ids::all(4);
        process.status.groups = vec![];
        let row = groups(&process);
        assert_eq!(row.verdict, Verdict::Note);
        assert_eq!(row.found[1..], ["adm (4) is not a group of www", "www is also a member of www (33)"]);
    }

    #[test]
    fn a_user_without_an_entry_may_have_its_one_group() {
        let mut process = samples::clean();
        process.accounts.as_mut().unwrap().user = None;
        assert_eq!(groups(&process).verdict, Verdict::Ok);
        process.status.groups = vec![4];
        assert_eq!(groups(&process).verdict, Verdict::Note);
        process.accounts = None;
        assert_eq!(groups(&process).verdict, Verdict::Note);
        process.root = Err(Unreadable::Denied);
        assert_eq!(groups(&process).verdict, Verdict::Unknown);
    }

    #[test]
    fn capabilities_are_judged_by_what_they_can_do() {
        let mut process = samples::clean();
        process.status.capabilities.effective = NET_BIND_SERVICE;
        process.status.capabilities.permitted = NET_BIND_SERVICE;
        let row = capabilities(&process);
        let found = "effective CAP_NET_BIND_SERVICE".to_owned();
        assert_eq!((row.verdict, row.found), (Verdict::Note, vec![found]));
        process.status.capabilities.permitted = ALL;
        assert_eq!(capabilities(&process).verdict, Verdict::No);
    }

    #[test]
    fn capabilities_of_root_are_no_surprise_but_ambient_ones_are_a_note() {
        let mut process = samples::clean();
        process.status.uids = Ids::all(0);
        process.status.capabilities.effective = ALL;
        process.status.capabilities.permitted = ALL;
        let row = capabilities(&process);
        assert_eq!(
            (row.verdict, row.found[0].as_str()),
            (Verdict::Ok, "effective 41 of them, 0x1ffffffffff")
        );
        process.status.capabilities.ambient = NET_BIND_SERVICE;
        assert_eq!(capabilities(&process).verdict, Verdict::Note);
    }

    #[test]
    fn no_new_privileges_is_told() {
        let mut process = samples::clean();
        process.status.no_new_privileges = Some(false);
        assert_eq!(
            (no_new_privileges(&process).verdict, no_new_privileges(&process).found.len()),
            (Verdict::Ok, 1)
        );
        process.status.no_new_privileges = None;
        assert_eq!(no_new_privileges(&process).verdict, Verdict::Unknown);
    }
}
