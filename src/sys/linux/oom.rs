//! The OOM score adjustment (proc(5)).

use std::io;

pub(crate) fn set_oom_score_adjust(score: i32) -> io::Result<()> {
    std::fs::write("/proc/self/oom_score_adj", score.to_string())
}

pub(crate) fn oom_score_adjust() -> io::Result<i32> {
    let text = std::fs::read_to_string("/proc/self/oom_score_adj")?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}
