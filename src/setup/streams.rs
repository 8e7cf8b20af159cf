//! Standard input, output and error.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use svcadapt_spec::{Input, LogTarget, Output, ServiceSpec, Terminal, TerminalClaim, WriteMode};

use super::account;
use super::account::{open_for, with_service_rights};
use super::undo::Created;
use crate::plan::Account;
use crate::sys::journal::Header;
use crate::sys::output::{Links, Opened, Position};
use crate::sys::path_trust::{Last, Reach, SharedDirectory, Sharing};
use crate::sys::terminal::TerminalUse;
use crate::sys::{error_text, escape_control, fd, file, identity, journal, output, terminal};

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
            // `perform` opens a terminal, a socket and data: they need more than an account.
            Input::Inherit | Input::Terminal(_) | Input::Socket | Input::Named(_) | Input::Data => None,
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
            // `perform` opens a terminal and a socket: they need more than an account.
            Output::Inherit | Output::Log(_) | Output::Terminal | Output::Socket | Output::Named(_) => None,
            // The standard streams are still the inherited ones here.
            Output::Descriptor(number) => Some(fd::duplicate_raw(*number, 3)?),
            Output::File(..) if self.has(output) => self.same(output)?,
            Output::File(mode, path) => Some(open(*mode, path.as_path(), account, made)?.into()),
        };
        self.output = Some(output.clone());
        Ok(())
    }

    /// Sets standard input, which is open already.
    pub(super) fn set_input(&mut self, stream: OwnedFd) {
        self.open[0] = Some(stream);
    }

    /// Sets standard output or error, which is open already.
    pub(super) fn set_output(&mut self, number: usize, stream: OwnedFd, output: &Output) {
        self.open[number] = Some(stream);
        self.output = Some(output.clone());
    }

    /// Whether standard output goes there.
    pub(super) fn has(&self, output: &Output) -> bool {
        self.output.as_ref() == Some(output)
    }

    /// A duplicate of standard output, if it goes there.
    pub(super) fn same(&self, output: &Output) -> io::Result<Option<OwnedFd>> {
        let open = self.open[1].as_ref().filter(|_| self.has(output));
        open.map(|open| fd::duplicate(open, 3)).transpose()
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
                None if fd::keep_if_open(number)? => {}
                None => fd::duplicate_to(file::open_null()?, number)?,
            }
        }
        Ok(())
    }
}

/// A stream to the journal for the output of this service.
pub(super) fn journal(spec: &ServiceSpec, target: LogTarget) -> io::Result<OwnedFd> {
    let program = Path::new(&spec.command.program).file_name().unwrap_or_default().to_string_lossy();
    journal::stream(Header {
        identifier: spec.log.identifier.as_deref().unwrap_or(&program),
        priority: spec.log.priority(),
        level_prefix: spec.log.level_prefix.unwrap_or(true),
        kmsg: target.has_kmsg(),
        console: target.has_console(),
    })
}

/// Says that an output is lost, where this process can still be heard.
pub(super) fn say_lost(output: &Output, error: &io::Error) {
    let text = format!("svcadapt: output '{output}': {}; it is lost", error_text(error));
    let _ = fd::write_all(io::stderr(), format!("{}\n", escape_control(&text)).as_bytes());
}

/// Opens a terminal as input, and makes it the controlling terminal (systemd.exec(5), `StandardInput=`).
pub(super) fn take_terminal(path: &Path, claim: TerminalClaim, account: &Account) -> io::Result<OwnedFd> {
    const PAUSE: Duration = Duration::from_millis(100);
    let mut open = open_for(path, account, || terminal::open(path, TerminalUse::Both))?;
    terminal::lead_session().map_err(|_| {
        io::Error::other("this process leads a process group, so it cannot lead a session (setsid(2))")
    })?;
    loop {
        match (terminal::control(&open, claim == TerminalClaim::Force), claim) {
            (Ok(()), _) => {
                if identity::effective_user() == 0 && account.uid != 0 {
                    // As login(1) does: the service may open its terminal by name.
                    file::change_owner(&open, account.uid, open.metadata()?.gid())?;
                }
                return Ok(open.into());
            }
            (Err(error), TerminalClaim::Wait) if error.kind() == io::ErrorKind::PermissionDenied => {
                // The end of another session is no event that a process outside of it can wait for.
                fd::wait_readable(&[], Some(PAUSE))?;
                // The end of the other session has cut off its descriptors (tty(4)).
                open = open_for(path, account, || terminal::open(path, TerminalUse::Both))?;
            }
            (Err(error), _) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another session has this terminal"));
            }
            (Err(error), _) => return Err(error),
        }
    }
}

/// Opens a terminal as output.
pub(super) fn open_terminal(path: &Path, account: &Account) -> io::Result<OwnedFd> {
    Ok(open_for(path, account, || terminal::open(path, TerminalUse::Output))?.into())
}

/// Prepares the terminal. As with systemd, what it does not take is left out: opening it shows whether it is there.
pub(super) fn prepare_terminal(asked: &Terminal) {
    let path = asked.device();
    let opened = || terminal::open(path, TerminalUse::Both);
    if asked.hangup == Some(true) {
        let _ = opened().and_then(terminal::hang_up);
    }
    if let Ok(open) = opened() {
        if asked.reset == Some(true) {
            let _ = terminal::reset(&open);
        }
        if asked.rows.is_some() || asked.columns.is_some() {
            let _ = terminal::set_size(&open, asked.rows, asked.columns);
        }
    }
    if asked.disallocate == Some(true) {
        let _ = terminal::disallocate(path);
    }
}

/// Opens a log to append to it, and creates it if it is missing.
pub(super) fn open_to_append(path: &Path, account: &Account, made: impl FnMut(Created)) -> io::Result<File> {
    open(WriteMode::Append, path, account, made)
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
