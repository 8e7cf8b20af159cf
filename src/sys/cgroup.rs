//! Control groups of version 2 (cgroups(7)): directories in which the kernel has files for what it does to a group.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use super::file::OpenFor;
use super::{file, platform};

/// Groups below groups: deeper ones are not looked at. The kernel allows any depth.
const MAX_DEPTH: u32 = 32;

/// An open control group. Its name may be reused meanwhile, but not for this value.
#[derive(Debug)]
pub struct Group {
    directory: File,
    path: PathBuf,
}

impl Group {
    /// Opens a group.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { directory: file::open_directory(path)?, path: path.to_owned() })
    }

    /// Creates a group, or opens the one that is there.
    pub fn create(path: &Path) -> io::Result<Self> {
        file::make_directory(path, 0o755)?;
        Self::open(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its device and inode. No other group has the same pair while this value exists.
    pub fn id(&self) -> io::Result<(u64, u64)> {
        let found = self.directory.metadata()?;
        Ok((found.dev(), found.ino()))
    }

    /// What is known of its directory.
    pub fn metadata(&self) -> io::Result<fs::Metadata> {
        self.directory.metadata()
    }

    /// The text of one of its files.
    pub fn read(&self, name: &str) -> io::Result<String> {
        let mut text = String::new();
        file::open_in(&self.directory, name, OpenFor::Read)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Writes into one of its files.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        // The kernel takes each write(2) as a whole.
        file::open_in(&self.directory, name, OpenFor::Write)?.write_all(text.as_bytes())
    }

    /// A number in one of its files. `None` if there is no such file, or no limit.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.read(name).ok()?.trim().parse().ok()
    }

    /// Moves this process into it.
    pub fn enter(&self) -> io::Result<()> {
        self.write("cgroup.procs", "0")
    }

    /// The processes in it and in the groups below. Those of other pid namespaces are not visible.
    pub fn processes(&self) -> io::Result<BTreeSet<i32>> {
        let mut all = BTreeSet::new();
        self.collect(&mut all, MAX_DEPTH)?;
        Ok(all)
    }

    fn collect(&self, all: &mut BTreeSet<i32>, depth: u32) -> io::Result<()> {
        let text = match self.read("cgroup.procs") {
            // Groups of threads list them in the group above.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => String::new(),
            // The group was removed.
            Err(error) if is_gone(&error) => return Ok(()),
            text => text?,
        };
        all.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        for below in self.below(depth)? {
            below.collect(all, depth - 1)?;
        }
        Ok(())
    }

    fn below(&self, depth: u32) -> io::Result<Vec<Self>> {
        if depth == 0 {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Err(error) if is_gone(&error) => return Ok(all),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            // Only names come from the path.
            match file::open_directory_in(&self.directory, &entry.file_name()) {
                Ok(directory) => all.push(Self { directory, path: entry.path() }),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Kills all processes in it and below at once, those too that are being forked. Fails before Linux 5.14.
    pub fn kill(&self) -> io::Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// Stops all its processes, or lets them go on. SIGKILL reaches stopped ones, too.
    pub fn freeze(&self, yes: bool) -> io::Result<()> {
        self.write("cgroup.freeze", if yes { "1" } else { "0" })
    }

    /// Takes back the controllers if no group is left below.
    pub fn take_controllers_back(&self) -> io::Result<()> {
        if !self.below(1)?.is_empty() {
            return Ok(());
        }
        let given = self.read("cgroup.subtree_control")?;
        let words: Vec<String> = given.split_ascii_whitespace().map(|name| format!("-{name}")).collect();
        if words.is_empty() { Ok(()) } else { self.write("cgroup.subtree_control", &words.join(" ")) }
    }

    /// Removes it and the empty groups below, and waits at most so long for the end of processes that are exiting. A group
    /// with processes stays.
    pub fn remove(&self, timeout: Duration) -> io::Result<()> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            // Opened before the look, so that no change is missed.
            let events = match file::open_in(&self.directory, "cgroup.events", OpenFor::Read) {
                Err(error) if is_gone(&error) => return Ok(()),
                events => events?,
            };
            let mut text = String::new();
            (&events).read_to_string(&mut text)?;
            match self.remove_now(MAX_DEPTH) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                    let left = left.filter(|left| !left.is_zero());
                    let Some(left) = left.filter(|_| text.contains("populated 1")) else { return Err(error) };
                    platform::wait_for_priority(events.as_fd(), left)?;
                }
                done => return done,
            }
        }
    }

    fn remove_now(&self, depth: u32) -> io::Result<()> {
        for below in self.below(depth)? {
            below.remove_now(depth - 1)?;
        }
        let (device, inode) = self.id()?;
        match file::remove_empty(&self.path, device, inode) {
            Err(error) if is_gone(&error) => Ok(()),
            done => done,
        }
    }
}

/// The count of out-of-memory kills in a group. Readable when something about its memory has happened.
#[derive(Debug)]
pub struct MemoryWatch {
    changes: OwnedFd,
    events: File,
}

impl MemoryWatch {
    /// Watches a group. Fails if it has not the memory controller.
    pub fn open(group: &Group) -> io::Result<Self> {
        let events = file::open_in(&group.directory, EVENTS, OpenFor::Read)?;
        Ok(Self { changes: platform::watch_changes(&group.path.join(EVENTS))?, events })
    }

    /// Goes on with the descriptors of an earlier image of this process.
    pub fn inherit(changes: OwnedFd, events: OwnedFd) -> Self {
        Self { changes, events: events.into() }
    }

    /// The numbers of its descriptors.
    pub fn numbers(&self) -> (i32, i32) {
        (self.changes.as_raw_fd(), self.events.as_raw_fd())
    }

    /// How often the kernel has killed a process for lack of memory. 0 if the group was removed.
    pub fn kills(&mut self) -> io::Result<u64> {
        let mut buffer = [0; 4096];
        while super::fd::read(&self.changes, &mut buffer)?.is_some_and(|length| length > 0) {}
        let mut text = String::new();
        self.events.rewind()?;
        match self.events.read_to_string(&mut text) {
            Err(error) if is_gone(&error) => return Ok(0),
            read => read?,
        };
        let count = |line: &str| line.strip_prefix("oom_kill ")?.trim().parse().ok();
        Ok(text.lines().find_map(count).unwrap_or(0))
    }
}

impl AsFd for MemoryWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.changes.as_fd()
    }
}

/// The file that counts what has happened to the memory of a group.
const EVENTS: &str = "memory.events";

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}

/// Whether a directory of groups is this user's, and may be changed.
pub fn access(directory: &Path) -> io::Result<bool> {
    let owner = fs::symlink_metadata(directory)?.uid();
    let own = owner == super::identity::effective_user();
    Ok(own && file::may_write(directory).is_ok() && file::may_write_file(&directory.join("cgroup.procs")))
}

/// Whether systemd has marked a directory as delegated.
pub fn is_delegated(directory: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| super::attribute::has(directory, name))
}

/// A name of a group made of these bytes: the kernel takes any but `/`, newlines and its own.
pub fn name(prefix: &str, name: &OsStr) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.@:+".contains(byte);
    let bytes = name.as_bytes();
    if bytes.iter().all(plain) && prefix.len() + bytes.len() <= file::MAX_NAME_BYTES {
        format!("{prefix}{}", String::from_utf8_lossy(bytes))
    } else {
        format!("{prefix}{}", file::digest(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_group_is_readable_or_a_digest() {
        assert_eq!(name("svcadapt-", OsStr::new("web@1")), "svcadapt-web@1");
        for odd in ["a/b", "a\nb", &"x".repeat(250)] {
            let name = name("svcadapt-", OsStr::new(odd));
            assert_eq!(name.len(), "svcadapt-".len() + 32, "{name}");
        }
    }

    #[test]
    fn directory_that_is_no_group_has_no_processes_to_kill() {
        let directory = std::env::temp_dir().join(format!("svcadapt-group-{}", std::process::id()));
        let group = Group::create(&directory).unwrap();
        assert!(group.kill().is_err() && group.read("cgroup.procs").is_err());
        assert_eq!(group.number("pids.current"), None);
        fs::remove_dir(&directory).unwrap();
        assert!(Group::open(&directory).is_err());
    }
}
