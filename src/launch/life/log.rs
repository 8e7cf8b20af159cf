//! The log pipe of a service (`LogRotateSize=`, `LogRotateAge=`, `LogTimestamps=`): opened before the first start, read in
//! the loop, rotated and opened again here.

use std::io;
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use svcadapt_spec::{Output, WriteMode};

use super::state::Life;
use crate::error::{StepError, tell};
use crate::launch::start::Start;
use crate::logs::{LogPipe, LogRules, Pumped};
use crate::plan::SetupStep;
use crate::setup;
use crate::sys::process::Side;
use crate::sys::{descendants, error_text, fd, process, signal};

/// The longest content of a pipe that a program can ask for without a right (pipe-max-size, proc(5)).
const MAX_PIPE_BYTES: u64 = 1024 * 1024;

/// How long a line may take that is being written while the file is opened again.
const LINE_TIMEOUT: Duration = Duration::from_millis(200);

/// How many old files are kept.
const DEFAULT_KEEP: u32 = 5;

impl Life<'_, '_> {
    /// Opens the log file and the pipe of a service that asks for them.
    pub(super) fn open_log(&mut self) -> Result<(), StepError> {
        let start = self.start;
        let (true, Some(path)) = (start.spec.log_file.has_pipe(), log_path(start)) else { return Ok(()) };
        let output = start.spec.standard_output.clone().unwrap_or(Output::Null);
        let step = SetupStep::StandardOutput(output);
        let failed = step.io_error();
        let (made, waiter) = (&mut self.created, &self.waiter);
        let open = setup::open_log(start.spec, path, &start.resolved.account, |one| waiter.note(made, one));
        let open = open.map_err(&failed)?;
        if start.spec.log_file.gzip == Some(true) {
            // Of a service whose monitor was killed.
            let _ = setup::clear_unfinished_logs(path, &start.resolved.account);
        }
        let age = age_left(start, &open.file);
        let pipe = start.pipe().and_then(|ends| LogPipe::new(ends, open.file, open.whole, rules(start)));
        let mut pipe = pipe.map_err(&failed)?;
        pipe.is_old_in(age);
        self.log_pipe = Some(pipe);
        Ok(())
    }

    /// Writes what the service has said into its log file.
    pub(super) fn pump_log(&mut self) -> io::Result<Pumped> {
        let Some(pipe) = &mut self.log_pipe else { return Ok(Pumped::All) };
        let pumped = pipe.pump()?;
        if let Some(error) = pipe.take_failure() {
            tell_lost(&self.start.name(), &error);
        }
        // What was read and belongs into the next file wakes no poll(2).
        while self.log_pipe.as_mut().is_some_and(|pipe| !pipe.flush()) {
            self.rotate_log();
        }
        Ok(if pumped == Pumped::Due { Pumped::Some } else { pumped })
    }

    /// The service has ended: nothing more comes. A compression that it has interrupted begins again at the next rotation.
    pub(super) fn close_log(&mut self) {
        let _ = self.drain_log();
        if let (Some(path), Some(true)) = (log_path(self.start), self.start.spec.log_file.gzip) {
            let _ = setup::clear_unfinished_logs(path, &self.start.resolved.account);
        }
    }

    /// Writes all that is in the pipe now; more may come all the time.
    pub(super) fn drain_log(&mut self) -> io::Result<()> {
        let taken = |pipe: &Option<LogPipe>| pipe.as_ref().map_or(0, LogPipe::taken);
        let before = taken(&self.log_pipe);
        while self.pump_log()? != Pumped::All && taken(&self.log_pipe) - before < MAX_PIPE_BYTES {}
        Ok(())
    }

    /// Waits for the end of a line that is being written, or ends it: the rest is in the next file.
    fn end_line(&mut self) -> io::Result<()> {
        let until = Instant::now() + LINE_TIMEOUT;
        while let Some(pipe) = self.log_pipe.as_mut().filter(|pipe| pipe.is_within_a_line()) {
            let left = until.saturating_duration_since(Instant::now());
            fd::wait_readable(&[pipe.as_fd()], Some(left))?;
            // Also after the timeout: this process may have waited for a processor.
            pipe.pump_line()?;
            if left.is_zero() {
                pipe.end_line();
                break;
            }
        }
        Ok(())
    }

    /// Moves the log file aside, and begins a new one. A file that cannot be rotated grows for as long again.
    fn rotate_log(&mut self) {
        let start = self.start;
        let Some(path) = log_path(start) else { return };
        let keep = start.spec.log_file.keep.map_or(DEFAULT_KEEP, NonZeroU32::get);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let account = &start.resolved.account;
        // If another program has moved it away, that was a rotation.
        let aside = match self.log_pipe.as_ref().map(|pipe| pipe.is_at(path)) {
            Some(Ok(true)) => match setup::set_log_aside(path, account, keep) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                moved => moved,
            },
            Some(Err(error)) => Err(error),
            Some(Ok(false)) | None => Ok(()),
        };
        if let Err(error) = aside.and_then(|()| self.begin_log(path)) {
            self.note(&format!("its log file is not rotated: {}: {}", path.display(), error_text(&error)));
            if let Some(pipe) = &mut self.log_pipe {
                pipe.postpone(rules(start));
            }
        } else if start.spec.log_file.gzip == Some(true) {
            compress(start, path);
        }
    }

    /// Writes into the file that has the name now, or into a new one.
    fn begin_log(&mut self, path: &Path) -> io::Result<()> {
        let start = self.start;
        let open = setup::open_log(start.spec, path, &start.resolved.account, |_| {})?;
        let age = age_left(start, &open.file);
        let Some(pipe) = &mut self.log_pipe else { return Ok(()) };
        pipe.replace(open.file, open.whole, rules(start))?;
        pipe.is_old_in(age);
        self.log.is_new();
        Ok(())
    }

    fn move_log(&mut self, path: &Path) -> io::Result<()> {
        if self.log_pipe.as_ref().is_some_and(|pipe| pipe.is_at(path).unwrap_or(false)) {
            // Nothing was moved, or a rotation has begun the new file.
            return Ok(());
        }
        self.end_line()?;
        self.begin_log(path)
    }

    /// Opens the log file again, because it was moved away. The answer to the request.
    pub(super) fn reopen_log(&mut self) -> String {
        let start = self.start;
        let (Some(_), Some(path)) = (&self.log_pipe, log_path(start)) else { return "failed".to_owned() };
        // What was said before belongs into the file before.
        let reopened = self.drain_log().and_then(|()| self.move_log(path));
        match reopened {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("failed {}: {}", path.display(), error_text(&error)).replace('\n', " "),
        }
    }
}

/// One line for output that could not be written. It says when there is room again, in the file, how much is missing.
pub(super) fn tell_lost(name: &str, error: &io::Error) {
    tell(&format!("{name}: its output is lost until its log file can be written: {}", error_text(error)));
}

fn rules(start: &Start<'_>) -> LogRules {
    LogRules::of(&start.spec.log_file)
}

/// The file that the service appends to.
fn log_path<'a>(start: &Start<'a>) -> Option<&'a Path> {
    match &start.spec.standard_output {
        Some(Output::File(WriteMode::Append, path)) => Some(path.as_path()),
        _ => None,
    }
}

/// How long the file may still be used. Without the time of its creation (statx(2)) its age begins now.
fn age_left(start: &Start<'_>, file: &std::fs::File) -> Option<Duration> {
    let longest = start.spec.log_file.rotate_age?.finite()?;
    let made = file.metadata().and_then(|found| found.created()).unwrap_or_else(|_| SystemTime::now());
    let age = SystemTime::now().duration_since(made).unwrap_or_default();
    Some(longest.saturating_sub(age))
}

/// Compresses old files in a process of its own, which ends with this one. It is not waited for.
fn compress(start: &Start<'_>, path: &Path) {
    let own = process::own_pid();
    let Ok(Side::Child) = process::fork() else { return };
    signal::reset_for_set_up();
    let _ = signal::unblock_all();
    // Not the lock: it would be held for longer than the service lives.
    let closed = fd::close_others();
    if closed.is_err() || descendants::HAS_SUBREAPER && descendants::die_with_parent(own).is_err() {
        process::exit_now(0);
    }
    let compressed = setup::compress_logs(path, &start.resolved.account);
    if let Err(error) = &compressed {
        tell(&format!("{}: old log files are not compressed: {}", start.name(), error_text(error)));
    }
    process::exit_now(u8::from(compressed.is_err()));
}
