//! What a small image reports to the big one: why that was executed.

use std::ffi::OsStr;

use crate::readiness::NamedProcess;
use crate::sys::process::Ended;

/// What has happened while the small image watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The main process has ended.
    MainEnded(Ended),
    /// A signal has arrived.
    Signal(i32),
    /// A client has connected to the control socket.
    Request,
    /// `STOPPING=1`
    Stopping,
    /// `MAINPID=`
    MainPid(NamedProcess),
    /// `RuntimeMaxSec=` is over.
    Timeout,
    /// The program has not reported to the watchdog in time, or has asked for its action.
    Watchdog,
    /// The kernel has killed a process of the service for lack of memory.
    OutOfMemory,
    /// The log file has to be rotated.
    LogIsDue,
}

impl News {
    pub(super) fn to_word(self) -> String {
        match self {
            Self::MainEnded(ended) => format!("ended {}", ended_word(ended)),
            Self::Signal(number) => format!("signal {number}"),
            Self::Request => "request".to_owned(),
            Self::Stopping => "stopping".to_owned(),
            Self::MainPid(NamedProcess { pid, id }) => {
                format!("main {pid}:{}", id.map(|id| id.to_string()).unwrap_or_default())
            }
            Self::Timeout => "timeout".to_owned(),
            Self::Watchdog => "watchdog".to_owned(),
            Self::OutOfMemory => "memory".to_owned(),
            Self::LogIsDue => "log".to_owned(),
        }
    }

    /// Reads the third argument of a monitor's image.
    pub(super) fn parse(word: &OsStr) -> Option<Self> {
        let word = word.to_str()?;
        Some(match word.split_once(' ') {
            Some(("ended", how)) => Self::MainEnded(ended(how)?),
            Some(("signal", number)) => Self::Signal(number.parse().ok()?),
            Some(("main", named)) => {
                let (pid, id) = named.split_once(':')?;
                let id = if id.is_empty() { None } else { Some(id.parse().ok()?) };
                Self::MainPid(NamedProcess { pid: pid.parse().ok()?, id })
            }
            Some(_) => return None,
            None => match word {
                "request" => Self::Request,
                "stopping" => Self::Stopping,
                "timeout" => Self::Timeout,
                "watchdog" => Self::Watchdog,
                "memory" => Self::OutOfMemory,
                "log" => Self::LogIsDue,
                _ => return None,
            },
        })
    }
}

/// How a process has ended, as a word.
pub(super) fn ended_word(ended: Ended) -> String {
    match ended {
        Ended::Exited(status) => format!("x{status}"),
        Ended::Killed(number) => format!("k{number}"),
        Ended::Dumped(number) => format!("d{number}"),
    }
}

/// Reads such a word.
pub(super) fn ended(word: &str) -> Option<Ended> {
    match word.split_at_checked(1)? {
        ("x", status) => status.parse().ok().map(Ended::Exited),
        ("k", number) => number.parse().ok().map(Ended::Killed),
        ("d", number) => number.parse().ok().map(Ended::Dumped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_read_as_it_was_written() {
        for news in [
            News::MainEnded(Ended::Exited(3)),
            News::MainEnded(Ended::Killed(9)),
            News::MainEnded(Ended::Dumped(6)),
            News::Signal(15),
            News::Request,
            News::Stopping,
            News::MainPid(NamedProcess { pid: 7, id: None }),
            News::MainPid(NamedProcess { pid: 7, id: Some(u64::MAX) }),
            News::Timeout,
            News::Watchdog,
            News::OutOfMemory,
            News::LogIsDue,
        ] {
            assert_eq!(News::parse(OsStr::new(&news.to_word())), Some(news));
        }
        assert_eq!(News::parse(OsStr::new("")), None);
    }
}
