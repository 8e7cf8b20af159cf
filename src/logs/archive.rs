//! The old files of a log: their names, their order, how many are kept, and their compression.
//!
//! An old file is named after the log and the time of the rotation, `NAME.log.20261130T130846.123456Z`, and never renamed
//! again, so a reader that has found it finds it later, too. Files that a start has moved aside or that logrotate(8)
//! has rotated, `NAME.log.1`, are read, and otherwise left alone.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::timestamp;
use crate::sys::file;
use crate::sys::lock;

/// The end of the name of a compressed file.
const GZIP: &str = ".gz";

/// The end of the name of a file that is being compressed.
const UNFINISHED: &str = ".gz.tmp";

/// An old file of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OldLog {
    order: Order,
    pub(crate) path: PathBuf,
    pub(crate) compressed: bool,
}

/// The order of old files: the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// A number; the highest is the oldest.
    Number(std::cmp::Reverse<u32>),
    /// The time of the rotation.
    Time(SystemTime),
}

impl OldLog {
    /// Its name without the mark of a compressed one.
    pub(super) fn plain_name(&self) -> OsString {
        let name = self.path.file_name().unwrap_or_default().as_bytes();
        OsStr::from_bytes(if self.compressed { &name[..name.len() - GZIP.len()] } else { name }).to_owned()
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// When it was rotated, if that is known.
    pub(super) fn time(&self) -> Option<SystemTime> {
        match self.order {
            Order::Time(time) => Some(time),
            Order::Number(_) => None,
        }
    }

    /// Opens it for reading. It may have been compressed meanwhile.
    pub(super) fn open(&self) -> io::Result<Box<dyn Read>> {
        let packed = |path: &Path| unpacked(file::open_regular_nofollow(path)?);
        if self.compressed {
            return packed(&self.path);
        }
        match file::open_regular_nofollow(&self.path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut path = self.path.clone().into_os_string();
                path.push(GZIP);
                match packed(Path::new(&path)) {
                    // It was one too many meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Box::new(io::empty())),
                    opened => opened,
                }
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.order, Order::Time(_))
    }
}

/// The old files of a log, the oldest first.
pub(crate) fn old_logs(log: &Path) -> io::Result<Vec<OldLog>> {
    let (Some(directory), Some(name)) = (log.parent(), log.file_name()) else { return Ok(Vec::new()) };
    let mut all: Vec<OldLog> = std::fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| {
            let found = entry.file_name();
            let rest = found.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b".")?;
            let rest = std::str::from_utf8(rest).ok()?;
            let plain = rest.strip_suffix(GZIP);
            let order = order(plain.unwrap_or(rest))?;
            Some(OldLog { order, path: directory.join(&found), compressed: plain.is_some() })
        })
        .collect();
    all.sort();
    // A compressed file whose original is still there: the process that made it was killed.
    all.dedup_by(|next, first| next.order == first.order);
    Ok(all)
}

fn order(end: &str) -> Option<Order> {
    let number = || {
        let plain = !end.is_empty() && end.len() < 6 && end.bytes().all(|byte| byte.is_ascii_digit());
        end.parse().ok().filter(|_| plain).map(|number| Order::Number(std::cmp::Reverse(number)))
    };
    timestamp::of_name(end).map(Order::Time).or_else(number)
}

/// Moves the log aside, under the name of this time, and removes the oldest files beyond `keep`.
pub(crate) fn set_aside(log: &Path, keep: usize) -> io::Result<()> {
    let (Some(directory), Some(name)) = (log.parent(), log.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let open = file::open_directory(directory)?;
    let ours: Vec<OldLog> = old_logs(log)?.into_iter().filter(OldLog::is_ours).collect();
    let last = ours.iter().filter_map(OldLog::time);
    // Also where the clock was set back.
    let after = last.max().map_or(SystemTime::UNIX_EPOCH, |last| last + Duration::from_micros(1));
    let mut to = name.to_owned();
    to.push(format!(".{}", timestamp::in_name(SystemTime::now().max(after))));
    file::rename(&open, name, &to)?;
    let removed = (ours.len() + 1).saturating_sub(keep);
    for old in ours.iter().take(removed) {
        file::remove(&open, old.name())?;
        // Both are there if the compression was interrupted.
        let mut compressed = old.plain_name();
        compressed.push(GZIP);
        file::remove(&open, &compressed)?;
    }
    Ok(())
}

/// Compresses the old files of a log that are not, the newest first.
#[cfg(feature = "gzip")]
pub(crate) fn compress(log: &Path) -> io::Result<()> {
    let Some(directory) = log.parent() else { return Ok(()) };
    let open = file::open_directory(directory)?;
    for old in old_logs(log)?.into_iter().rev().filter(|old| old.is_ours() && !old.compressed) {
        let mut from = match file::open_regular_nofollow(&old.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        // Another process may compress it, or has done so meanwhile.
        let Ok(_lock) = lock::lock_starts(from.try_clone()?, Duration::ZERO) else { continue };
        if old.path.symlink_metadata().is_err() {
            continue;
        }
        let (mut unfinished, mut finished) = (old.plain_name(), old.plain_name());
        unfinished.push(UNFINISHED);
        finished.push(GZIP);
        file::remove(&open, &unfinished)?;
        let to = file::create_like(&open, &unfinished, &from)?;
        let mut encoder = flate2::write::GzEncoder::new(to, flate2::Compression::new(LEVEL));
        io::copy(&mut from, &mut encoder)?;
        // It is whole on the disk before the original goes.
        encoder.finish()?.sync_all()?;
        file::rename(&open, &unfinished, &finished)?;
        if old.path.symlink_metadata().is_err() {
            // It was one too many meanwhile.
            file::remove(&open, &finished)?;
        }
        file::remove(&open, old.name())?;
    }
    Ok(())
}

#[cfg(feature = "gzip")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn unpacked(file: File) -> io::Result<Box<dyn Read>> {
    Ok(Box::new(flate2::read::MultiGzDecoder::new(file)))
}

#[cfg(not(feature = "gzip"))]
fn unpacked(_: File) -> io::Result<Box<dyn Read>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this program was built without the feature gzip"))
}

/// Removes what an interrupted compression has left.
pub(crate) fn clear_unfinished(log: &Path) -> io::Result<()> {
    let (Some(directory), Some(name)) = (log.parent(), log.file_name()) else { return Ok(()) };
    let open = file::open_directory(directory)?;
    for entry in std::fs::read_dir(directory)?.flatten() {
        let found = entry.file_name();
        let rest = found.as_bytes().strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"."));
        let Some(rest) = rest.and_then(|rest| std::str::from_utf8(rest).ok()) else { continue };
        let is_old = |stamp: &str| timestamp::of_name(stamp).is_some();
        if rest.strip_suffix(UNFINISHED).is_some_and(is_old) {
            file::remove(&open, &found)?;
        } else if rest.strip_suffix(GZIP).is_some_and(is_old) {
            // What has its name is whole, so the original is one too many.
            let original = OsStr::from_bytes(&found.as_bytes()[..found.len() - GZIP.len()]);
            remove_unlocked(&open, directory, original)?;
        }
    }
    Ok(())
}

/// Removes an old file, unless another process compresses it.
fn remove_unlocked(open: &File, directory: &Path, name: &OsStr) -> io::Result<()> {
    let old = match file::open_regular_nofollow(&directory.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        old => old?,
    };
    match lock::lock_starts(old, Duration::ZERO) {
        Ok(_lock) => file::remove(open, name),
        Err(_) => Ok(()),
    }
}

/// This build does not compress.
#[cfg(not(feature = "gzip"))]
pub(crate) fn compress(_: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this program was built without the feature gzip"))
}

/// gzip(1) has 6; text is hardly larger with this, and takes a third of the time.
#[cfg(feature = "gzip")]
const LEVEL: u32 = 4;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(what: &str) -> Self {
            let place = std::env::temp_dir().join(format!("svcadapt-{what}-{}", std::process::id()));
            fs::create_dir_all(&place).unwrap();
            Self(place)
        }

        fn log(&self) -> PathBuf {
            self.0.join("a.log")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn old_files_are_found_in_their_order() {
        let place = Place::new("old-logs");
        for name in [
            "a.log",
            "a.log.1",
            "a.log.2.gz",
            "a.log.10.gz",
            "a.log.20260101T000000.000001Z",
            "a.log.20260101T000000.000000Z.gz",
            "a.log.20260101T000000.000002Z",
            "a.log.20260101T000000.000002Z.gz",
            "a.log.20260101T000000.000003Z.gz.tmp",
            "a.log.bak",
            "b.log.1",
            "a.log.-1",
        ] {
            fs::write(place.0.join(name), "").unwrap();
        }
        let found = old_logs(&place.log()).unwrap();
        let names: Vec<_> = found.iter().map(|old| old.name().to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "a.log.10.gz",
                "a.log.2.gz",
                "a.log.1",
                "a.log.20260101T000000.000000Z.gz",
                "a.log.20260101T000000.000001Z",
                "a.log.20260101T000000.000002Z",
            ]
        );
    }

    #[test]
    fn no_more_than_the_asked_number_of_old_files_is_kept() {
        let place = Place::new("keep");
        for number in 0..5 {
            fs::write(place.log(), number.to_string()).unwrap();
            set_aside(&place.log(), 3).unwrap();
        }
        let kept = old_logs(&place.log()).unwrap();
        let texts: Vec<_> = kept.iter().map(|old| fs::read_to_string(&old.path).unwrap()).collect();
        assert_eq!(texts, ["2", "3", "4"]);
    }

    #[test]
    fn what_an_interrupted_compression_has_left_is_removed() {
        let place = Place::new("unfinished");
        let [one, two] = [1, 2].map(|micros| format!("a.log.20260101T000000.00000{micros}Z"));
        for name in [&one, &two] {
            fs::write(place.0.join(name), name).unwrap();
        }
        fs::write(place.0.join(format!("{one}.gz")), "whole").unwrap();
        fs::write(place.0.join(format!("{two}.gz.tmp")), "not whole").unwrap();
        let names = || -> Vec<_> {
            let mut names: Vec<_> = fs::read_dir(&place.0)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let held = lock::lock_starts(File::open(place.0.join(&one)).unwrap(), Duration::ZERO).unwrap();
        clear_unfinished(&place.log()).unwrap();
        assert_eq!(names(), [one.clone(), format!("{one}.gz"), two.clone()]);
        drop(held);
        clear_unfinished(&place.log()).unwrap();
        assert_eq!(names(), [format!("{one}.gz"), two]);
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn compressed_file_has_the_same_content_and_mode() {
        use std::io::Read;
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new("gzip");
        fs::write(place.log(), "one\n".repeat(10_000)).unwrap();
        fs::set_permissions(place.log(), fs::Permissions::from_mode(0o640)).unwrap();
        set_aside(&place.log(), 3).unwrap();
        compress(&place.log()).unwrap();
        let all = old_logs(&place.log()).unwrap();
        assert!(all.len() == 1 && all[0].compressed, "{all:?}");
        let file = File::open(&all[0].path).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\n".repeat(10_000));
        assert_eq!(fs::read_dir(&place.0).unwrap().count(), 1);
    }
}
