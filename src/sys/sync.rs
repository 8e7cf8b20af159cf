//! Writing files through to the device.

use std::fs::File;
use std::io;

use nix::errno::Errno;

/// Writes a file, or the names in a directory, through to the device, as far as its file system can.
///
/// On macOS std asks for F_FULLFSYNC (fcntl(2)), which network file systems and exFAT do not have: then it is fsync(2).
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

/// Whether the file system does not do such a thing, which is no failure of it.
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
    fn file_system_that_cannot_do_it_is_asked_for_less_and_is_no_error() {
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
    fn device_that_fails_is_an_error_at_once() {
        sync_or_fall_back(failed(Errno::ENOSPC), || unreachable!()).unwrap_err();
        sync_or_fall_back(Ok(()), || unreachable!()).unwrap();
    }
}
