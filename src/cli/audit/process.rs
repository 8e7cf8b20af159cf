//! What is known of a process: plain data, to be judged.

use std::path::PathBuf;

use svcadapt::internal::procfs::{CoreAndFiles, Descriptors, FileId, Inode, Stat, Status, Unreadable};

use crate::audit::accounts::Accounts;
use crate::audit::pid_file::PidFileFacts;

/// A process as `/proc` shows it. What may not be looked at is an `Unreadable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Who it is.
    pub(crate) stat: Stat,
    /// What it may do.
    pub(crate) status: Status,
    /// Its parent and the leader of its session.
    pub(crate) relatives: Relatives,
    /// Whether its environment says that systemd started this very process (`SYSTEMD_EXEC_PID`, systemd.exec(5)).
    pub(crate) started_by_systemd: bool,
    /// What it has open.
    pub(crate) descriptors: Result<Descriptors, Unreadable>,
    /// The names of those of its environment variables that a service should not have, in order of appearance, at most
    /// 256; the rest is left out.
    pub(crate) variables: Result<Vec<Vec<u8>>, Unreadable>,
    /// The working directory.
    pub(crate) working_directory: Result<Inode, Unreadable>,
    /// The root directory.
    pub(crate) root: Result<Inode, Unreadable>,
    /// Our own root directory.
    pub(crate) our_root: Option<FileId>,
    /// The limits on core files and descriptors.
    pub(crate) limits: Result<CoreAndFiles, Unreadable>,
    /// The nice value.
    pub(crate) nice: Result<i32, Unreadable>,
    /// The adjustment of its out-of-memory score.
    pub(crate) oom_score_adjustment: Result<i32, Unreadable>,
    /// Names of users and groups; `None` if they are not to be had.
    pub(crate) accounts: Option<Accounts>,
    /// The PID file, if one was named.
    pub(crate) pid_file: Option<PidFileFacts>,
    /// The lock that svcadapt has recorded this process with, where it is a service of ours.
    pub(crate) lock: Option<PathBuf>,
}

/// The processes that a process is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relatives {
    /// Its parent; `None` if that is outside our pid namespace, or is gone.
    pub(crate) parent: Option<Relative>,
    /// The leader of its session; `None` if it has ended, or if it is outside our pid namespace.
    pub(crate) leader: Option<Relative>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relative {
    /// Who it is.
    pub(crate) stat: Stat,
    /// Whether it runs the same program file.
    pub(crate) same_program: bool,
}

#[cfg(test)]
pub(crate) mod samples {
    use svcadapt::internal::procfs::{
        Access, CapabilitySets, Descriptor, Ids, Kind, Limit, OpenFlags, Seccomp, SignalSet,
    };

    use super::*;
    use crate::audit::accounts::Account;

    /// A daemon with nothing to be said against it: pid 42 of user `www` (33), adopted by process 1.
    pub(in crate::audit) fn clean() -> Process {
        let root = inode("/", Kind::Directory, 0o755, 0);
        Process {
            stat: stat(42, "httpd", 1, 41),
            status: Status {
                thread_group: 42,
                kernel_thread: false,
                pids: vec![42],
                umask: Some(0o022),
                uids: Ids::all(33),
                gids: Ids::all(33),
                groups: vec![33],
                blocked: SignalSet::default(),
                ignored: SignalSet::default(),
                capabilities: CapabilitySets::default(),
                no_new_privileges: Some(true),
                seccomp: Some(Seccomp::Off),
            },
            relatives: Relatives { parent: Some(relative(stat(1, "init", 0, 1))), leader: None },
            started_by_systemd: false,
            descriptors: Ok(Descriptors {
                listed: (0..3).map(|number| descriptor(number, null(), Access::Both)).collect(),
                more: 0,
            }),
            variables: Ok(Vec::new()),
            our_root: Some(root.id),
            working_directory: Ok(root.clone()),
            root: Ok(root),
            limits: Ok(CoreAndFiles {
                core: Limit { soft: Some(0), hard: None },
                files: Limit { soft: Some(1024), hard: Some(4096) },
            }),
            nice: Ok(0),
            oom_score_adjustment: Ok(0),
            accounts: Some(Accounts {
                user: Some(Account { name: "www".to_owned(), gid: 33, member_of: vec![33] }),
                group_names: [(4, "adm"), (27, "sudo"), (33, "www")]
                    .map(|(gid, name)| (gid, name.to_owned()))
                    .into(),
            }),
            pid_file: None,
            lock: None,
        }
    }

    pub(in crate::audit) fn stat(pid: i32, comm: &str, parent: i32, session: i32) -> Stat {
        Stat {
            pid,
            comm: comm.to_owned(),
            state: 'S',
            ppid: parent,
            pgrp: session,
            session,
            tty_nr: 0,
            exiting: false,
            start_time: 7,
        }
    }

    pub(in crate::audit) fn relative(stat: Stat) -> Relative {
        Relative { stat, same_program: false }
    }

    pub(in crate::audit) fn inode(path: &str, kind: Kind, mode: u32, uid: u32) -> Inode {
        let id = FileId { device: 1, inode: path.len() as u64 };
        Inode { path: PathBuf::from(path), id, kind, mode, uid, gid: uid, deleted: false }
    }

    pub(in crate::audit) fn null() -> Inode {
        inode("/dev/null", Kind::Null, 0o666, 0)
    }

    pub(in crate::audit) fn descriptor(number: i32, target: Inode, access: Access) -> Descriptor {
        let flags = OpenFlags { access, close_on_exec: false, signals: None };
        Descriptor { number, target: Ok(target), flags: Ok(flags) }
    }
}
