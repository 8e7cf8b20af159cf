//! Only Linux has an OOM score.

use std::io;

use super::unsupported;

pub(crate) fn set_oom_score_adjust(_score: i32) -> io::Result<()> {
    Err(none())
}

pub(crate) fn oom_score_adjust() -> io::Result<i32> {
    Err(none())
}

fn none() -> io::Error {
    unsupported("this system has no OOM score")
}
