//! Out-of-memory kills in the control group of a service.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::inherited::Inherited;
use crate::sys::cgroup::{Group, MemoryWatch};

/// What the next image of the monitor needs: the descriptors, and the kills that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryMoment {
    pub(super) changes: i32,
    pub(super) events: i32,
    pub(super) seen: u64,
}

impl MemoryMoment {
    pub(super) fn to_word(self) -> String {
        format!("{}:{}:{}", self.changes, self.events, self.seen)
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        let mut parts = word.splitn(3, ':');
        let mut number = || parts.next()?.parse().ok();
        let (changes, events) = (number()?, number()?);
        Some(Self { changes, events, seen: parts.next()?.parse().ok()? })
    }
}

/// What is watched, and how many kills were seen.
#[derive(Debug)]
pub(super) struct OomKills {
    watch: MemoryWatch,
    seen: u64,
}

impl OomKills {
    /// Watches a control group. `None`: it has no memory controller.
    pub(super) fn of(group: &Group) -> Option<Self> {
        let mut watch = MemoryWatch::open(group).ok()?;
        let seen = watch.kills().unwrap_or(0);
        Some(Self { watch, seen })
    }

    /// Goes on with what an earlier image has watched.
    pub(super) fn resume(moment: MemoryMoment, inherited: &mut Inherited) -> io::Result<Self> {
        let watch = MemoryWatch::inherit(inherited.take(moment.changes)?, inherited.take(moment.events)?);
        Ok(Self { watch, seen: moment.seen })
    }

    pub(super) fn moment(&self) -> MemoryMoment {
        let (changes, events) = self.watch.numbers();
        MemoryMoment { changes, events, seen: self.seen }
    }

    /// Whether there are more than were seen.
    pub(super) fn has_new(&mut self) -> io::Result<bool> {
        let now = self.watch.kills()?;
        let more = now > self.seen;
        self.seen = now;
        Ok(more)
    }
}

impl AsFd for OomKills {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_of_memory_is_read_as_it_was_written() {
        let moment = MemoryMoment { changes: 8, events: 9, seen: 3 };
        assert_eq!(MemoryMoment::parse(&moment.to_word()), Some(moment));
        assert!(["", "8", "8:9", "8:x:3"].iter().all(|word| MemoryMoment::parse(word).is_none()));
    }
}
