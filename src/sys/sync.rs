//! Writing files to the device.

use std::fs::File;
use std::io;

use nix::errno::Errno;

/// Writes a file, or the names in a directory, to the device, as far as the file system supports that (fsync(2)).
///
/// On macOS std uses F_FULLFSYNC (fcntl(2)), which network file systems and exFAT reject; then fsync(2) is used.
pub fn sync_file(file: &File) -> io::Result<()> {
    sync_or_fall_back(file.sync_all(), || Ok(nix::unistd::fsync(file)?))
}

fn sync_or_fall_back(full: io::Result<()>, plain: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match full {
        Err(error) if is_unsupported(&error) => match plain() {
            Err(error) if is_unsupported(&error) => Ok(()),
            done => done,
        },
        done => done,
    }
}

/// Whether the file system does not support the operation, which is not a failure.
fn is_unsupported(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    errno.is_some_and(|errno| {
        [Errno::ENOTSUP, Errno::EOPNOTSUPP, Errno::EINVAL, Errno::ENOTTY].contains(&errno)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(errno: Errno) -> io::Result<()> {
        Err(errno.into())
    }

    #[test]
    fn unsupported_sync_falls_back_and_is_not_an_error() {
        for errno in [Errno::ENOTSUP, Errno::EINVAL] {
            sync_or_fall_back(failed(errno), || Ok(())).unwrap();
            sync_or_fall_back(failed(errno), || failed(errno)).unwrap();
            assert_eq!(
                sync_or_fall_back(failed(errno), || failed(Errno::EIO)).unwrap_err().raw_os_error(),
                Some(libc::EIO)
            );
        }
    }

    #[test]
    fn failed_sync_is_reported_without_a_fallback() {
        sync_or_fall_back(failed(Errno::ENOSPC), || unreachable!()).unwrap_err();
        sync_or_fall_back(Ok(()), || unreachable!()).unwrap();
    }
}
