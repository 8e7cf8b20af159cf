//! Standard input, output and error.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svcadapt_spec::{Input, Output, WriteMode};

use super::account;
use super::account::{open_for, with_service_rights};
use super::undo::Created;
use crate::plan::Account;
use crate::sys::output::{Links, Opened, Position};
use crate::sys::path_trust::{Last, Reach, SharedDirectory, Sharing};
use crate::sys::{fd, file, identity, output};

/// The mode of a new log file: writable by its owner, readable by its group.
const LOG_MODE: u32 = 0o640;

/// The open streams, before they are moved to descriptors 0 to 2.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: [Option<OwnedFd>; 3],
    output: Option<Output>,
}

impl Streams {
    /// Opens standard input, with the service's rights if its user could have replaced the file.
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

    /// Opens standard output or error. `made` is called right after a file was created.
    ///
    /// If both go to the same file, it is opened once: two file offsets would overwrite each other.
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
            // The standard streams are still the inherited ones here.
            Output::Descriptor(number) => Some(fd::duplicate_raw(*number, 3)?),
            Output::File(..) if self.output.as_ref() == Some(output) => {
                self.open[1].as_ref().map(|open| fd::duplicate(open, 3)).transpose()?
            }
            Output::File(mode, path) => Some(open(*mode, path.as_path(), account, made)?.into()),
        };
        self.output = Some(output.clone());
        Ok(())
    }

    /// Moves the streams to descriptors 0 to 2. Inherited ones stay, and survive the exec.
    pub(super) fn place(&self) -> io::Result<()> {
        self.place_first(3)
    }

    /// The same, but a standard error that becomes `/dev/null` is deferred: until the service is ready, the starter
    /// reads it.
    pub(super) fn place_without_null_stderr(&self) -> io::Result<()> {
        self.place_first(if self.output == Some(Output::Null) { 2 } else { 3 })
    }

    /// The deferred standard error.
    pub(super) fn deferred_stderr(&mut self) -> Option<OwnedFd> {
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

/// An open log file, and the conditions it must meet.
struct OpenedLog {
    opened: Opened,
    opened_as: OpenedAs,
    /// The permitted owners, if other users could have created the file.
    owners: Option<[u32; 2]>,
}

/// Whose rights opened the log.
#[derive(PartialEq, Eq)]
enum OpenedAs {
    Caller,
    Service,
}

/// Opens a log, and creates it if it is missing. `made` is called before the new file is changed.
fn open(mode: WriteMode, path: &Path, account: &Account, mut made: impl FnMut(Created)) -> io::Result<File> {
    let position = if mode == WriteMode::Append { Position::End } else { Position::Start };
    let reach = account::reach(path, Last::File, account)?;
    let OpenedLog { opened: Opened { file, made: place }, opened_as, owners } = match reach {
        Reach::RootOnly => {
            let opened = output::open(path, position, LOG_MODE, Links::Follow)?;
            OpenedLog { opened, opened_as: OpenedAs::Caller, owners: None }
        }
        Reach::Others(shared) => open_shared(path, position, &shared, account)?,
    };
    if let Some(place) = place {
        made(Created::of(&place, &file.metadata()?));
        match opened_as {
            OpenedAs::Caller => file::set_mode(&file, LOG_MODE)?,
            OpenedAs::Service => with_service_rights(account, || file::set_mode(&file, LOG_MODE))?,
        }
        if opened_as == OpenedAs::Caller && identity::effective_user() == 0 {
            file::change_owner(&file, account.uid, account.gid)?;
        }
    } else if let Some(owners) = owners {
        refuse_strangers(&file, owners)?;
    }
    if mode == WriteMode::Truncate {
        // Only after the file's owner was verified.
        output::empty(&file)?;
    }
    Ok(file)
}

/// Opens a log in a directory that others can write, with the rights of the service's user.
///
/// If that user may not write there (a /var/log of root that is writable by the system logger's group), root opens
/// it, without following symbolic links.
fn open_shared(
    path: &Path,
    position: Position,
    shared: &SharedDirectory,
    account: &Account,
) -> io::Result<OpenedLog> {
    let in_sticky = shared.how == Sharing::Sticky && shared.below.len() == 1;
    let links = if in_sticky { Links::Refuse } else { Links::Follow };
    let by_path = || output::open(path, position, LOG_MODE, links);
    let own = identity::effective_user();
    if own != 0 {
        let owners = in_sticky.then_some([0, own]);
        return Ok(OpenedLog { opened: by_path()?, opened_as: OpenedAs::Caller, owners });
    }
    let directory = std::fs::metadata(&shared.directory)?.uid();
    if account.uid == 0 {
        let known = |found: &Metadata| [0, directory].contains(&found.uid());
        let opened = output::open_below(shared, position, LOG_MODE, known)?;
        return Ok(OpenedLog { opened, opened_as: OpenedAs::Caller, owners: Some([0, directory]) });
    }
    let tried = || Ok((by_path(), file::may_write(&shared.directory).is_ok()));
    match with_service_rights(account, tried)? {
        (Err(error), false) if error.kind() == io::ErrorKind::PermissionDenied && directory == 0 => {
            let roots = |found: &Metadata| found.uid() == 0 && found.mode() & 0o022 == 0;
            let opened = output::open_below(shared, position, LOG_MODE, roots)?;
            Ok(OpenedLog { opened, opened_as: OpenedAs::Caller, owners: Some([0, account.uid]) })
        }
        (opened, _) => {
            let owners = in_sticky.then_some([0, account.uid]);
            Ok(OpenedLog { opened: opened?, opened_as: OpenedAs::Service, owners })
        }
    }
}

/// Refuses a file that another user may have placed there.
fn refuse_strangers(file: &File, owners: [u32; 2]) -> io::Result<()> {
    let found = file.metadata()?;
    if !owners.contains(&found.uid()) {
        return Err(io::Error::other("it belongs to another user"));
    }
    if found.nlink() > 1 {
        return Err(io::Error::other("it has several hard links"));
    }
    Ok(())
}

/// The end of a log that the program has written since `from`, for the report of its failure. A file that the
/// service's user could have replaced is read with that user's rights: its content is printed.
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

/// The length of a log in bytes. `None` if it does not exist.
pub fn length(path: &Path, account: &Account) -> Option<u64> {
    account::look_for(account, || std::fs::metadata(path)).ok().map(|found| found.len())
}
