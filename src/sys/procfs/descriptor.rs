//! The open descriptors of a process: `/proc/PID/fd` and `/proc/PID/fdinfo`.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use crate::sys::procfs;
use crate::sys::procfs::{Inode, SignalSet, Unreadable, inode};

/// The number of descriptors that are inspected; the rest is only counted.
const MAX_DESCRIPTORS: usize = 4096;

/// The required fields are in the first lines of `fdinfo`; an epoll's can be long.
const FDINFO: u64 = 1024;

#[cfg(target_os = "linux")]
const O_PATH: i32 = libc::O_PATH;
/// Linux's value: the flags read here are always Linux's.
#[cfg(not(target_os = "linux"))]
const O_PATH: i32 = 0o10_000_000;

/// What a descriptor was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorAccess {
    /// Reading only.
    Read,
    /// Writing only.
    Write,
    /// Both.
    Both,
    /// Neither: `O_PATH`.
    Neither,
}

impl DescriptorAccess {
    /// Whether read(2) can work.
    pub fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Both)
    }

    /// Whether write(2) can work.
    pub fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Both)
    }
}

/// How a descriptor is open: the first lines of its `fdinfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFlags {
    /// Its access mode.
    pub access: DescriptorAccess,
    /// Whether an exec closes it.
    pub close_on_exec: bool,
    /// If it is a signalfd(2), the signals that are read from it.
    pub signals: Option<SignalSet>,
}

/// One open descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number.
    pub number: i32,
    /// The file it refers to.
    pub target: Result<Inode, Unreadable>,
    /// Its flags.
    pub flags: Result<OpenFlags, Unreadable>,
}

/// The open descriptors of a process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Descriptors {
    /// The inspected ones, by number: all, or the 4096 lowest.
    pub listed: Vec<Descriptor>,
    /// The number of others.
    pub more: usize,
}

/// Reads the descriptors of a process. Requires the permission to trace it (ptrace(2)).
pub fn descriptors(pid: i32) -> Result<Descriptors, Unreadable> {
    let mut found = Descriptors::default();
    // The kernel lists them in ascending order.
    for entry in fs::read_dir(procfs::path(pid, "fd")?)? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if found.listed.len() == MAX_DESCRIPTORS {
            found.more += 1;
            continue;
        }
        let descriptor = Descriptor {
            number,
            target: inode::read(&procfs::path(pid, &format!("fd/{number}"))?).map_err(Unreadable::from),
            flags: flags(pid, number),
        };
        // It was closed after the directory was read.
        if !matches!(
            (&descriptor.target, &descriptor.flags),
            (Err(Unreadable::NotReported), Err(Unreadable::NotReported))
        ) {
            found.listed.push(descriptor);
        }
    }
    found.listed.sort_by_key(|descriptor| descriptor.number);
    Ok(found)
}

/// Whether a process has a file with this name, device and inode open. Descriptors with close-on-exec count only if
/// `close_on_exec` is set.
///
/// Most descriptors are excluded by their links; only the file's own file system is accessed.
pub fn has_open(pid: i32, name: &OsStr, file: (u64, u64), close_on_exec: bool) -> bool {
    let Ok(fds) = procfs::path(pid, "fd") else { return false };
    let entries = fs::read_dir(&fds).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).any(|number| {
        let path = fds.join(number.to_string());
        fs::read_link(&path).is_ok_and(|link| link.file_name() == Some(name))
            && fs::metadata(&path).is_ok_and(|found| (found.dev(), found.ino()) == file)
            && (close_on_exec || flags(pid, number).is_ok_and(|flags| !flags.close_on_exec))
    })
}

fn flags(pid: i32, number: i32) -> Result<OpenFlags, Unreadable> {
    let mut text = Vec::new();
    File::open(procfs::path(pid, &format!("fdinfo/{number}"))?)?.take(FDINFO).read_to_end(&mut text)?;
    parse_flags(&String::from_utf8_lossy(&text)).ok_or(Unreadable::NotReported)
}

fn parse_flags(text: &str) -> Option<OpenFlags> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let flags = i32::from_str_radix(field("flags:")?, 8).ok()?;
    let access = match flags & libc::O_ACCMODE {
        _ if flags & O_PATH != 0 => DescriptorAccess::Neither,
        libc::O_RDONLY => DescriptorAccess::Read,
        libc::O_WRONLY => DescriptorAccess::Write,
        libc::O_RDWR => DescriptorAccess::Both,
        // 3 means "for ioctl only" (open(2)).
        _ => DescriptorAccess::Neither,
    };
    let signals = field("sigmask:").and_then(SignalSet::from_hex);
    Some(OpenFlags { access, close_on_exec: flags & libc::O_CLOEXEC != 0, signals })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal_and_a_signalfd_lists_its_signals() {
        let text = "pos:\t0\nflags:\t02004002\nmnt_id:\t16\nino:\t1\nsigmask:\t0000000000014000\n";
        let flags = parse_flags(text).unwrap();
        assert_eq!((flags.access, flags.close_on_exec), (DescriptorAccess::Both, true));
        assert_eq!(flags.signals.unwrap().numbers().collect::<Vec<_>>(), [15, 17]);
    }

    #[test]
    fn every_access_mode_is_recognised() {
        for (octal, access) in [
            ("0100000", DescriptorAccess::Read),
            ("0102001", DescriptorAccess::Write),
            ("02", DescriptorAccess::Both),
            ("03", DescriptorAccess::Neither),
            ("010000000", DescriptorAccess::Neither),
        ] {
            let flags = parse_flags(&format!("pos:\t0\nflags:\t{octal}\n")).unwrap();
            assert_eq!((flags.access, flags.close_on_exec), (access, false), "{octal}");
        }
        assert_eq!(parse_flags("pos:\t0\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn opened_file_is_listed() {
        let own = i32::try_from(std::process::id()).unwrap();
        let file = File::open("/dev/null").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let found = descriptors(own).unwrap();
        let ours = found.listed.iter().find(|descriptor| descriptor.number == number).unwrap();
        assert_eq!(ours.target.as_ref().unwrap().kind, inode::InodeKind::Null);
        assert_eq!(
            ours.flags.unwrap(),
            OpenFlags { access: DescriptorAccess::Read, close_on_exec: true, signals: None }
        );
    }
}
