//! Sockets of processes, by their inode numbers in `/proc/PID/fd` (proc(5)).

use std::io;
use std::path::Path;

use super::super::{process_info, procfs};

/// A listening socket, by its inode number in `/proc/PID/fd`.
pub type Listening = u32;

/// Whether a process has one of these sockets. `None` if its descriptors are not visible.
pub fn held_by(pid: i32, sockets: &[Listening]) -> Option<bool> {
    let entries = match procfs::path(pid, "fd").and_then(std::fs::read_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    let mut closed = false;
    for entry in entries.flatten() {
        match std::fs::read_link(entry.path()) {
            Ok(target) if inode(&target).is_some_and(|inode| sockets.contains(&inode)) => return Some(true),
            // With access to the directory but without the permission to trace, links exist but are unreadable.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => closed = true,
            Ok(_) | Err(_) => {}
        }
    }
    (!closed).then_some(false)
}

/// A process that has one of these sockets, if one is visible.
pub fn holder(sockets: &[Listening]) -> Option<i32> {
    process_info::pids().into_iter().find(|pid| held_by(*pid, sockets) == Some(true))
}

/// The number in `socket:[12345]`.
fn inode(target: &Path) -> Option<Listening> {
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
