//! The place of a socket or FIFO in the file system, and the rights with which it is made there.

use std::io;
use std::path::Path;

use super::account::with_service_rights;
use super::undo::Created;
use super::{account, directory};
use crate::plan::Account;
use crate::sys::path_trust::{Judge, Last};
use crate::sys::{directories, error_text, identity};

/// Creates the missing parent directories of a socket, as systemd does. Refuses directories that other users can
/// change.
pub(super) fn prepare<'a>(
    path: &Path,
    account: &'a Account,
    made: &mut impl FnMut(Created),
) -> Result<Creator<'a>, ListenError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let there = parent.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    let creator = Creator::of(there, account)?;
    if there == parent {
        return Ok(creator);
    }
    creator.act(|| directory::make_way(path, made))?;
    // In a shared directory another user may have created the path meanwhile.
    Creator::of(parent, account)
}

/// The rights with which a file is created and a stale one removed.
pub(super) enum Creator<'a> {
    Caller,
    /// The service's user could replace parts of the path and so turn root's rights against any file of that name.
    Service(&'a Account),
}

impl<'a> Creator<'a> {
    /// A sticky directory such as /tmp is safe: others can add names but not remove ours.
    pub(super) fn of(directory: &Path, account: &'a Account) -> Result<Self, ListenError> {
        if identity::effective_user() != 0 {
            return Ok(Self::Caller);
        }
        let judge = account::judge(account);
        let found = |judge: Judge| {
            let shared = judge.reach(directory, Last::Directory)?.shared();
            Ok::<_, io::Error>(shared.filter(|shared| !shared.keeps_our_names()))
        };
        if let Some(shared) = found(judge.trusting(account.uid))? {
            let place = shared.directory.display();
            let cause = format!("users other than root and the service's can write in {place}");
            return Err(listen_error(cause, &directories::shared_dir_hint(&shared.directory)));
        }
        Ok(if found(judge)?.is_some() { Self::Service(account) } else { Self::Caller })
    }

    pub(super) fn user(&self) -> u32 {
        match self {
            Self::Caller => identity::effective_user(),
            Self::Service(account) => account.uid,
        }
    }

    pub(super) fn act<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Caller => act(),
            Self::Service(account) => with_service_rights(account, act),
        }
    }
}

/// Why a socket cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListenError {
    /// The cause, in words.
    pub(super) cause: String,
    /// What the reader can do about it.
    pub(super) hint: Option<String>,
    /// The errno, if the kernel refused.
    pub(super) errno: Option<i32>,
}

impl From<io::Error> for ListenError {
    fn from(error: io::Error) -> Self {
        Self { cause: error_text(&error), hint: None, errno: error.raw_os_error() }
    }
}

/// The error with a cure.
pub(super) fn listen_error(cause: impl Into<String>, hint: &str) -> ListenError {
    ListenError { cause: cause.into(), hint: Some(hint.into()), errno: None }
}
