//! What was found out about the machine before planning: plain data, filled in by `setup`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, FileMode, Limit, LimitValue, Resource, ServiceDirectory};

use super::{Actor, StartedBy};

/// Everything that a plan needs beside the spec and the detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Whom the service will run as.
    pub account: Account,
    /// What this process is now.
    pub caller: CallerState,
    /// The program's file, as it is seen inside the root directory.
    pub program: PathBuf,
    /// The variables of the starter.
    pub inherited: Vec<(OsString, OsString)>,
    /// The variables of the environment files, in order.
    pub from_files: Vec<(OsString, OsString)>,
    /// To whom a socket in the file system is given: the user and the group, where anybody.
    pub socket_owner: (Option<u32>, Option<u32>),
    /// The file that is locked; none where the service has neither a name nor a pid file.
    pub lock: Option<PathBuf>,
    /// What is done without on this machine. It is told before the start.
    pub notes: Vec<Note>,
}

/// One thing that is done without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is done without.
    pub stage: &'static str,
    /// For what.
    pub object: String,
    /// Why, in words.
    pub cause: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl Resolution {
    /// Where a directory of the service is: where the host says that it has made it, if it has; else where it belongs.
    pub fn place(&self, started_by: StartedBy, directory: &ServiceDirectory) -> (PathBuf, Actor) {
        let said = self.inherited.iter().find(|(name, _)| name == directory.kind.variable());
        let path = directory.path.as_path();
        let made = said.filter(|_| started_by == StartedBy::Manager).and_then(|(_, list)| {
            list.as_bytes()
                .split(|&b| b == b':')
                .map(|one| Path::new(OsStr::from_bytes(one)))
                .find(|one| one.ends_with(path))
        });
        match made {
            Some(made) => (made.to_owned(), Actor::Host),
            None => (self.base(directory.kind).join(path), Actor::Service),
        }
    }

    /// Where the directories of a kind lie: an ordinary user has them at home (systemd.exec(5), "user" column).
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

/// A user as the program is to see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The primary group's number.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// The user whose own groups these are, all of them and no others; none where they are anything else.
    pub member: Option<String>,
    /// What the account database says of the user; none where it has no such number.
    pub entry: Option<Entry>,
}

/// What becomes `USER`, `LOGNAME`, `HOME` and `SHELL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// What this process is before anything is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerState {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// Whether it can become nobody else: its real and saved user and group are the effective ones too.
    pub ids_are_final: bool,
    /// The file mode creation mask.
    pub umask: Option<FileMode>,
    /// The working directory.
    pub working_directory: Option<PathBuf>,
    /// Where runtime directories lie, root's or this user's.
    pub runtime_directory: PathBuf,
    /// The nice level.
    pub nice: Option<i32>,
    /// The OOM score adjustment; none where the system has no such thing.
    pub oom_score_adjust: Option<i32>,
    /// Descriptors have lower numbers than this; none where that is not known, or nobody needs to know.
    pub descriptors: Option<i32>,
    /// The resources that this system has limits for.
    pub limits: Vec<Resource>,
    /// The highest hard limits that can be set, of those that are below what is asked for.
    pub highest_limits: BTreeMap<Resource, LimitValue>,
    /// The lowest nice level that can be set; none where it is not above what is asked for.
    pub lowest_nice: Option<i32>,
    /// The lowest OOM score adjustment that can be set; none where it is not above what is asked for.
    pub lowest_oom_score: Option<i32>,
    /// Whether this is process 1, and its standard input a terminal.
    pub terminal: bool,
    /// The descriptors that a service manager has passed (sd_listen_fds(3)).
    pub passed_descriptors: Vec<i32>,
    /// Whose the orphans among the service's processes become.
    pub orphans: Reaper,
    /// The descriptors that launchd has given for the service's sockets (`launch_activate_socket`(3)).
    pub launchd_descriptors: Vec<i32>,
}

/// Whose the orphans among the processes below a launcher become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reaper {
    /// The launcher's, if it wants them.
    #[default]
    Subreaper,
    /// Always those of process 1.
    Init,
}

impl CallerState {
    /// What is set of a limit: it, or the nearest that can be.
    pub fn nearest(&self, resource: Resource, limit: Limit) -> Limit {
        let highest_limits = self.highest_limits.get(&resource).copied().unwrap_or(LimitValue::Infinity);
        Limit { soft: limit.soft.min(highest_limits), hard: limit.hard.min(highest_limits) }
    }

    /// Whether this process may become anybody.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}
