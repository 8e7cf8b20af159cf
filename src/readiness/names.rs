//! New names in the directories of `unix:` and `file:` probes: a look follows each at once.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use crate::sys::new_names::NewNames;

/// Whether new names are announced.
#[derive(Debug, Default)]
pub(super) enum Names {
    /// Nothing was looked at. Mostly what a watchdog's probe looks at is there.
    #[default]
    New,
    /// The first look was in vain.
    Wanted,
    Known(Announcer),
    /// This system does not announce them.
    Unavailable,
}

#[derive(Debug)]
pub(super) struct Announcer {
    names: NewNames,
    /// When the next name was last asked for, since the start.
    asked: Option<Duration>,
    /// Whether the last look followed such a question, so that nothing can be missed.
    is_sure: bool,
}

impl Names {
    /// Before a look for something in these directories. The next name is asked for at most once in each `pause`: a
    /// directory in which names are made without end is not looked at without end.
    pub(super) fn before_look<'a>(
        &mut self,
        directories: impl Iterator<Item = &'a Path>,
        elapsed: Duration,
        pause: Duration,
    ) {
        *self = match std::mem::take(self) {
            Self::New => Self::Wanted,
            Self::Wanted => NewNames::new().map_or(Self::Unavailable, |names| {
                Self::Known(Announcer { names, asked: None, is_sure: false })
            }),
            other => other,
        };
        if let Self::Known(announcer) = self {
            let is_due = announcer.asked.is_none_or(|asked| elapsed >= asked + pause);
            announcer.is_sure = is_due && announcer.names.announce(directories);
            announcer.asked = announcer.asked.filter(|_| !is_due).or(Some(elapsed));
        }
    }

    /// Whether the next name wakes this process. A network file system does not announce what other machines do.
    pub(super) fn are_announced(&self) -> bool {
        matches!(self, Self::Known(Announcer { is_sure: true, .. }))
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Known(announcer) => Some(announcer.names.as_fd()),
            Self::New | Self::Wanted | Self::Unavailable => None,
        }
    }
}
