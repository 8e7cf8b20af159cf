//! Standard input, output and error.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svcadapt_spec::{Input, Output, WriteMode};

use super::account;
use super::account::{open_for, with_its_rights};
use super::journal::Created;
use crate::plan::Account;
use crate::sys::output::{Links, Opened, Position};
use crate::sys::path_trust::{Last, Reach, SharedDirectory, Sharing};
use crate::sys::{fd, file, identity, output};

/// The mode of a log file that is made: its owner's to write, its group's to read.
const LOG_MODE: u32 = 0o640;

/// The streams that were opened, until they are put into their places.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: [Option<OwnedFd>; 3],
    output: Option<Output>,
}

impl Streams {
    /// Opens standard input: as the service's user where that one could have put something else there.
    pub(super) fn input(&mut self, input: &Input, account: &Account) -> io::Result<()> {
        self.open[0] = match input {
            Input::Null => Some(file::open_null()?.into()),
            Input::Inherit => None,
            Input::File(path) => {
                let path = path.as_path();
                Some(open_for(path, account, || file::open_input(path))?.into())
            }
        };
        Ok(())
    }

    /// Opens standard output or error; `made` is told of what is made, as soon as it is there.
    ///
    /// Where both go to one file it is opened once: two places to write at would overwrite each other.
    pub(super) fn output(
        &mut self,
        number: usize,
        output: &Output,
        account: &Account,
        made: impl FnMut(Created),
    ) -> io::Result<()> {
        self.open[number] = match output {
            Output::Null => Some(file::open_null()?.into()),
            Output::Inherit => None,
            // Nothing has been put into its place yet.
            Output::Descriptor(number) => Some(fd::duplicate_raw(*number, 3)?),
            Output::File(..) if self.output.as_ref() == Some(output) => {
                self.open[1].as_ref().map(|open| fd::duplicate(open, 3)).transpose()?
            }
            Output::File(mode, path) => Some(open(*mode, path.as_path(), account, made)?.into()),
        };
        self.output = Some(output.clone());
        Ok(())
    }

    /// Puts the streams into their places. What is inherited stays, and survives the exec.
    pub(super) fn place(&self) -> io::Result<()> {
        self.place_first(3)
    }

    /// The same, but a standard error that is to be the null device stays the starter's for now: until the service is
    /// ready there is somebody who reads it.
    pub(super) fn place_but_last(&self) -> io::Result<()> {
        self.place_first(if self.output == Some(Output::Null) { 2 } else { 3 })
    }

    /// What standard error is to be later, where it has not been put into its place.
    pub(super) fn last(&mut self) -> Option<OwnedFd> {
        self.open[2].take().filter(|_| self.output == Some(Output::Null))
    }

    fn place_first(&self, count: usize) -> io::Result<()> {
        for (number, stream) in (0..).zip(&self.open).take(count) {
            match stream {
                Some(stream) => fd::duplicate_to(stream, number)?,
                None if fd::is_open(number) => fd::clear_close_on_exec(number)?,
                None => fd::duplicate_to(file::open_null()?, number)?,
            }
        }
        Ok(())
    }
}

/// A log that was opened, and what must hold of it.
struct Log {
    opened: Opened,
    rights: Rights,
    /// Whose it may be, where others could have put a file of theirs there.
    owners: Option<[u32; 2]>,
}

/// With whose rights a log was opened.
#[derive(PartialEq, Eq)]
enum Rights {
    Ours,
    OfService,
}

/// Opens a log, and makes it where it is not there: `made` is told before anything else is done to it.
fn open(mode: WriteMode, path: &Path, account: &Account, mut made: impl FnMut(Created)) -> io::Result<File> {
    let position = if mode == WriteMode::Append { Position::End } else { Position::Start };
    let reach = account::reach(path, Last::File, account)?;
    let Log { opened: Opened { file, made: place }, rights, owners } = match reach {
        Reach::RootOnly => {
            let opened = output::open(path, position, LOG_MODE, Links::Follow)?;
            Log { opened, rights: Rights::Ours, owners: None }
        }
        Reach::Others(shared) => open_shared(path, position, &shared, account)?,
    };
    if let Some(place) = place {
        made(Created::of(&place, &file.metadata()?));
        match rights {
            Rights::Ours => file::set_mode(&file, LOG_MODE)?,
            Rights::OfService => with_its_rights(account, || file::set_mode(&file, LOG_MODE))?,
        }
        if rights == Rights::Ours && identity::effective_user() == 0 {
            file::change_owner(&file, account.uid, account.gid)?;
        }
    } else if let Some(owners) = owners {
        refuse_strangers(&file, owners)?;
    }
    if mode == WriteMode::Truncate {
        // Only now that it is known to be ours.
        output::empty(&file)?;
    }
    Ok(file)
}

/// Opens a log in the reach of others: with the rights of the service's user.
///
/// Where that user has none, as in a /var/log that belongs to root and can be written by the group of the system's
/// logger, root opens it after all; but it follows no link there.
fn open_shared(
    path: &Path,
    position: Position,
    shared: &SharedDirectory,
    account: &Account,
) -> io::Result<Log> {
    let in_sticky = shared.how == Sharing::Sticky && shared.below.len() == 1;
    let links = if in_sticky { Links::Refuse } else { Links::Follow };
    let by_path = || output::open(path, position, LOG_MODE, links);
    let own = identity::effective_user();
    if own != 0 {
        let owners = in_sticky.then_some([0, own]);
        return Ok(Log { opened: by_path()?, rights: Rights::Ours, owners });
    }
    let directory = std::fs::metadata(&shared.directory)?.uid();
    if account.uid == 0 {
        let known = |found: &Metadata| [0, directory].contains(&found.uid());
        let opened = output::open_below(shared, position, LOG_MODE, known)?;
        return Ok(Log { opened, rights: Rights::Ours, owners: Some([0, directory]) });
    }
    let tried = || Ok((by_path(), file::may_write(&shared.directory).is_ok()));
    match with_its_rights(account, tried)? {
        (Err(error), false) if error.kind() == io::ErrorKind::PermissionDenied && directory == 0 => {
            let roots = |found: &Metadata| found.uid() == 0 && found.mode() & 0o022 == 0;
            let opened = output::open_below(shared, position, LOG_MODE, roots)?;
            Ok(Log { opened, rights: Rights::Ours, owners: Some([0, account.uid]) })
        }
        (opened, _) => {
            let owners = in_sticky.then_some([0, account.uid]);
            Ok(Log { opened: opened?, rights: Rights::OfService, owners })
        }
    }
}

/// Refuses what others may have put where a log is to be.
fn refuse_strangers(file: &File, owners: [u32; 2]) -> io::Result<()> {
    let found = file.metadata()?;
    if !owners.contains(&found.uid()) {
        return Err(io::Error::other("it belongs to another user"));
    }
    if found.nlink() > 1 {
        return Err(io::Error::other("it has more than one name (hard links)"));
    }
    Ok(())
}

/// The end of a log that the program has written since `from`, for a report of its death. What the service's user could
/// have put there is read with no more rights than theirs: it is shown to people.
pub fn tail(path: &Path, from: u64, account: &Account) -> io::Result<String> {
    use std::os::unix::fs::FileExt;
    const MAX_TEXT: u64 = 4096;
    let open = open_for(path, account, || match account.uid {
        0 => file::open_regular_nofollow(path),
        _ => file::open_regular(path),
    })?;
    let length = open.metadata()?.len();
    let begin = from.max(length.saturating_sub(MAX_TEXT)).min(length);
    let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or(0)];
    let read = open.read_at(&mut bytes, begin)?;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}

/// How long a log is; none where it is not there.
pub fn length(path: &Path, account: &Account) -> Option<u64> {
    account::look_for(account, || std::fs::metadata(path)).ok().map(|found| found.len())
}
