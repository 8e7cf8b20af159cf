//! Writing files through to the device.

use std::fs::File;
use std::io;

use nix::errno::Errno;

/// Writes a file, or the names in a directory, through to the device, as far as its file system can.
///
/// On macOS std asks for F_FULLFSYNC (fcntl(2)), which network file systems and exFAT do not have: then it is fsync(2).
pub fn write_through(file: &File) -> io::Result<()> {
    as_far_as_it_goes(file.sync_all(), || Ok(nix::unistd::fsync(file)?))
}

fn as_far_as_it_goes(full: io::Result<()>, plain: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match full {
        Err(error) if cannot(&error) => match plain() {
            Err(error) if cannot(&error) => Ok(()),
            done => done,
        },
        done => done,
    }
}

/// Whether the file system does not do such a thing, which is no failure of it.
fn cannot(error: &io::Error) -> bool {
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
            as_far_as_it_goes(failed(errno), || Ok(())).unwrap();
            as_far_as_it_goes(failed(errno), || failed(errno)).unwrap();
            assert_eq!(
                as_far_as_it_goes(failed(errno), || failed(Errno::EIO)).unwrap_err().raw_os_error(),
                Some(libc::EIO)
            );
        }
    }

    #[test]
    fn device_that_fails_is_an_error_at_once() {
        as_far_as_it_goes(failed(Errno::ENOSPC), || unreachable!()).unwrap_err();
        as_far_as_it_goes(Ok(()), || unreachable!()).unwrap();
    }
}
