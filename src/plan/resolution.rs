//! What `setup` has looked up on this machine before planning: plain data.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, FileMode, Limit, LimitValue, Resource, ServiceDirectory};

use super::{ControlGroup, StartedBy};

/// The variable with the directory of credentials (systemd.exec(5)).
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The input of a plan in addition to the spec and the detected host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The directory of the credentials that this start makes. `None`: it has no credentials.
    pub credentials: Option<PathBuf>,
    /// The account that the service will run as.
    pub account: Account,
    /// The state of this process.
    pub caller: CallerState,
    /// The path of the program, inside the root directory.
    pub program: PathBuf,
    /// The caller's environment.
    pub inherited: Vec<(OsString, OsString)>,
    /// The variables of the environment files, in order.
    pub from_files: Vec<(OsString, OsString)>,
    /// The owner and group of sockets in the file system, if set.
    pub socket_owner: (Option<u32>, Option<u32>),
    /// The lock file. `None` if the service has neither a name nor a pid file.
    pub lock: Option<PathBuf>,
    /// The log file that the service has because nothing else was said. Output is lost if it cannot be written.
    pub own_log: Option<PathBuf>,
    /// The service's control group. `None` if it has none of its own.
    pub control_group: Option<ControlGroup>,
    /// Settings that are reduced or skipped on this machine, reported before the start.
    pub notes: Vec<Note>,
}

/// A setting that is reduced or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The step, as in [`Label::stage`](super::Label::stage).
    pub stage: &'static str,
    /// The value.
    pub object: String,
    /// What is done instead, and why.
    pub cause: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

/// The place of a directory of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryPlace {
    /// The host has created the directory and passed its path.
    Passed(PathBuf),
    /// The service process creates the directory.
    Own(PathBuf),
}

impl DirectoryPlace {
    /// Its path.
    pub fn into_path(self) -> PathBuf {
        let (Self::Passed(path) | Self::Own(path)) = self;
        path
    }
}

impl Resolution {
    /// The place of a directory. A manager that has created it passes its path in `RUNTIME_DIRECTORY` and the like
    /// (systemd.exec(5)).
    pub fn place(&self, started_by: StartedBy, directory: &ServiceDirectory) -> DirectoryPlace {
        let passed = self.inherited.iter().find(|(name, _)| name == directory.kind.variable());
        let path = directory.path.as_path();
        let made = passed.filter(|_| started_by == StartedBy::Manager).and_then(|(_, list)| {
            list.as_bytes()
                .split(|&b| b == b':')
                .map(|one| Path::new(OsStr::from_bytes(one)))
                .find(|one| one.ends_with(path))
        });
        match made {
            Some(made) => DirectoryPlace::Passed(made.to_owned()),
            None => DirectoryPlace::Own(self.base(directory.kind).join(path)),
        }
    }

    /// The place of the credentials. A manager that has made them passes their path.
    pub fn credentials(&self, started_by: StartedBy) -> Option<DirectoryPlace> {
        let path = self.credentials.clone()?;
        let given = |(name, value): &(OsString, OsString)| name == CREDENTIALS_DIRECTORY && *value == *path;
        let passed = started_by == StartedBy::Manager && self.inherited.iter().any(given);
        Some(if passed { DirectoryPlace::Passed(path) } else { DirectoryPlace::Own(path) })
    }

    /// The base directory of a kind. For an ordinary user it is below the home directory (systemd.exec(5), "user" column).
    fn base(&self, kind: DirectoryKind) -> PathBuf {
        if self.caller.is_root() && kind != DirectoryKind::Runtime {
            return kind.base().to_owned();
        }
        let home = Path::new(self.account.entry.as_ref().map_or("/", |entry| entry.home.as_str()));
        match kind {
            DirectoryKind::Runtime => self.caller.runtime_directory.clone(),
            DirectoryKind::State => home.join(".local/state"),
            DirectoryKind::Cache => home.join(".cache"),
            DirectoryKind::Logs => home.join(".local/state/log"),
            DirectoryKind::Configuration => home.join(".config"),
        }
    }
}

/// The account of the service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The user ID.
    pub uid: u32,
    /// The primary group ID.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// The user whose group list in the account database equals `groups`. `None` if it differs.
    pub member: Option<String>,
    /// Whether the service has asked for a user that exists only for it, and can have one.
    pub is_dynamic: bool,
    /// The entry of the account database. `None` if it has no such user ID.
    pub entry: Option<AccountEntry>,
}

/// An entry of the account database (passwd(5)): the values of `USER`, `LOGNAME`, `HOME` and `SHELL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// The name.
    pub name: String,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// The state of this process before the first step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerState {
    /// The effective user ID.
    pub uid: u32,
    /// The effective group ID.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// Whether the real and saved user and group IDs equal the effective ones, so that no other ID can be regained.
    pub ids_are_final: bool,
    /// The file mode creation mask.
    pub umask: Option<FileMode>,
    /// The working directory.
    pub working_directory: Option<PathBuf>,
    /// The base of runtime directories, root's or this user's.
    pub runtime_directory: PathBuf,
    /// The nice level.
    pub nice: Option<i32>,
    /// The OOM score adjustment. `None` if the system has none.
    pub oom_score_adjust: Option<i32>,
    /// The soft limit of descriptor numbers (RLIMIT_NOFILE). `None` if unknown or not needed.
    pub descriptors: Option<i32>,
    /// The resources that this system can limit.
    pub limits: Vec<Resource>,
    /// The highest possible hard limits, of those resources whose configured limit cannot be set.
    pub highest_limits: BTreeMap<Resource, LimitValue>,
    /// The lowest possible nice level. `None` if the configured one can be set.
    pub lowest_nice: Option<i32>,
    /// The lowest possible OOM score adjustment. `None` if the configured one can be set.
    pub lowest_oom_score: Option<i32>,
    /// Whether this is process 1 with a terminal as standard input.
    pub terminal: bool,
    /// The descriptors that a service manager has passed (sd_listen_fds(3)).
    pub passed_descriptors: Vec<i32>,
    /// The number of descriptors that this process keeps for the program beside its sockets.
    pub stored: usize,
    /// The reaper of the service's orphans.
    pub orphans: Reaper,
    /// The descriptors of the service's sockets that launchd has passed (`launch_activate_socket`(3)).
    pub launchd_descriptors: Vec<i32>,
}

/// The process that adopts orphaned descendants of a launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reaper {
    /// The launcher, as subreaper (prctl(2)).
    #[default]
    Subreaper,
    /// Always process 1.
    Init,
}

impl CallerState {
    /// A limit, reduced to the highest possible one.
    pub fn nearest(&self, resource: Resource, limit: Limit) -> Limit {
        let highest_limits = self.highest_limits.get(&resource).copied().unwrap_or(LimitValue::Infinity);
        Limit { soft: limit.soft.min(highest_limits), hard: limit.hard.min(highest_limits) }
    }

    /// Whether this process is root.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}
