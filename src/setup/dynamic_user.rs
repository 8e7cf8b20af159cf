//! The user of `DynamicUser=` (systemd.exec(5)) where systemd does not make one: the account of its name, else an ID of
//! the range that systemd has for such users.
//!
//! The ID stays the same: a service keeps the one of its record and the one that owns its directories, and else it follows
//! from the user's name. An ID of an account, of another service or of another service's directory is passed over.
//! No name service knows the name, and no mount namespace hides the directories of such users from each other.

use std::collections::BTreeSet;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Principal, ServiceSpec};

use super::failure::USER;
use crate::error::StepError;
use crate::plan::{Account, AccountEntry, CallerState, Note, Resolution};
use crate::registry;
use crate::registry::Record;
use crate::sys::{accounts, file};

/// The IDs (systemd's `systemd-dynamic-uid-min` and `-max`, "Users, Groups, UIDs and GIDs on systemd Systems").
const IDS: RangeInclusive<u32> = 61_184..=65_519;

const STAGE: &str = "dynamic user";

/// Whether the service asks for such a user and can have it. systemd ignores the directive where an ordinary user manages
/// services, too.
pub(super) fn is_wanted(spec: &ServiceSpec, caller: &CallerState) -> bool {
    spec.dynamic_user == Some(true) && caller.is_root()
}

/// The name of the user: that of `User=`, else of the service, without its instance. A name that no user can have is
/// replaced by a digest. `None`: the user is set by its ID, or the service has no name.
pub(super) fn name(spec: &ServiceSpec) -> Option<String> {
    match &spec.user {
        Some(Principal::Name(name)) => return Some(name.clone()),
        Some(Principal::Id(_)) => return None,
        None => {}
    }
    let name = spec.name.as_ref()?.as_str();
    let name = name.split('@').next().unwrap_or(name);
    Some(if is_user_name(name) {
        name.to_owned()
    } else {
        format!("_du{}", &file::digest(name.as_bytes())[..16])
    })
}

/// The account of a user that has no entry in the account database.
pub(super) fn account(spec: &ServiceSpec, name: String, group: Option<u32>) -> Result<Account, StepError> {
    let failed = |error: io::Error| StepError::kernel(STAGE, name.as_str(), &error, USER);
    if accounts::group(&name).map_err(failed)?.is_some() {
        let cause = "there is a group of this name, but no user";
        return Err(StepError::about(STAGE, name, cause, USER).hint("create the user, or set --user"));
    }
    let Some(uid) = choose(spec, &name).map_err(failed)? else {
        let cause = format!("each ID from {} to {} is in use", IDS.start(), IDS.end());
        return Err(StepError::about(STAGE, name, cause, USER));
    };
    let gid = group.unwrap_or(uid);
    let entry = Some(entry(name));
    Ok(Account { uid, gid, groups: vec![gid], member: None, is_dynamic: true, entry })
}

/// Such a user has neither a home directory nor a shell, also if it has an account.
pub(super) fn entry(name: String) -> AccountEntry {
    AccountEntry { name, home: "/".to_owned(), shell: String::new() }
}

/// What a service with such a user does not have here.
pub(super) fn note(account: &Account) -> Option<Note> {
    let entry = account.entry.as_ref().filter(|_| account.is_dynamic)?;
    let cause = "it has no sandbox here; systemd adds ProtectSystem=strict, ProtectHome=read-only, PrivateTmp=, \
                 RemoveIPC= and RestrictSUIDSGID=";
    Some(Note { stage: STAGE, object: entry.name.clone(), cause: cause.to_owned(), hint: None })
}

/// Verifies that no other service has been recorded with the same ID meanwhile. To be called with the own record written.
pub(super) fn verify(spec: &ServiceSpec, resolved: &Resolution) -> Result<(), StepError> {
    let uid = resolved.account.uid;
    let Some(name) = name(spec).filter(|_| resolved.account.is_dynamic && IDS.contains(&uid)) else {
        return Ok(());
    };
    match records(resolved.lock.as_deref())
        .into_iter()
        .find(|(lock, record)| record.user == uid && !shares(lock, &name))
    {
        None => Ok(()),
        Some((lock, _)) => {
            let other = registry::name_of(&lock).unwrap_or_default();
            let cause = format!("its ID {uid} was given to service {other} at the same time");
            Err(StepError::about(STAGE, name, cause, USER).hint("start it again"))
        }
    }
}

fn is_user_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && name.len() <= 31
}

/// The ID of a user with this name. `None`: all are in use.
fn choose(spec: &ServiceSpec, name: &str) -> io::Result<Option<u32>> {
    let lock = registry::path(spec.name.as_ref(), spec.pid_file.as_ref());
    let (own, others): (Vec<_>, Vec<_>) = records(None)
        .into_iter()
        .filter(|(_, record)| IDS.contains(&record.user))
        .partition(|(other, _)| lock.as_ref() == Some(other) || shares(other, name));
    let directories = Directories::of(spec);
    let mut taken = directories.owners_of_others();
    taken.extend(others.into_iter().map(|(_, record)| record.user));
    let kept = own.into_iter().map(|(_, record)| record.user).chain(directories.owners());
    for id in kept.chain(from_name(name)) {
        if IDS.contains(&id)
            && !taken.contains(&id)
            && accounts::user(&id.to_string())?.is_none()
            && !accounts::is_group(id)?
        {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// All IDs, beginning with one that follows from the name.
fn from_name(name: &str) -> impl Iterator<Item = u32> {
    let digest = file::digest(name.as_bytes());
    let number = u32::from_str_radix(&digest[digest.len() - 7..], 16).unwrap_or_default();
    let count = IDS.end() - IDS.start() + 1;
    (0..count).map(move |step| IDS.start() + (number + step) % count)
}

/// The records of all services of root but that with this lock.
fn records(own: Option<&Path>) -> Vec<(PathBuf, Record)> {
    registry::records(&registry::directory(), own).unwrap_or_default()
}

/// Whether another service has the dynamic user of this name, too: services with one `User=`, or instances of one unit.
fn shares(lock: &Path, wanted: &str) -> bool {
    let stored = registry::stored_spec::read(lock).ok().flatten();
    let spec = stored.and_then(|stored| stored.draft.finish().ok());
    spec.is_some_and(|spec| spec.dynamic_user == Some(true) && name(&spec).as_deref() == Some(wanted))
}

/// The directories of a service that its user owns.
struct Directories(Vec<(PathBuf, PathBuf)>);

impl Directories {
    fn of(spec: &ServiceSpec) -> Self {
        let owned = spec.directories.iter().filter(|one| one.kind != DirectoryKind::Configuration);
        Self(owned.map(|one| (base(one.kind), one.path.as_path().to_owned())).collect())
    }

    /// Their owners.
    fn owners(&self) -> impl Iterator<Item = u32> {
        self.0.iter().filter_map(|(base, path)| owner(&base.join(path)))
    }

    /// The owners of the directories beside them.
    fn owners_of_others(&self) -> BTreeSet<u32> {
        let bases =
            DirectoryKind::ALL.into_iter().filter(|kind| *kind != DirectoryKind::Configuration).map(base);
        // Where systemd has those of its dynamic users.
        let all = bases.flat_map(|base| [(base.clone(), base.join("private")), (base.clone(), base)]);
        let entries = all.flat_map(|(base, place)| {
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            entries.map(move |entry| (base.clone(), entry))
        });
        let is_own = |base: &Path, name: &std::ffi::OsStr| {
            self.0.iter().any(|(own, path)| own == base && path.iter().next() == Some(name))
        };
        entries
            .filter(|(base, entry)| !is_own(base, &entry.file_name()))
            .filter_map(|(_, entry)| owner(&entry.path()))
            .filter(|uid| IDS.contains(uid))
            .collect()
    }
}

fn base(kind: DirectoryKind) -> PathBuf {
    if kind == DirectoryKind::Runtime { registry::runtime_directory() } else { kind.base().to_owned() }
}

fn owner(path: &Path) -> Option<u32> {
    std::fs::symlink_metadata(path).ok().map(|found| found.uid())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use super::*;

    fn spec(service: &str, user: Option<&str>) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        draft.assign(Field::Name, service, Origin::Option);
        if let Some(user) = user {
            draft.assign(Field::User, user, Origin::Option);
        }
        draft.finish().unwrap()
    }

    #[test]
    fn user_has_the_name_of_the_service_without_its_instance() {
        for (service, user, expected) in [
            ("web", None, Some("web")),
            ("web@1", None, Some("web")),
            ("web", Some("other"), Some("other")),
            ("web", Some("61500"), None),
        ] {
            assert_eq!(name(&spec(service, user)).as_deref(), expected, "{service} {user:?}");
        }
        let odd = name(&spec("org.example.web", None)).unwrap();
        assert!(odd.starts_with("_du") && is_user_name(&odd), "{odd}");
    }

    #[test]
    fn ids_of_a_name_are_all_of_the_range_and_always_the_same() {
        let all: Vec<u32> = from_name("web").collect();
        assert_eq!(all, from_name("web").collect::<Vec<_>>());
        assert_ne!(all[0], from_name("web2").next().unwrap());
        assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), IDS.collect());
    }
}
