//! The data about a process, as input for the verdicts.

use std::path::PathBuf;

use svcadapt::internal::procfs::{CoreAndFiles, Descriptors, FileId, Inode, ProcessStatus, Stat, Unreadable};

use crate::audit::accounts::Accounts;
use crate::audit::pid_file::PidFileFacts;

/// A process as `/proc` shows it. An `Unreadable` is the reason why a file of `/proc` could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its pid, name, parent, session and start time.
    pub(crate) stat: Stat,
    /// Its ids, capabilities, signals and umask.
    pub(crate) status: ProcessStatus,
    /// Its parent and the leader of its session.
    pub(crate) relatives: Relatives,
    /// Whether systemd started this very process, by `SYSTEMD_EXEC_PID` in its environment (systemd.exec(5)).
    pub(crate) started_by_systemd: bool,
    /// Its open descriptors.
    pub(crate) descriptors: Result<Descriptors, Unreadable>,
    /// The names of the environment variables that a service should not inherit, in order of appearance, at most 256.
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
    /// Names of users and groups; `None` if they are not available.
    pub(crate) accounts: Option<Accounts>,
    /// The PID file, if one was named.
    pub(crate) pid_file: Option<PidFileFacts>,
    /// The path of svcadapt's lock file, if the process is one of its services.
    pub(crate) lock: Option<PathBuf>,
}

/// The parent and the session leader of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relatives {
    /// The parent; `None` if it has ended or is outside the pid namespace.
    pub(crate) parent: Option<Relative>,
    /// The leader of the session; `None` if it has ended or is outside the pid namespace.
    pub(crate) leader: Option<Relative>,
}

/// A parent or a session leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relative {
    /// Its `/proc/PID/stat`.
    pub(crate) stat: Stat,
    /// Whether it runs the same program file as the process.
    pub(crate) same_program: bool,
}

#[cfg(test)]
pub(crate) mod samples {
    use svcadapt::internal::procfs::{
        CapabilitySets, Descriptor, DescriptorAccess, Ids, InodeKind, OpenFlags, ProcessLimit, Seccomp,
        SignalSet,
    };

    use super::*;
    use crate::audit::accounts::KnownUser;

    /// A daemon without findings: pid 42 of user `www` (33), adopted by process 1.
    pub(in crate::audit) fn clean() -> Process {
        let root = inode("/", InodeKind::Directory, 0o755, 0);
        Process {
            stat: stat(42, "httpd", 1, 41),
            status: ProcessStatus {
                thread_group: 42,
                kernel_thread: false,
                pids: vec![42],
                umask: Some(0o022),
                uids: Ids::all(33),
                gids: Ids::all(33),
                groups: vec![33],
                pending: SignalSet::default(),
                blocked: SignalSet::default(),
                ignored: SignalSet::default(),
                caught: SignalSet::default(),
                capabilities: CapabilitySets::default(),
                no_new_privileges: Some(true),
                seccomp: Some(Seccomp::Off),
            },
            relatives: Relatives { parent: Some(relative(stat(1, "init", 0, 1))), leader: None },
            started_by_systemd: false,
            descriptors: Ok(Descriptors {
                listed: (0..3).map(|number| descriptor(number, null(), DescriptorAccess::Both)).collect(),
                more: 0,
            }),
            variables: Ok(Vec::new()),
            our_root: Some(root.id),
            working_directory: Ok(root.clone()),
            root: Ok(root),
            limits: Ok(CoreAndFiles {
                core: ProcessLimit { soft: Some(0), hard: None },
                files: ProcessLimit { soft: Some(1024), hard: Some(4096) },
            }),
            nice: Ok(0),
            oom_score_adjustment: Ok(0),
            accounts: Some(Accounts {
                user: Some(KnownUser { name: "www".to_owned(), gid: 33, member_of: vec![33] }),
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

    pub(in crate::audit) fn inode(path: &str, kind: InodeKind, mode: u32, uid: u32) -> Inode {
        let id = FileId { device: 1, inode: path.len() as u64 };
        Inode { path: PathBuf::from(path), id, kind, mode, uid, gid: uid, deleted: false }
    }

    pub(in crate::audit) fn null() -> Inode {
        inode("/dev/null", InodeKind::Null, 0o666, 0)
    }

    pub(in crate::audit) fn descriptor(number: i32, target: Inode, access: DescriptorAccess) -> Descriptor {
        let flags = OpenFlags { access, close_on_exec: false, signals: None };
        Descriptor { number, target: Ok(target), flags: Ok(flags) }
    }
}
