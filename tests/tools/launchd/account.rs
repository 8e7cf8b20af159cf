//! The user and the groups that a job runs with.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setuid};

use super::child::{EX_CONFIG, Failure};
use super::job::Job;

/// The identity that a job asks for, looked up.
#[derive(Debug)]
pub(crate) struct Account {
    user: Option<User>,
    group: Option<Gid>,
}

impl Account {
    /// Looks both up, by name alone. 842 (`job_postfork_become_user`): with an unknown one the job ends with ESRCH.
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

    /// The variables that come with a user (842, `job_postfork_become_user`). Without `UserName` there are none.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let Some(user) = &self.user else { return Vec::new() };
        [
            ("HOME", user.dir.display().to_string()),
            ("LOGNAME", user.name.clone()),
            ("SHELL", user.shell.display().to_string()),
            // There it is a directory of the user's own (confstr(3)).
            ("TMPDIR", "/tmp".to_owned()),
            ("USER", user.name.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Becomes it: setgid, initgroups, setuid, in the order of 842.
    ///
    /// launchd.plist(5): the group is the user's own unless `GroupName` says another; `InitGroups` is true unless said,
    /// and means nothing without `UserName`. 842: `GroupName` alone leaves the user root.
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
