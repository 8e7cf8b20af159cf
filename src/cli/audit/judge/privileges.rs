//! Step 13: the process has dropped its privileges for good.

use svcadapt::internal::procfs::{CapabilityMask, Ids};

use crate::audit::process::Process;
use crate::audit::row::{Row, RowDraft, StepVerdict};
use crate::text::printable;

/// Capabilities that are equivalent to root (capabilities(7)): `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `SETGID`, `SETUID`,
/// `SYS_MODULE`, `SYS_RAWIO`, `SYS_PTRACE`, `SYS_ADMIN`, `SETFCAP`.
const EQUIVALENT_TO_ROOT: [u32; 10] = [0, 1, 3, 6, 7, 16, 17, 19, 21, 31];

/// The maximal number of groups in a message; a process may be in 65536 groups.
const MAX_GROUPS: usize = 32;

pub(crate) fn user(process: &Process) -> Row {
    let findings = RowDraft::of_step(13, "user");
    let ids = process.status.uids;
    let name = || match process.accounts.as_ref().and_then(|accounts| accounts.user.as_ref()) {
        Some(user) => format!("{} ({})", printable(&user.name), ids.effective),
        None => ids.effective.to_string(),
    };
    if ids != Ids::all(ids.effective) {
        return findings.end(StepVerdict::No, differing(ids));
    }
    match ids.effective {
        0 => findings.end(StepVerdict::Note, format!("{}: privileges were not dropped", name())),
        _ => findings.end(StepVerdict::Ok, name()),
    }
}

pub(crate) fn groups(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(13, "groups");
    let ids = process.status.gids;
    let groups = &process.status.groups;
    if ids != Ids::all(ids.effective) {
        findings.add(StepVerdict::No, differing(ids));
    }
    if let Err(unseen) = &process.root {
        let found = format!(
            "{}: not checked, because the root directory is unknown: {unseen}",
            numbers(&all_groups(ids, groups))
        );
        return findings.end(StepVerdict::Unknown, found);
    }
    let Some(accounts) = &process.accounts else {
        let found = format!(
            "{}: not checked, because the process has another root directory",
            numbers(&all_groups(ids, groups))
        );
        return findings.end(StepVerdict::Note, found);
    };
    let name = |gid: &u32| printable(accounts.group_name(*gid).as_bytes());
    let names = |gids: &[u32]| list_groups(gids, name);
    let held = all_groups(ids, groups);
    let Some(user) = &accounts.user else {
        let supplementary = groups.iter().any(|gid| *gid != ids.effective);
        let verdict = if supplementary { StepVerdict::Note } else { StepVerdict::Ok };
        return findings.end(verdict, format!("{}; its user has no entry in /etc/passwd", names(&held)));
    };
    let owner = printable(&user.name);
    findings.add(StepVerdict::Ok, names(&held));
    let foreign: Vec<u32> =
        groups.iter().copied().filter(|gid| *gid != ids.effective && !user.member_of.contains(gid)).collect();
    if !foreign.is_empty() {
        findings.add(StepVerdict::No, format!("{owner} is not a member of {}", names(&foreign)));
    }
    if !user.member_of.contains(&ids.effective) {
        findings.add(StepVerdict::Note, format!("{} is not a group of {owner}", name(&ids.effective)));
    }
    let missing: Vec<u32> = user.member_of.iter().copied().filter(|gid| !held.contains(gid)).collect();
    if !missing.is_empty() {
        findings.add(StepVerdict::Note, format!("{owner} is also a member of {}", names(&missing)));
    }
    findings.end_or("")
}

pub(crate) fn capabilities(process: &Process) -> Row {
    let mut findings = RowDraft::of_step(13, "capabilities");
    let sets = process.status.capabilities;
    let is_root = process.status.uids.effective == 0;
    for (set, name) in [(sets.effective, "effective"), (sets.permitted, "permitted")] {
        if is_root {
            findings.add(StepVerdict::Ok, format!("{name} {}", list(set)));
        } else if !set.is_empty() && (name == "effective" || set != sets.effective) {
            let verdict = if is_equivalent_to_root(set) { StepVerdict::No } else { StepVerdict::Note };
            findings.add(verdict, format!("{name} {}", list(set)));
        }
    }
    for (set, name) in [(sets.inheritable, "inheritable"), (sets.ambient, "ambient")] {
        if !set.is_empty() {
            findings.add(StepVerdict::Note, format!("{name} {}", list(set)));
        }
    }
    findings.end_or("none")
}

pub(crate) fn no_new_privileges(process: &Process) -> Row {
    let findings = RowDraft::of_step(13, "no new privileges");
    match process.status.no_new_privileges {
        Some(true) => findings.end(StepVerdict::Ok, "yes"),
        Some(false) => findings.end(StepVerdict::Ok, "no: a set-user-ID program can give it more"),
        None => findings.end(StepVerdict::Unknown, "not reported by the kernel"),
    }
}

fn differing(ids: Ids) -> String {
    let Ids { real, effective, saved, file_system } = ids;
    format!("real {real}, effective {effective}, saved {saved}, file system {file_system}: they differ")
}

/// The effective group, then the supplementary groups.
fn all_groups(ids: Ids, groups: &[u32]) -> Vec<u32> {
    let mut all = vec![ids.effective];
    all.extend(groups.iter().filter(|gid| **gid != ids.effective));
    all
}

fn numbers(gids: &[u32]) -> String {
    list_groups(gids, u32::to_string)
}

fn list_groups(gids: &[u32], name: impl Fn(&u32) -> String) -> String {
    let mut words: Vec<_> = gids.iter().take(MAX_GROUPS).map(name).collect();
    if gids.len() > MAX_GROUPS {
        words.push(format!("and {} more", gids.len() - MAX_GROUPS));
    }
    words.join(" ")
}

fn is_equivalent_to_root(set: CapabilityMask) -> bool {
    EQUIVALENT_TO_ROOT.iter().any(|bit| set.contains(CapabilityMask::from_bits(1 << bit)))
}

/// The names of up to eight capabilities, else their number and bits.
fn list(set: CapabilityMask) -> String {
    match set.count() {
        0 => "none".to_owned(),
        1..=8 => svcadapt_spec::Capabilities::from_bits(set.bits()).to_string(),
        count => format!("{count} capabilities, {:#x}", set.bits()),
    }
}

#[cfg(test)]
mod tests {
    use svcadapt::internal::procfs::Unreadable;

    use super::*;
    use crate::audit::process::samples;

    const NET_BIND_SERVICE: CapabilityMask = CapabilityMask::from_bits(1 << 10);
    const ALL: CapabilityMask = CapabilityMask::from_bits(0x1ff_ffff_ffff);

    #[test]
    fn saved_user_id_of_root_is_no() {
        let mut process = samples::clean();
        process.status.uids.saved = 0;
        assert_eq!(user(&process).verdict, StepVerdict::No);
        process.status.uids = Ids::all(0);
        assert_eq!(user(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn groups_of_the_starting_user_are_no() {
        let mut process = samples::clean();
        process.status.groups = vec![0, 4, 27, 33];
        let row = groups(&process);
        assert_eq!(row.verdict, StepVerdict::No);
        assert_eq!(row.found, ["www (33) 0 adm (4) sudo (27)", "www is not a member of 0 adm (4) sudo (27)"]);
    }

    #[test]
    fn differing_group_ids_are_no() {
        let mut process = samples::clean();
        process.status.gids.saved = 0;
        assert_eq!(groups(&process).verdict, StepVerdict::No);
    }

    #[test]
    fn other_primary_group_and_missing_group_are_notes() {
        let mut process = samples::clean();
        process.status.gids = Ids::all(4);
        process.status.groups = vec![];
        let row = groups(&process);
        assert_eq!(row.verdict, StepVerdict::Note);
        assert_eq!(row.found[1..], ["adm (4) is not a group of www", "www is also a member of www (33)"]);
    }

    #[test]
    fn user_without_an_entry_may_have_one_group() {
        let mut process = samples::clean();
        process.accounts.as_mut().unwrap().user = None;
        assert_eq!(groups(&process).verdict, StepVerdict::Ok);
        process.status.groups = vec![4];
        assert_eq!(groups(&process).verdict, StepVerdict::Note);
        process.accounts = None;
        assert_eq!(groups(&process).verdict, StepVerdict::Note);
        process.root = Err(Unreadable::Denied);
        assert_eq!(groups(&process).verdict, StepVerdict::Unknown);
    }

    #[test]
    fn capabilities_equivalent_to_root_are_no() {
        let mut process = samples::clean();
        process.status.capabilities.effective = NET_BIND_SERVICE;
        process.status.capabilities.permitted = NET_BIND_SERVICE;
        let row = capabilities(&process);
        let found = "effective CAP_NET_BIND_SERVICE".to_owned();
        assert_eq!((row.verdict, row.found), (StepVerdict::Note, vec![found]));
        process.status.capabilities.permitted = ALL;
        assert_eq!(capabilities(&process).verdict, StepVerdict::No);
    }

    #[test]
    fn ambient_capabilities_of_root_are_a_note() {
        let mut process = samples::clean();
        process.status.uids = Ids::all(0);
        process.status.capabilities.effective = ALL;
        process.status.capabilities.permitted = ALL;
        let row = capabilities(&process);
        assert_eq!(
            (row.verdict, row.found[0].as_str()),
            (StepVerdict::Ok, "effective 41 capabilities, 0x1ffffffffff")
        );
        process.status.capabilities.ambient = NET_BIND_SERVICE;
        assert_eq!(capabilities(&process).verdict, StepVerdict::Note);
    }

    #[test]
    fn no_new_privileges_is_reported() {
        let mut process = samples::clean();
        process.status.no_new_privileges = Some(false);
        assert_eq!(
            (no_new_privileges(&process).verdict, no_new_privileges(&process).found.len()),
            (StepVerdict::Ok, 1)
        );
        process.status.no_new_privileges = None;
        assert_eq!(no_new_privileges(&process).verdict, StepVerdict::Unknown);
    }
}
