//! `fd`: the program writes a newline (s6's notification protocol).

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use crate::sys::fd;

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
        let mut buffer = [0; 512];
        loop {
            match fd::read(pipe, &mut buffer)? {
                Some(0) => {
                    self.pipe = None;
                    return Ok(false);
                }
                Some(length) if buffer[..length].contains(&b'\n') => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }
}
