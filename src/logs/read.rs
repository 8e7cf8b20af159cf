//! Reads the lines of a log file and of the old ones before it, and follows what is added.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::archive::{OldLog, old_logs};
use super::timestamp;
use crate::sys::path_trust::{Judge, Last, Reach};
use crate::sys::watch::DirectoryWatch;
use crate::sys::{file, identity};

/// The lines of a file that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileQuery {
    /// How many of the last lines. `None`: all.
    pub lines: Option<u64>,
    /// Only lines with this time or a later one.
    pub since: Option<SystemTime>,
    /// Only lines with this time or an earlier one.
    pub until: Option<SystemTime>,
    /// Whether lines that are still to come are shown, too.
    pub follow: bool,
}

/// How much is read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A line that is longer is treated as several.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Gives the lines to `show`, piece by piece: also those of old files, and with `follow` those that are added, also after
/// the file was emptied or replaced by a new one. Ends if `show` returns false.
pub fn file_lines(path: &Path, query: &FileQuery, mut show: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let path = &resolved(path)?;
    // Before the file is read, so that nothing is missed in between.
    let watch = match (query.follow, path.parent()) {
        (true, Some(directory)) => Some(DirectoryWatch::new(directory)?),
        _ => None,
    };
    let opened = file::open_regular_nofollow(path);
    let mut old = old_logs(path).unwrap_or_default();
    let mut open = match opened {
        // The file is missing for a moment while it is rotated.
        Err(error) if error.kind() == io::ErrorKind::NotFound && (query.follow || !old.is_empty()) => None,
        opened => Some(opened?),
    };
    if let Some(open) = &open {
        // It was rotated just now.
        let own = inode(open)?;
        old.retain(|old| old.path.symlink_metadata().is_ok_and(|found| (found.dev(), found.ino()) != own));
    }
    let mut known: BTreeSet<OsString> = old.iter().map(OldLog::plain_name).collect();
    let goes_on = if query.since.is_some() || query.until.is_some() {
        in_time(&old, open.as_mut(), query, &mut show)?
    } else {
        last(&old, open.as_mut(), query.lines, &mut show)?
    };
    let Some(watch) = watch.filter(|_| goes_on) else { return Ok(()) };
    loop {
        watch.wait()?;
        if let Some(file) = &mut open {
            let length = file.metadata()?.len();
            if length < file.stream_position()? {
                file.rewind()?;
            }
            if !copy(file, &mut show)? {
                return Ok(());
            }
        }
        let mut now = match file::open_regular_nofollow(path) {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if open.as_ref().map(inode).transpose()? != Some(inode(&now)?) {
            // What was written between the two looks.
            let rest = open.as_mut().map_or(Ok(true), |open| copy(open, &mut show))?;
            if !rest || !between(path, &mut known, open.is_some(), &mut show)? || !copy(&mut now, &mut show)?
            {
                return Ok(());
            }
            open = Some(now);
        }
    }
}

/// The last lines of a log, 4 KiB at most, without control of how long they are: the first may be cut.
pub fn last_lines(path: &Path, count: usize) -> io::Result<Vec<String>> {
    const MAX_TEXT: u64 = 4096;
    let end_of = |path: &Path, most: u64| -> io::Result<Vec<u8>> {
        let mut file = file::open_regular_nofollow(path)?;
        let begin = file.metadata()?.len().saturating_sub(most);
        file.seek(SeekFrom::Start(begin))?;
        let mut text = Vec::new();
        file.take(most).read_to_end(&mut text)?;
        Ok(text)
    };
    let path = resolved(path)?;
    let mut text = end_of(&path, MAX_TEXT)?;
    let few = text.iter().filter(|byte| **byte == b'\n').take(count).count() < count;
    // Just rotated.
    if let (true, Some(old)) = (few, old_logs(&path)?.pop().filter(|old| !old.compressed)) {
        let left = MAX_TEXT.saturating_sub(u64::try_from(text.len()).unwrap_or(MAX_TEXT));
        text.splice(0..0, end_of(&old.path, left)?);
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    Ok(lines[lines.len().saturating_sub(count)..].to_vec())
}

/// Whether the lines of a log begin with times, as far as the first one shows.
pub fn has_times(path: &Path) -> bool {
    let first = || -> io::Result<[u8; timestamp::TIME_BYTES]> {
        let mut line = [0; timestamp::TIME_BYTES];
        file::open_regular_nofollow(&resolved(path)?)?.read_exact(&mut line)?;
        Ok(line)
    };
    first().is_ok_and(|line| timestamp::read(&line).is_some())
}

/// The path of the file itself. A symbolic link is followed, unless it leads root where another user wants it.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    if !path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        return Ok(path.to_owned());
    }
    if identity::effective_user() == 0 && Judge::of_root().reach(path, Last::File)? != Reach::RootOnly {
        return Err(io::Error::other("it is a symbolic link that other users could have made"));
    }
    path.canonicalize()
}

/// Shows the files that were begun and rotated since the last look. The first is the one that was open then.
fn between(
    path: &Path,
    known: &mut BTreeSet<OsString>,
    was_open: bool,
    show: &mut impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let new: Vec<OldLog> =
        old_logs(path)?.into_iter().filter(|old| old.is_ours() && known.insert(old.plain_name())).collect();
    for old in new.iter().skip(usize::from(was_open)) {
        if !copy(&mut old.open()?, show)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Shows the last lines, of several files if there are not enough in one.
fn last(
    old: &[OldLog],
    open: Option<&mut File>,
    lines: Option<u64>,
    show: &mut impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let mut wanted = lines.unwrap_or(u64::MAX);
    let mut begin = 0;
    let mut open = open;
    if let (Some(file), Some(_)) = (&mut open, lines) {
        (begin, wanted) = start_of_last(file, wanted)?;
    }
    let mut before = Vec::new();
    for old in old.iter().rev() {
        if wanted == 0 {
            break;
        }
        let skipped = if lines.is_none() { 0 } else { skipped(old, &mut wanted)? };
        before.push((old, skipped));
    }
    for (old, skipped) in before.into_iter().rev() {
        let mut skipped = skipped;
        let mut rest = |piece: &[u8]| {
            let mut begin = 0;
            while skipped > 0 {
                let Some(end) = piece[begin..].iter().position(|byte| *byte == b'\n') else { return true };
                begin += end + 1;
                skipped -= 1;
            }
            begin == piece.len() || show(&piece[begin..])
        };
        if !copy(&mut old.open()?, &mut rest)? {
            return Ok(false);
        }
    }
    match open {
        Some(file) => {
            file.seek(SeekFrom::Start(begin))?;
            copy(file, show)
        }
        None => Ok(true),
    }
}

/// How many lines at the beginning of an old file are not among the last `wanted`, which are fewer afterwards.
fn skipped(old: &OldLog, wanted: &mut u64) -> io::Result<u64> {
    let (mut count, mut last) = (0, b'\n');
    copy(&mut old.open()?, &mut |piece: &[u8]| {
        let ends = piece.split(|byte| *byte == b'\n').count() - 1;
        count += u64::try_from(ends).unwrap_or(0);
        last = piece.last().copied().unwrap_or(last);
        true
    })?;
    count += u64::from(last != b'\n');
    let skipped = count.saturating_sub(*wanted);
    *wanted = wanted.saturating_sub(count);
    Ok(skipped)
}

/// Shows the lines of a time.
fn in_time(
    old: &[OldLog],
    open: Option<&mut File>,
    query: &FileQuery,
    show: &mut impl FnMut(&[u8]) -> bool,
) -> io::Result<bool> {
    let mut lines =
        LinesInTime { query, passes: false, over: false, rest: Vec::new(), last: VecDeque::new() };
    // What was rotated before holds only earlier lines.
    let needed = old.iter().filter(|old| match (old.time(), query.since) {
        (Some(rotated), Some(since)) => rotated >= since,
        _ => true,
    });
    for old in needed {
        if !copy(&mut old.open()?, &mut |piece: &[u8]| lines.take(piece, show))? {
            return Ok(lines.over && lines.end(show));
        }
    }
    if let Some(file) = open
        && !copy(file, &mut |piece: &[u8]| lines.take(piece, show))?
    {
        return Ok(lines.over && lines.end(show));
    }
    Ok(lines.end(show))
}

struct LinesInTime<'a> {
    query: &'a FileQuery,
    /// Whether the last line with a time was in time. Lines without one belong to it.
    passes: bool,
    /// Whether a line was later than all that are wanted.
    over: bool,
    rest: Vec<u8>,
    last: VecDeque<Vec<u8>>,
}

impl LinesInTime<'_> {
    fn take(&mut self, piece: &[u8], show: &mut impl FnMut(&[u8]) -> bool) -> bool {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend(part);
            if (part.ends_with(b"\n") || self.rest.len() >= MAX_LINE_BYTES) && !self.line(show) {
                return false;
            }
        }
        true
    }

    fn line(&mut self, show: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let line = std::mem::take(&mut self.rest);
        if let Some(time) = timestamp::read(&line) {
            if self.query.until.is_some_and(|until| time > until) {
                self.over = true;
                return false;
            }
            self.passes = self.query.since.is_none_or(|since| time >= since);
        }
        match self.query.lines {
            _ if !self.passes => true,
            None => show(&line),
            Some(lines) => {
                self.last.push_back(line);
                if u64::try_from(self.last.len()).unwrap_or(u64::MAX) > lines {
                    self.last.pop_front();
                }
                true
            }
        }
    }

    fn end(&mut self, show: &mut impl FnMut(&[u8]) -> bool) -> bool {
        if !self.rest.is_empty() && !self.over {
            let goes_on = self.line(show);
            if !goes_on && !self.over {
                return false;
            }
        }
        std::mem::take(&mut self.last).iter().all(|line| show(line))
    }
}

fn inode(file: &File) -> io::Result<(u64, u64)> {
    let found = file.metadata()?;
    Ok((found.dev(), found.ino()))
}

/// Copies the rest of a file.
fn copy(file: &mut impl Read, show: &mut impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(true),
            count if show(&piece[..count]) => {}
            _ => return Ok(false),
        }
    }
}

/// The offset of the last lines of a file, read from its end, and how many are missing there.
fn start_of_last(file: &mut File, lines: u64) -> io::Result<(u64, u64)> {
    const PIECE: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    // The newline at the end of the last line begins no line.
    let mut wanted = lines.saturating_add(1);
    let mut last = true;
    let mut piece = Vec::new();
    while end > 0 && wanted > 0 {
        let begin = end.saturating_sub(PIECE);
        piece.resize(usize::try_from(end - begin).unwrap_or(0), 0);
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut piece)?;
        if std::mem::take(&mut last) && piece.last() != Some(&b'\n') {
            wanted -= 1;
        }
        for (at, _) in piece.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            wanted = wanted.saturating_sub(1);
            if wanted == 0 {
                return Ok((begin + u64::try_from(at).unwrap_or(0) + 1, 0));
            }
        }
        end = begin;
    }
    Ok(if wanted == 0 { (file.metadata()?.len(), 0) } else { (0, wanted - 1) })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn shown(path: &Path, lines: Option<u64>) -> String {
        let query = FileQuery { lines, since: None, until: None, follow: false };
        let mut all = Vec::new();
        file_lines(path, &query, |piece| {
            all.extend_from_slice(piece);
            true
        })
        .unwrap();
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn last_lines_of_a_file_are_found() {
        let path = std::env::temp_dir().join(format!("svcadapt-log-{}", std::process::id()));
        let shown = |text: &str, lines| {
            fs::write(&path, text).unwrap();
            shown(&path, lines)
        };
        assert_eq!(shown("a\nb\nc\n", Some(2)), "b\nc\n");
        assert_eq!(shown("a\nb\nc", Some(2)), "b\nc");
        assert_eq!(shown("a\nb\nc\n", Some(9)), "a\nb\nc\n");
        assert_eq!(shown("a\nb\n", Some(0)), "");
        assert_eq!(shown("a\nb", Some(1)), "b");
        assert_eq!(shown("", Some(3)), "");
        assert_eq!(shown("a\nb\n", None), "a\nb\n");
        let long = "x".repeat(100_000);
        assert_eq!(shown(&format!("a\n{long}\nb\n"), Some(2)), format!("{long}\nb\n"));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn last_lines_reach_into_old_files() {
        let place = std::env::temp_dir().join(format!("svcadapt-reach-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let path = place.join("a.log");
        for (name, text) in
            [("a.log", "5\n"), ("a.log.20260101T000000.000001Z", "3\n4\n"), ("a.log.1", "1\n2\n")]
        {
            fs::write(place.join(name), text).unwrap();
        }
        for (lines, wanted) in [
            (Some(1), "5\n"),
            (Some(2), "4\n5\n"),
            (Some(4), "2\n3\n4\n5\n"),
            (Some(9), "1\n2\n3\n4\n5\n"),
            (None, "1\n2\n3\n4\n5\n"),
        ] {
            assert_eq!(shown(&path, lines), wanted);
        }
        fs::remove_dir_all(&place).unwrap();
    }
}
