//! The `fd` probe: the program writes a newline (s6's notification protocol).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::fd;

/// The maximum number of reads of 4096 bytes in one poll: one more than a pipe of the default size holds.
const MAX_READS: usize = 17;

/// The read end of the pipe.
#[derive(Debug)]
pub(super) struct Newline {
    pipe: Option<OwnedFd>,
}

impl Newline {
    /// Waits for a newline from this pipe.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe) }
    }

    /// Whether a newline has come; bytes before it are ignored. After the program has closed the pipe without a newline the
    /// probe cannot succeed, and the start ends by its timeout.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        fd::nonblocking(pipe, true)?;
        let mut buffer = [0; 4096];
        // Bounded: a program that writes without end must not delay the timeout.
        for _ in 0..MAX_READS {
            match fd::read(pipe, &mut buffer)? {
                Some(0) => {
                    self.pipe = None;
                    return Ok(false);
                }
                Some(length) if buffer[..length].contains(&b'\n') => return Ok(true),
                Some(_) => {}
                None => break,
            }
        }
        Ok(false)
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }
}
