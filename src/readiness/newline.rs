//! `fd`: the program writes a newline (s6's notification protocol).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::fd;

/// As many times is read in one look: once more than it takes to empty a pipe of the usual size.
const MAX_READS: usize = 17;

/// The end of the pipe that the newline comes out of.
#[derive(Debug)]
pub(super) struct Newline {
    pipe: Option<OwnedFd>,
}

impl Newline {
    /// Waits for a newline out of this.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe) }
    }

    /// What is written before the newline means nothing. A pipe that was closed without one will bring none: the
    /// program forgot its promise, and only the time-out can tell.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        fd::nonblocking(pipe, true)?;
        let mut buffer = [0; 4096];
        // Not until there is nothing left: a program that writes without end must not keep us from the clock.
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
