//! The pipe between a service and the process that writes its log file.
//!
//! The process that stays with the service holds both ends, so the pipe outlives each start of the program, and the images
//! of that process, which pass it on. Nothing is kept back: what was read is in the file, but for the beginning of a new
//! file, which the image that rotates gets in a memory file.

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::writer::{LogRules, LogWriter, WriterState};
use crate::sys::{fd, file};

/// How much is read at a time: half of a pipe (pipe(7)).
const PIECE_BYTES: usize = 32 * 1024;

/// How often the pipe is read before the caller looks at other events.
const MAX_READS: usize = 16;

/// The pipe and the log file.
#[derive(Debug)]
pub(crate) struct LogPipe {
    read: OwnedFd,
    write: OwnedFd,
    writer: LogWriter,
    timestamps: bool,
    /// When the file is old enough to be rotated.
    old_at: Option<Instant>,
    /// What was read and belongs into the next file.
    pending: Vec<u8>,
    /// The same for the next image.
    handed_over: Option<OwnedFd>,
    buffer: Vec<u8>,
    /// How many bytes were read by this image.
    taken: u64,
}

/// What has become of the pipe's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// It is in the file.
    All,
    /// There may be more.
    Some,
    /// The file has to be rotated first.
    Due,
}

/// What a later image needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogMoment {
    read: i32,
    write: i32,
    file: i32,
    pending: Option<i32>,
    timestamps: bool,
    old_in: Option<Duration>,
    state: WriterState,
}

impl LogPipe {
    /// Begins with this pipe and an open file.
    pub(crate) fn new(
        (read, write): (OwnedFd, OwnedFd),
        log: File,
        whole: bool,
        rules: LogRules,
    ) -> io::Result<Self> {
        fd::fresh_nonblocking(&read)?;
        Ok(Self::of(read, write, LogWriter::new(log, rules, whole)?, rules.timestamps))
    }

    fn of(read: OwnedFd, write: OwnedFd, writer: LogWriter, timestamps: bool) -> Self {
        let (pending, buffer) = (Vec::new(), Vec::new());
        Self { read, write, writer, timestamps, old_at: None, pending, handed_over: None, buffer, taken: 0 }
    }

    /// Goes on where an earlier image has stopped. `take` gives its descriptors.
    pub(crate) fn resume(
        moment: LogMoment,
        mut take: impl FnMut(i32) -> io::Result<OwnedFd>,
    ) -> io::Result<Self> {
        let (read, write) = (take(moment.read)?, take(moment.write)?);
        let writer = LogWriter::resume(take(moment.file)?.into(), moment.timestamps, moment.state);
        let mut pipe = Self::of(read, write, writer, moment.timestamps);
        if let Some(number) = moment.pending {
            File::from(take(number)?).read_to_end(&mut pipe.pending)?;
        }
        pipe.old_at = moment.old_in.and_then(|left| Instant::now().checked_add(left));
        Ok(pipe)
    }

    /// For the next image.
    pub(crate) fn moment(&mut self) -> LogMoment {
        self.writer.say_now();
        if !self.pending.is_empty() && self.handed_over.is_none() {
            self.handed_over = file::readable("log", &self.pending).ok();
            if self.handed_over.is_none() {
                // Rather in the old file than lost.
                self.writer.put(&std::mem::take(&mut self.pending));
            }
        }
        LogMoment {
            read: self.read.as_raw_fd(),
            write: self.write.as_raw_fd(),
            file: self.writer.file().as_raw_fd(),
            pending: self.handed_over.as_ref().map(AsRawFd::as_raw_fd),
            timestamps: self.timestamps,
            old_in: self.old_at.map(|at| at.saturating_duration_since(Instant::now())),
            state: self.writer.state(),
        }
    }

    /// The end that the service writes to.
    pub(crate) fn end(&self) -> io::Result<OwnedFd> {
        fd::duplicate(&self.write, 3)
    }

    /// Rotates the file at the next line from then on.
    pub(crate) fn is_old_in(&mut self, left: Option<Duration>) {
        self.old_at = left.and_then(|left| Instant::now().checked_add(left));
    }

    /// Writes what is in the pipe, as far as it may go into this file.
    pub(crate) fn pump(&mut self) -> io::Result<Pumped> {
        if self.old_at.is_some_and(|at| at <= Instant::now()) {
            self.old_at = None;
            self.writer.make_old();
        }
        self.flush();
        for _ in 0..MAX_READS {
            if !self.pending.is_empty() {
                return Ok(Pumped::Due);
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(PIECE_BYTES, 0);
            let read = fd::read(&self.read, &mut buffer);
            if let Ok(Some(length)) = read {
                self.taken += u64::try_from(length).unwrap_or(0);
                self.take(&buffer[..length]);
            }
            self.buffer = buffer;
            if matches!(read?, None | Some(0)) {
                return Ok(Pumped::All);
            }
        }
        Ok(if self.pending.is_empty() { Pumped::Some } else { Pumped::Due })
    }

    /// Writes what was read before. `false`: the file has to be rotated first.
    pub(crate) fn flush(&mut self) -> bool {
        let pending = std::mem::take(&mut self.pending);
        self.handed_over = None;
        self.take(&pending);
        self.pending.is_empty()
    }

    fn take(&mut self, bytes: &[u8]) {
        let taken = self.writer.take(bytes);
        self.pending.extend(&bytes[taken..]);
    }

    /// How many bytes this image has read.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the name is still that of the file.
    pub(crate) fn is_at(&self, log: &Path) -> io::Result<bool> {
        let named = match log.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            named => named?,
        };
        let open = self.writer.file().metadata()?;
        Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
    }

    /// Whether the program is in the middle of a line, as far as it was read.
    pub(crate) fn is_within_a_line(&self) -> bool {
        !self.writer.state().whole
    }

    /// Writes what is in the pipe up to the end of the line.
    pub(crate) fn pump_line(&mut self) -> io::Result<()> {
        self.writer.make_old();
        self.pump().map(drop)
    }

    /// Ends a line that its program has not ended.
    pub(crate) fn end_line(&mut self) {
        self.writer.end_line();
    }

    /// Writes a line of svcadapt itself: now, or after the line that the program is writing.
    pub(crate) fn say(&mut self, line: &str) {
        self.writer.say(line);
    }

    /// Writes into this file from now on.
    pub(crate) fn replace(&mut self, log: File, whole: bool, rules: LogRules) -> io::Result<()> {
        self.writer.replace(log, rules, whole)
    }

    /// Goes on with the file, because the rotation has failed.
    pub(crate) fn postpone(&mut self, rules: LogRules) {
        self.writer.postpone(rules);
    }

    /// Why output could not be written, if that was not told yet.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.writer.take_failure()
    }
}

impl AsFd for LogPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

impl LogMoment {
    /// Its descriptors.
    pub(crate) fn descriptors(self) -> [Option<i32>; 4] {
        [Some(self.read), Some(self.write), Some(self.file), self.pending]
    }

    pub(crate) fn to_word(self) -> String {
        let WriterState { length, limit, is_old, whole, read_whole, lost, errno } = self.state;
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let micros = self.old_in.map(|left| u64::try_from(left.as_micros()).unwrap_or(u64::MAX));
        let flags = [self.timestamps, is_old, whole, read_whole];
        let flags: String = flags.iter().map(|flag| if *flag { '1' } else { '0' }).collect();
        [
            self.read.to_string(),
            self.write.to_string(),
            self.file.to_string(),
            self.pending.map(|number| number.to_string()).unwrap_or_default(),
            number(micros),
            length.to_string(),
            number(limit),
            lost.to_string(),
            errno.to_string(),
            flags,
        ]
        .join(":")
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        let words: Vec<&str> = word.split(':').collect();
        let [read, write, file, pending, old_in, length, limit, lost, errno, flags] = words.as_slice() else {
            return None;
        };
        let number = |word: &str| if word.is_empty() { Some(None) } else { word.parse().ok().map(Some) };
        let flags: Vec<bool> = flags.bytes().map(|flag| flag == b'1').collect();
        let [timestamps, is_old, whole, read_whole] = *flags.as_slice() else { return None };
        let state = WriterState {
            length: length.parse().ok()?,
            limit: number(limit)?,
            is_old,
            whole,
            read_whole,
            lost: lost.parse().ok()?,
            errno: errno.parse().ok()?,
        };
        Some(Self {
            read: read.parse().ok()?,
            write: write.parse().ok()?,
            file: file.parse().ok()?,
            pending: if pending.is_empty() { None } else { Some(pending.parse().ok()?) },
            timestamps,
            old_in: number(old_in)?.map(Duration::from_micros),
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_of_a_log_is_read_as_it_was_written() {
        let state = WriterState {
            length: 7,
            limit: Some(9),
            is_old: false,
            whole: true,
            read_whole: false,
            lost: 3,
            errno: 28,
        };
        let old_in = Some(Duration::from_micros(5));
        let moment =
            LogMoment { read: 4, write: 5, file: 6, pending: Some(8), timestamps: true, old_in, state };
        let other = LogMoment { pending: None, old_in: None, ..moment };
        for moment in [moment, other] {
            assert_eq!(LogMoment::parse(&moment.to_word()), Some(moment));
        }
        assert!(
            ["", "1:2:3", "1:2:3:4:5:6:7:8:9:111", "x:2:3:4:5:6:7:8:9:1111"]
                .iter()
                .all(|word| LogMoment::parse(word).is_none())
        );
    }
}
