//! Writes the output of a service into its log file, line by line, and says when the file is due for rotation.

use std::fs::File;
use std::io;
use std::io::Write;
use std::time::SystemTime;

use svcadapt_spec::LogFile;

use super::timestamp;
use crate::sys::error_text;

/// A line may lengthen a file that is due for rotation by this many bytes; then it is split.
pub(crate) const MAX_LINE_BYTES: u64 = 64 * 1024;

/// What a spec asks of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogRules {
    /// The length from which the file is rotated.
    pub(crate) size: Option<u64>,
    pub(crate) timestamps: bool,
}

impl LogRules {
    pub(crate) fn of(asked: &LogFile) -> Self {
        Self { size: asked.rotate_size, timestamps: asked.timestamps == Some(true) }
    }
}

/// Where the writer is. What a later image of the monitor needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WriterState {
    /// The length of the file.
    pub(crate) length: u64,
    /// The length from which it is rotated: another than the rules have after a rotation that has failed.
    pub(crate) limit: Option<u64>,
    /// Whether the file is old enough, and rotated at the next beginning of a line.
    pub(crate) is_old: bool,
    /// Whether the file ends with a whole line.
    pub(crate) whole: bool,
    /// Whether what was read last ended with a whole line.
    pub(crate) read_whole: bool,
    /// The bytes that could not be written, and the errno(3) of the first failure.
    pub(crate) lost: u64,
    pub(crate) errno: i32,
}

/// An open log file.
#[derive(Debug)]
pub(crate) struct LogWriter {
    file: File,
    timestamps: bool,
    state: WriterState,
    /// Lines of svcadapt itself that wait for the end of the program's line.
    own: Vec<u8>,
    /// A failure that was not told yet.
    failed: Option<io::Error>,
}

impl LogWriter {
    /// Goes on with a file. `whole`: it ends with a whole line, or is empty.
    pub(crate) fn new(file: File, rules: LogRules, whole: bool) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let (limit, lost, errno, is_old) = (rules.size, 0, 0, false);
        let state = WriterState { length, limit, is_old, whole: true, read_whole: true, lost, errno };
        let mut writer = Self::resume(file, rules.timestamps, state);
        writer.state.whole = whole;
        // Another program has not ended its last line.
        writer.end_line();
        Ok(writer)
    }

    /// Ends the last line of the file, if it has no end.
    pub(crate) fn end_line(&mut self) {
        if !self.state.whole {
            self.write(b"\n");
        }
    }

    /// Goes on where an earlier image of this process has stopped.
    pub(crate) fn resume(file: File, timestamps: bool, state: WriterState) -> Self {
        Self { file, timestamps, state, own: Vec::new(), failed: None }
    }

    /// Writes a line of svcadapt itself: now, or after the line that the program is writing.
    pub(crate) fn say(&mut self, line: &str) {
        if self.timestamps {
            self.own.extend(timestamp::of(SystemTime::now()).bytes());
        }
        self.own.extend(format!("svcadapt: {line}\n").bytes());
        if self.state.whole {
            self.say_now();
        }
    }

    /// Does not wait for the end of the program's line any longer.
    pub(crate) fn say_now(&mut self) {
        if !self.own.is_empty() {
            self.end_line();
            let own = std::mem::take(&mut self.own);
            self.write(&own);
        }
    }

    pub(crate) fn state(&self) -> WriterState {
        self.state
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// A failure to write that was not told yet.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// From now on the file is rotated at the next beginning of a line.
    pub(crate) fn make_old(&mut self) {
        self.state.is_old = true;
    }

    /// Whether the file is to be rotated now, before anything else is written.
    pub(crate) fn is_due(&self) -> bool {
        let is_long = self.state.limit.is_some_and(|limit| self.state.length >= limit);
        (is_long || self.state.is_old) && self.state.whole && self.state.length > 0
    }

    /// Goes on with this file, because the rotation has failed: for as long again.
    pub(crate) fn postpone(&mut self, rules: LogRules) {
        self.state.limit = rules.size.map(|size| self.state.length.saturating_add(size));
        self.state.is_old = false;
    }

    /// Writes into this file from now on.
    pub(crate) fn replace(&mut self, file: File, rules: LogRules, whole: bool) -> io::Result<()> {
        let WriterState { read_whole, lost, errno, .. } = self.state;
        self.say_now();
        let mut next = Self::new(file, rules, whole)?;
        next.state = WriterState { read_whole, lost, errno, ..next.state };
        (self.file, self.state) = (next.file, next.state);
        Ok(())
    }

    /// Takes bytes of the program until the file is due for rotation, and returns how many.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_due() {
            let rest = &bytes[taken..];
            let mut count = self.fitting(rest).min(rest.len());
            if !self.own.is_empty() {
                count = rest.iter().position(|byte| *byte == b'\n').map_or(count, |end| count.min(end + 1));
            }
            self.put(&rest[..count]);
            taken += count;
            if self.state.whole {
                self.say_now();
            }
            if self.is_overlong() {
                self.write(b"\n");
                self.state.read_whole = true;
            }
        }
        taken
    }

    /// How many of these bytes come before the next place where the file may be rotated.
    fn fitting(&self, bytes: &[u8]) -> usize {
        let limit = if self.state.is_old { Some(0) } else { self.state.limit };
        let Some(limit) = limit else { return bytes.len() };
        let stamps = if self.timestamps { timestamp::TIME_BYTES } else { 0 };
        let mut length = self.state.length;
        let mut begin = 0;
        // Without times only the line that crosses the limit matters.
        if stamps == 0 {
            let room = usize::try_from(limit.saturating_sub(length)).unwrap_or(usize::MAX);
            if room > bytes.len() {
                return bytes.len();
            }
            let from = room.saturating_sub(1);
            let end = bytes[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at + 1);
            let longest = limit.saturating_add(MAX_LINE_BYTES).saturating_sub(length).max(1);
            let longest = if self.state.limit.is_some() { longest } else { u64::MAX };
            return end.unwrap_or(bytes.len()).min(usize::try_from(longest).unwrap_or(usize::MAX));
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if begin > 0 || self.state.whole {
                length += u64::try_from(stamps).unwrap_or(0);
            }
            length += u64::try_from(line.len()).unwrap_or(0);
            begin += line.len();
            if length >= limit {
                break;
            }
        }
        begin
    }

    /// Whether the last line has become too long to wait for its end.
    fn is_overlong(&self) -> bool {
        let over =
            |limit: u64| self.state.length >= limit.saturating_add(MAX_LINE_BYTES) && !self.state.whole;
        self.state.limit.is_some_and(over)
    }

    /// The same with the time at each beginning of a line.
    fn stamped(&self, bytes: &[u8]) -> Vec<u8> {
        let stamp = timestamp::of(SystemTime::now());
        let mut all = Vec::with_capacity(bytes.len() + 64);
        let mut begins = self.state.whole;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if begins {
                all.extend(stamp.as_bytes());
            }
            all.extend(line);
            begins = true;
        }
        all
    }

    /// Writes bytes of the program, whether the file is due for rotation or not.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if self.state.lost == 0 && self.timestamps {
            self.write(&self.stamped(bytes));
        } else if self.state.lost == 0 {
            self.write(bytes);
        } else {
            self.try_again(bytes);
        }
        self.state.read_whole = bytes.last() == Some(&b'\n');
    }

    /// Goes on after a failure: at the beginning of a line, and with a line that says how much is missing.
    fn try_again(&mut self, bytes: &[u8]) {
        let from = match bytes.iter().position(|byte| *byte == b'\n') {
            _ if self.state.read_whole => 0,
            Some(end) => end + 1,
            None => bytes.len(),
        };
        let rest = &bytes[from..];
        self.state.lost += u64::try_from(from).unwrap_or(0);
        if rest.is_empty() {
            return;
        }
        let before = self.state;
        let reason = error_text(&io::Error::from_raw_os_error(before.errno));
        let break_line = if before.whole { "" } else { "\n" };
        let stamp = if self.timestamps { timestamp::of(SystemTime::now()) } else { String::new() };
        let notice =
            format!("{break_line}{stamp}svcadapt: {} bytes of output were lost: {reason}\n", before.lost);
        // What is left of a notice that did not fit is no output.
        if self.write_counted(notice.as_bytes()).1.is_some() {
            self.state.lost += u64::try_from(rest.len()).unwrap_or(0);
            return;
        }
        (self.state.lost, self.state.errno) = (0, 0);
        let text = if self.timestamps { self.stamped(rest) } else { rest.to_vec() };
        self.write(&text);
    }

    fn write(&mut self, bytes: &[u8]) {
        let (written, error) = self.write_counted(bytes);
        if let Some(error) = error {
            self.state.lost += u64::try_from(bytes.len() - written).unwrap_or(0);
            self.state.errno = error.raw_os_error().unwrap_or(0);
            self.failed.get_or_insert(error);
        }
    }

    fn write_counted(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let mut written = 0;
        let mut failure = None;
        while written < bytes.len() {
            match (&self.file).write(&bytes[written..]) {
                Ok(0) => {
                    failure = Some(io::ErrorKind::WriteZero.into());
                    break;
                }
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.state.length += u64::try_from(written).unwrap_or(0);
        if let Some(last) = bytes[..written].last() {
            self.state.whole = *last == b'\n';
        }
        (written, failure)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    fn writer(size: Option<u64>, timestamps: bool) -> (LogWriter, File) {
        let path = std::env::temp_dir().join(format!("svcadapt-writer-{}", crate::sys::process::own_pid()));
        let path = path.with_extension(format!("{:?}", std::thread::current().id()));
        let file = File::options().append(true).create(true).open(&path).unwrap();
        let read = File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        (LogWriter::new(file, LogRules { size, timestamps }, true).unwrap(), read)
    }

    fn text(file: &mut File) -> String {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn file_is_due_at_the_end_of_the_line_that_reaches_the_limit() {
        for piece in 1..20 {
            let (mut writer, mut read) = writer(Some(10), false);
            let all = b"12345\n1234567\nrest\n";
            let mut taken = 0;
            for part in all.chunks(piece) {
                let count = writer.take(part);
                taken += count;
                if count < part.len() {
                    break;
                }
            }
            assert_eq!(text(&mut read), "12345\n1234567\n", "pieces of {piece}");
            assert!(writer.is_due() && taken == 14);
        }
    }

    #[test]
    fn line_without_an_end_is_split() {
        let (mut writer, mut read) = writer(Some(10), false);
        let all = vec![b'x'; 70_000];
        let taken: usize = all.chunks(4096).map(|part| writer.take(part)).sum();
        assert_eq!(taken, 65_546);
        assert!(writer.is_due());
        assert_eq!(text(&mut read), format!("{}\n", "x".repeat(65_546)));
    }

    #[test]
    fn old_file_is_due_at_the_next_beginning_of_a_line() {
        let (mut writer, mut read) = writer(None, false);
        writer.make_old();
        assert!(!writer.is_due(), "an empty file");
        assert_eq!(writer.take(b"a"), 1);
        assert!(!writer.is_due());
        assert_eq!(writer.take(b"b\nc"), 2);
        assert!(writer.is_due());
        assert_eq!(text(&mut read), "ab\n");
    }

    #[test]
    fn each_line_begins_with_the_time_once() {
        let (mut writer, mut read) = writer(Some(70), true);
        for part in [&b"a"[..], b"b\nc\nd", b"e\n"] {
            writer.take(part);
        }
        let text = text(&mut read);
        let lines: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(lines, ["ab", "c", "de"]);
        assert!(writer.is_due());
    }

    #[test]
    fn own_line_waits_for_the_end_of_the_programs_line() {
        let (mut writer, mut read) = writer(None, false);
        writer.say("first");
        writer.take(b"one\ntw");
        writer.say("second");
        assert_eq!(text(&mut read), "svcadapt: first\none\ntw");
        writer.take(b"o\nthr");
        assert_eq!(text(&mut read), "o\nsvcadapt: second\nthr");
        writer.say("third");
        // Another image goes on.
        writer.say_now();
        assert_eq!(text(&mut read), "\nsvcadapt: third\n");
    }

    #[test]
    fn what_is_lost_is_told_and_the_next_line_is_whole() {
        let (mut writer, _) = writer(None, false);
        let full = File::options().append(true).open("/dev/full");
        // Only Linux has such a device.
        let Ok(full) = full else { return };
        let good = std::mem::replace(&mut writer.file, full);
        writer.take(b"one\ntw");
        assert_eq!(writer.state().lost, 6);
        assert!(writer.take_failure().is_some());
        let mut read = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&good)));
        writer.file = good;
        writer.take(b"o\nthree\n");
        let seen = text(read.as_mut().unwrap());
        assert_eq!(seen, "svcadapt: 8 bytes of output were lost: no space left on device\nthree\n");
        assert_eq!(writer.state().lost, 0);
    }
}
