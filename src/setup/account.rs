//! Resolves the user and the groups that the service runs as.

use std::io;
use std::path::Path;

use svcadapt_spec::{Principal, ServiceSpec};

use super::dynamic_user;
use super::failure::USER;
use crate::error::StepError;
use crate::plan::{Account, AccountEntry, CallerState, StartedBy};
use crate::sys::accounts::User;
use crate::sys::path_trust::{Judge, Last, Reach};
use crate::sys::{accounts, error_text, identity};

/// systemd's numbers for these steps (systemd.exec(5)).
const GROUP: u8 = 216;

/// Runs `act` with the service's rights, which requires root.
pub(super) fn with_service_rights<T>(
    account: &Account,
    act: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let Account { uid, gid, groups, member, .. } = account;
    identity::with_rights_of(*uid, *gid, groups, member.as_deref(), act)
}

/// The judge of the paths that root opens for this account.
pub(super) fn judge(account: &Account) -> Judge {
    Judge::for_service(account.uid, account.gid, &account.groups)
}

/// Users other than root and the caller who can change where a path of this account's service leads.
pub(super) fn reach(path: &Path, last: Last, account: &Account) -> io::Result<Reach> {
    judge(account).trusting(identity::effective_user()).reach(path, last)
}

/// Whether root acts for another user.
fn lends_rights(account: &Account) -> bool {
    identity::effective_user() == 0 && account.uid != 0
}

/// Opens a file for a service: as root only if the whole path is under root's control, otherwise with the service's
/// rights.
pub(super) fn open_for<T>(
    path: &Path,
    account: &Account,
    open: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    if lends_rights(account) && reach(path, Last::File, account)? != Reach::RootOnly {
        with_service_rights(account, open)
    } else {
        open()
    }
}

/// Runs a lookup that changes nothing: as the service's user if root is denied (NFS with root_squash, FUSE, a
/// container without `CAP_DAC_OVERRIDE`).
pub(super) fn look_for<T>(account: &Account, look: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match look() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && lends_rights(account) => {
            with_service_rights(account, look)
        }
        seen => seen,
    }
}

/// Runs `act` with the service's rights if they differ from the caller's.
pub(super) fn as_service<T>(account: &Account, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if lends_rights(account) { with_service_rights(account, act) } else { act() }
}

/// Refuses to act if this executable carries more rights than its caller has. `None` if it does not.
pub fn refuse_lent_rights() -> Option<StepError> {
    let cause = "it has more rights than the user who starts it (set-user-ID, set-group-ID or capabilities)";
    let hint = "remove them from the file (chmod ug-s, setcap -r); use sudo(8) to start services as root";
    identity::has_lent_rights().then(|| StepError::about("start", "svcadapt", cause, 2).hint(hint))
}

/// Looks up the user and the groups.
///
/// Without a user in the spec, the service runs as the caller. Unless a service manager started this process, root's
/// supplementary groups are dropped: they came from a shell by accident.
pub(super) fn resolve(
    spec: &ServiceSpec,
    started_by: StartedBy,
    caller: &CallerState,
    failures: &mut Vec<StepError>,
) -> Account {
    let before = failures.len();
    let is_dynamic = dynamic_user::is_wanted(spec, caller);
    let dynamic = if is_dynamic { dynamic_user::name(spec) } else { None };
    let is_dynamic_group = |group: &Principal| match (group, &dynamic) {
        (Principal::Name(group), Some(user)) => group == user,
        _ => false,
    };
    let user = spec.user.as_ref().filter(|_| dynamic.is_none());
    let user = user.map(|principal| (principal, find(principal, "user", failures)));
    // A group of its name is part of a dynamic user.
    let group = spec.group.as_ref().filter(|group| !is_dynamic_group(group));
    let group = group.and_then(|principal| find_group(principal, "group", failures));
    let more: Vec<u32> = spec
        .supplementary_groups
        .iter()
        .filter_map(|one| find_group(one, "supplementary group", failures))
        .collect();
    let mut account = match (dynamic, user) {
        (Some(name), _) => of_dynamic_user(spec, name, group, failures),
        (None, Some((principal, found))) => of_user(principal, found, group, failures),
        (None, None) => {
            if is_dynamic {
                let failure = StepError::about(
                    "dynamic user",
                    "DynamicUser",
                    "a service without a name has no such user",
                    USER,
                );
                failures.push(failure.hint("set --name or --user"));
            }
            of_caller(started_by, caller, group)
        }
    };
    account.is_dynamic = is_dynamic;
    account.member = account.member.filter(|_| more.is_empty());
    account.groups.extend(more);
    account.groups.sort_unstable();
    account.groups.dedup();
    // A user that was not found needs no message about missing rights too.
    if failures.len() == before && !caller.is_root() {
        check_permission(&account, spec, caller, failures);
    }
    account
}

/// Verifies that a user given by name still has the same uid. Privileges that are dropped late would otherwise go to
/// the account that has the number now.
pub fn verify_user(spec: &ServiceSpec, account: &Account) -> Result<(), StepError> {
    let Some(principal @ Principal::Name(name)) = spec.user.as_ref().filter(|_| !account.is_dynamic) else {
        return Ok(());
    };
    let mut failures = Vec::new();
    let now = find(principal, "user", &mut failures);
    match (failures.pop(), now) {
        (Some(failure), _) => Err(failure.hint("it existed when the start began")),
        (None, Some(user)) if user.uid != account.uid => {
            let cause =
                format!("its uid changed after the start began: it is {} and was {}", user.uid, account.uid);
            Err(StepError::about("user", name, cause, USER))
        }
        (None, _) => Ok(()),
    }
}

/// The owner and group of the sockets in the file system. With a user alone, the group is the user's primary group
/// (systemd.socket(5)).
pub(super) fn socket_owner(
    spec: &ServiceSpec,
    caller: &CallerState,
    failures: &mut Vec<StepError>,
) -> (Option<u32>, Option<u32>) {
    let before = failures.len();
    let (mut uid, mut gid) = (None, None);
    if let Some(principal) = &spec.sockets.user {
        let found = find(principal, "socket user", failures);
        gid = found.as_ref().map(|user| user.gid);
        uid = match principal {
            Principal::Id(number) => Some(*number),
            Principal::Name(_) => found.map(|user| user.uid),
        };
    }
    if let Some(principal) = &spec.sockets.group {
        gid = find_group(principal, "socket group", failures);
    }
    let own = |gid: u32| gid == caller.gid || caller.groups.contains(&gid);
    if failures.len() == before && !caller.is_root() {
        if uid.is_some_and(|uid| uid != caller.uid) {
            let who = spec.sockets.user.as_ref().map(ToString::to_string).unwrap_or_default();
            failures.push(StepError::about(
                "socket user",
                who,
                "only root can give a socket to another user",
                USER,
            ));
        } else if gid.is_some_and(|gid| !own(gid)) {
            let who = spec.sockets.group.as_ref().or(spec.sockets.user.as_ref());
            let who = who.map(ToString::to_string).unwrap_or_default();
            failures.push(StepError::about(
                "socket group",
                who,
                "only root can give a socket to this group",
                GROUP,
            ));
        }
    }
    (uid, gid)
}

fn of_caller(started_by: StartedBy, caller: &CallerState, group: Option<u32>) -> Account {
    let keeps = started_by == StartedBy::Manager || !caller.is_root();
    let groups = if keeps { caller.groups.clone() } else { Vec::new() };
    // Nothing below a manager asks for the home directory or the group of root.
    let is_needed = started_by != StartedBy::Manager || !caller.is_root();
    let found = is_needed.then(|| accounts::user(&caller.uid.to_string()).ok().flatten()).flatten();
    let own = match &found {
        Some(user) if !keeps => user.gid,
        _ => caller.gid,
    };
    Account {
        uid: caller.uid,
        gid: group.unwrap_or(own),
        groups,
        entry: found.map(entry),
        ..Account::default()
    }
}

/// The account of a dynamic user: the one of its name, else one that is made up.
fn of_dynamic_user(
    spec: &ServiceSpec,
    name: String,
    group: Option<u32>,
    failures: &mut Vec<StepError>,
) -> Account {
    let principal = Principal::Name(name.clone());
    match accounts::user(&name) {
        Ok(None) => dynamic_user::account(spec, name, group).unwrap_or_else(|failure| {
            failures.push(failure);
            Account::default()
        }),
        Ok(found) => {
            let account = of_user(&principal, found, group, failures);
            Account { entry: Some(dynamic_user::entry(name)), ..account }
        }
        Err(error) => {
            failures.push(StepError::kernel("user", name, &error, USER));
            Account::default()
        }
    }
}

fn of_user(
    principal: &Principal,
    found: Option<User>,
    group: Option<u32>,
    failures: &mut Vec<StepError>,
) -> Account {
    match (found, principal) {
        (Some(user), _) => {
            let gid = group.unwrap_or(user.gid);
            let found = match (user.uid, gid) {
                // Root with its own group gains nothing from supplementary groups; systemd sets none.
                (0, 0) => Ok(Vec::new()),
                _ => accounts::groups_of(&user, gid),
            };
            let groups = found.unwrap_or_else(|error| {
                failures.push(StepError::kernel("group", format!("of {}", user.name), &error, GROUP));
                Vec::new()
            });
            let member = Some(user.name.clone());
            Account { uid: user.uid, gid, groups, member, entry: Some(entry(user)), ..Account::default() }
        }
        (None, Principal::Id(uid)) => {
            if group.is_none() {
                let cause = "no account has this uid, so its group is unknown";
                failures.push(StepError::about("user", uid.to_string(), cause, GROUP).hint("add --group"));
            }
            let gid = group.unwrap_or_default();
            Account { uid: *uid, gid, groups: vec![gid], ..Account::default() }
        }
        (None, Principal::Name(_)) => Account::default(),
    }
}

fn entry(user: User) -> AccountEntry {
    AccountEntry { name: user.name, home: user.home, shell: user.shell }
}

/// A user name must exist; a uid need not belong to an account.
fn find(principal: &Principal, stage: &str, failures: &mut Vec<StepError>) -> Option<User> {
    match (accounts::user(&principal.to_string()), principal) {
        (Ok(None), Principal::Name(name)) => {
            failures.push(StepError::about(stage, name, "there is no such user", USER));
            None
        }
        (Ok(found), _) => found,
        (Err(error), _) => {
            failures.push(StepError::kernel(stage, principal.to_string(), &error, USER));
            None
        }
    }
}

fn find_group(principal: &Principal, stage: &str, failures: &mut Vec<StepError>) -> Option<u32> {
    let found = match principal {
        Principal::Id(gid) => return Some(*gid),
        Principal::Name(name) => accounts::group(name),
    };
    let cause = match found {
        Ok(Some(gid)) => return Some(gid),
        Ok(None) => "there is no such group".to_owned(),
        Err(error) => error_text(&error),
    };
    failures.push(StepError::about(stage, principal.to_string(), cause, GROUP));
    None
}

fn check_permission(
    account: &Account,
    spec: &ServiceSpec,
    caller: &CallerState,
    failures: &mut Vec<StepError>,
) {
    if account.uid != caller.uid {
        let who = spec.user.as_ref().map(ToString::to_string).unwrap_or_default();
        failures.push(StepError::about("user", who, "only root can become another user", USER));
    }
    let groups = &account.groups;
    if account.gid != caller.gid
        || !groups.iter().all(|gid| *gid == caller.gid || caller.groups.contains(gid))
    {
        let who = spec.group.as_ref().or(spec.supplementary_groups.first()).or(spec.user.as_ref());
        let who = who.map(ToString::to_string).unwrap_or_default();
        failures.push(StepError::about("group", who, "only root can change groups", GROUP));
    }
}
