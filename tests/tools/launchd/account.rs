//! The user and the groups of a job.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setuid};

use super::child::{EX_CONFIG, Failure};
use super::job::Job;

/// The resolved identity of a job.
#[derive(Debug)]
pub(crate) struct Account {
    user: Option<User>,
    group: Option<Gid>,
}

impl Account {
    /// Looks up user and group, by name only. 842 (`job_postfork_become_user`): an unknown one ends the job with ESRCH.
    pub(crate) fn of(job: &Job) -> Result<Self, Failure> {
        let unknown = |step, name: &str| Failure::new(step, format!("{name} is not known"), libc::ESRCH);
        let user = match &job.user {
            Some(name) => {
                let found = User::from_name(name).ok().flatten();
                Some(found.ok_or_else(|| unknown("UserName", name))?)
            }
            None => None,
        };
        let group = match &job.group {
            Some(name) => {
                let found = Group::from_name(name).ok().flatten();
                Some(found.ok_or_else(|| unknown("GroupName", name))?.gid)
            }
            None => None,
        };
        Ok(Self { user, group })
    }

    /// The variables of the user (842, `job_postfork_become_user`); empty without `UserName`.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let Some(user) = &self.user else { return Vec::new() };
        [
            ("HOME", user.dir.display().to_string()),
            ("LOGNAME", user.name.clone()),
            ("SHELL", user.shell.display().to_string()),
            // On a Mac it is a private directory of the user (confstr(3)).
            ("TMPDIR", "/tmp".to_owned()),
            ("USER", user.name.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Changes to the identity: setgid, initgroups, setuid, in the order of 842.
    ///
    /// launchd.plist(5): the default of `GroupName` is the user's own group; the default of `InitGroups` is true, and it has
    /// no effect without `UserName`. 842: `GroupName` without `UserName` leaves the user root.
    pub(crate) fn become_it(&self, init_groups: bool) -> Result<(), Failure> {
        let failed = |step| move |error: nix::Error| Failure::new(step, error.to_string(), EX_CONFIG);
        let group = self.group.or(self.user.as_ref().map(|user| user.gid));
        if let Some(group) = group {
            setgid(group).map_err(failed("GroupName"))?;
        }
        if let Some(user) = &self.user {
            if init_groups {
                let name = CString::new(user.name.as_str()).unwrap_or_default();
                initgroups(&name, group.unwrap_or(user.gid)).map_err(failed("InitGroups"))?;
            }
            setuid(Uid::from_raw(user.uid.as_raw())).map_err(failed("UserName"))?;
        }
        Ok(())
    }
}
