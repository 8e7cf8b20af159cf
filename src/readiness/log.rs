//! The `log:` probe: a line that the service writes into its log file matches a regular expression.
//!
//! The file is read from where it ended at the start, whichever process writes it, and the kernel reports that it has changed.
//! Only whole lines count; a longer one than 64 KiB is taken as several. The expressions of regex-lite do not backtrack: a
//! line takes a time that grows with its length (docs.rs/regex-lite).

use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RunAs;
use super::pattern::Pattern;
use crate::sys::path_trust::{Judge, Last, Reach};
use crate::sys::watch::DirectoryWatch;
use crate::sys::{file, identity};

/// A file that the service writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// Its path.
    pub path: PathBuf,
    /// Whether what is in it stays when the service starts.
    pub appends: bool,
    /// The length of what precedes each line: the time.
    pub prefix: usize,
    /// Whether this process goes on when the service is ready. The end of an inotify instance takes the kernel some ten
    /// milliseconds, so a process that exits then looks each millisecond instead.
    pub stays: bool,
}

/// A line that is longer is taken as several.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// The pause between two looks without an event.
const PAUSE: Duration = Duration::from_millis(1);

/// After how many looks at the open file the name is looked at.
const LOOKS_AT_NAME: u32 = 32;

/// How much is read in one look, so that a program that writes without end does not delay the timeout.
const MAX_READS: usize = 64;

#[derive(Debug)]
pub(super) struct LogProbe {
    pattern: Pattern,
    identity: RunAs,
    files: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    place: LogPlace,
    watch: Option<DirectoryWatch>,
    file: Option<File>,
    line: Vec<u8>,
    /// Whether there may be more than was read.
    more: bool,
    /// How often it was looked at without an event.
    looks: u32,
}

impl LogProbe {
    /// Waits for a line in one of these files. `None`: this is no expression.
    pub(super) fn new(pattern: &str, places: &[LogPlace], identity: &RunAs) -> Option<Self> {
        let followed = |place: &LogPlace| {
            let mut followed = Followed {
                place: place.clone(),
                watch: None,
                file: None,
                line: Vec::new(),
                more: true,
                looks: 0,
            };
            followed.watch();
            if place.appends {
                // If it is not there yet, it is read from its beginning.
                followed.file = open(&place.path, identity).ok();
                followed.file = followed.file.take().filter(|file| (&*file).seek(SeekFrom::End(0)).is_ok());
            }
            followed
        };
        let files = places.iter().map(followed).collect();
        Some(Self { pattern: Pattern::new(pattern)?, identity: identity.clone(), files })
    }

    /// Whether a line has come that matches.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        for followed in &mut self.files {
            if followed.has_changed()? && followed.read(&self.pattern, &self.identity)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The pause until it has to be looked at without an event.
    pub(super) fn pause(&self) -> Option<Duration> {
        let polled = |followed: &Followed| followed.more || followed.descriptor().is_none();
        self.files.iter().any(polled).then_some(PAUSE)
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.files.iter().filter_map(Followed::descriptor)
    }
}

impl Followed {
    /// Begins to watch the directory, if that is there.
    fn watch(&mut self) {
        if !self.place.stays {
            return;
        }
        let directory = self.place.path.parent().unwrap_or(Path::new("/"));
        self.watch = DirectoryWatch::new(directory).ok();
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref()?.descriptor()
    }

    fn has_changed(&mut self) -> io::Result<bool> {
        if self.watch.is_none() {
            self.watch();
            self.looks = self.looks.wrapping_add(1);
            let Some(file) = &mut self.file else { return Ok(true) };
            // Another file seldom takes its place.
            return Ok(self.more
                || file.metadata()?.len() != file.stream_position()?
                || self.looks.is_multiple_of(LOOKS_AT_NAME));
        }
        let changed = self.watch.as_ref().map_or(Ok(true), DirectoryWatch::has_changed)?;
        Ok(changed || self.more)
    }

    fn read(&mut self, pattern: &Pattern, identity: &RunAs) -> io::Result<bool> {
        self.more = false;
        if let Some(mut file) = self.file.take() {
            if file.metadata()?.len() < file.stream_position()? {
                file.rewind()?;
            }
            let met = self.rest(&mut file, pattern)?;
            self.file = Some(file);
            if met || self.more {
                return Ok(met);
            }
        }
        // It is not there yet, or is being exchanged. In a file that may not be read no line is found.
        let Ok(mut now) = open(&self.place.path, identity) else { return Ok(false) };
        let inode = |file: &File| file.metadata().map(|found| (found.dev(), found.ino()));
        if self.file.as_ref().map(inode).transpose()? == Some(inode(&now)?) {
            return Ok(false);
        }
        // What was written between the two looks.
        let last = self.file.take().map_or(Ok(false), |mut file| self.rest(&mut file, pattern))?;
        let met = last || self.rest(&mut now, pattern)?;
        self.file = Some(now);
        Ok(met)
    }

    /// Reads what is new, and whether a line of it matches.
    fn rest(&mut self, file: &mut File, pattern: &Pattern) -> io::Result<bool> {
        let mut piece = vec![0; MAX_LINE_BYTES];
        for _ in 0..MAX_READS {
            let count = file.read(&mut piece)?;
            if count == 0 {
                return Ok(false);
            }
            for part in piece[..count].split_inclusive(|byte| *byte == b'\n') {
                self.line.extend(part);
                if !part.ends_with(b"\n") && self.line.len() < MAX_LINE_BYTES {
                    continue;
                }
                let line = std::mem::take(&mut self.line);
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if pattern.matches(line.get(self.place.prefix..).unwrap_or_default()) {
                    return Ok(true);
                }
            }
        }
        self.more = true;
        Ok(false)
    }
}

/// Opens a log with root's rights only if no other user can change where its path leads. A link is an error.
fn open(path: &Path, run_as: &RunAs) -> io::Result<File> {
    let open = || file::open_regular_nofollow(path);
    let RunAs::Other { uid, gid, groups, member } = run_as else { return open() };
    if *uid == 0 || Judge::for_service(*uid, *gid, groups).reach(path, Last::File)? == Reach::RootOnly {
        return open();
    }
    identity::with_rights_of(*uid, *gid, groups, member.as_deref(), open)
}

#[cfg(all(test, feature = "regex"))]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn only_whole_new_lines_count_also_in_a_file_that_takes_the_place() {
        let place = std::env::temp_dir().join(format!("svcadapt-probe-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let path = place.join("a.log");
        fs::write(&path, "ready\n").unwrap();
        let probe = |pattern: &str| {
            let place = LogPlace { path: path.clone(), appends: true, prefix: 0, stays: true };
            LogProbe::new(pattern, &[place], &RunAs::Own).unwrap()
        };
        let append = |text: &str| {
            let mut file = File::options().append(true).create(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let (mut ready, mut other) = (probe("^ready$"), probe("ä.{2}z"));
        assert!(!ready.look().unwrap(), "it was there before");
        append("not ready\nread");
        assert!(!ready.look().unwrap());
        append("y\r\n");
        assert!(ready.look().unwrap());
        fs::rename(&path, place.join("b.log")).unwrap();
        append("\u{e4}xyz\n");
        assert!(other.look().unwrap());
        fs::remove_dir_all(&place).unwrap();
    }
}
