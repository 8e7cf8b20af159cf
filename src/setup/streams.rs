//! Standard input, output and error.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::plan::Account;
use crate::spec::FileMode;
use crate::spec::Input;
use crate::spec::Output;
use crate::sys::fd;
use crate::sys::file;
use crate::sys::file::Links;
use crate::sys::file::Opened;
use crate::sys::file::Writing;
use crate::sys::identity;
use crate::sys::place::Last;

use super::account::judge;
use super::account::open_for;
use super::account::with_its_rights;
use super::journal::Made;

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

    /// Opens standard output or error; says what was made by it.
    ///
    /// Where both go to one file it is opened once: two places to write at would overwrite each other.
    pub(super) fn output(
        &mut self,
        number: usize,
        output: &Output,
        account: &Account,
    ) -> io::Result<Option<Made>> {
        let (stream, made) = match output {
            Output::Null => (Some(file::open_null()?.into()), None),
            Output::Inherit => (None, None),
            Output::File(..) if self.output.as_ref() == Some(output) => {
                (self.open[1].as_ref().map(|open| fd::duplicate(open, 3)).transpose()?, None)
            }
            Output::File(mode, path) => {
                let opened = open(*mode, path.as_path(), account)?;
                let made = if opened.created { Some(Made::note(path.as_path())?) } else { None };
                (Some(opened.file.into()), made)
            }
        };
        self.open[number] = stream;
        self.output = Some(output.clone());
        Ok(made)
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
                Some(stream) => fd::place(stream, number)?,
                None if fd::is_open(number) => fd::survive_exec(number)?,
                None => fd::place(file::open_null()?, number)?,
            }
        }
        Ok(())
    }
}

/// Opens a log. Root does so only where nobody else could have put a link; elsewhere the service's own user does.
fn open(mode: FileMode, path: &Path, account: &Account) -> io::Result<Opened> {
    let writing = match mode {
        FileMode::Overwrite => Writing::Over,
        FileMode::Append => Writing::Append,
        FileMode::Truncate => Writing::Truncate,
    };
    if identity::effective_user() != 0 {
        return file::open_output(path, writing, LOG_MODE, Links::Follow);
    }
    let unsafe_place = judge(account).reach(path, Last::File)?.shared().is_some();
    match (unsafe_place, account.uid) {
        (true, 0) => file::open_output(path, writing, LOG_MODE, Links::Refuse),
        (true, _) => with_its_rights(account, || file::open_output(path, writing, LOG_MODE, Links::Follow)),
        (false, _) => {
            let opened = file::open_output(path, writing, LOG_MODE, Links::Follow)?;
            if opened.created {
                file::give(&opened.file, account.uid, account.gid)?;
            }
            Ok(opened)
        }
    }
}

/// The end of a log that the program has written since `from`, for a report of its death. What the service's user could
/// have put there is read with no more rights than theirs: it is shown to whoever started the service.
pub fn tail(path: &Path, from: u64, account: &Account) -> io::Result<String> {
    use std::os::unix::fs::FileExt;
    const MOST: u64 = 4096;
    let open = open_for(path, account, || file::open_plain(path))?;
    let length = open.metadata()?.len();
    let begin = from.max(length.saturating_sub(MOST)).min(length);
    let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or(0)];
    let read = open.read_at(&mut bytes, begin)?;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}
