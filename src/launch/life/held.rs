//! The descriptors that a monitor holds for the program: each start gets the same sockets, so that no client is refused
//! between two starts, and after them what the program has stored.

use std::io;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use super::inherited::Inherited;
use super::store::{Store, Stored};
use crate::launch::start::Start;
use crate::plan::store_size;
use crate::readiness::StoreRequest;
use crate::sys::{fd, file};

/// What is held.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) sockets: Vec<OwnedFd>,
    pub(super) store: Store,
    /// Whether the first client is waited for, which starts the program.
    pub(super) awaits_client: bool,
    /// The memory file with the names of the stored descriptors, while an image is executed.
    names: Option<OwnedFd>,
}

/// The numbers of the descriptors, for the next image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct HeldMoment {
    sockets: Vec<i32>,
    /// How many can be stored.
    max: usize,
    stored: Vec<i32>,
    /// The memory file with their names.
    names: Option<i32>,
}

impl HeldMoment {
    pub(super) fn to_word(&self) -> String {
        let list = |all: &[i32]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let names = self.names.map(|number| number.to_string()).unwrap_or_default();
        format!("{}:{}:{}:{names}", list(&self.sockets), self.max, list(&self.stored))
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        let [sockets, max, stored, names] = word.split(':').collect::<Vec<_>>().try_into().ok()?;
        let list = |word: &str| {
            let numbers = word.split('.').filter(|number| !number.is_empty());
            numbers.map(|number| number.parse().ok()).collect::<Option<Vec<i32>>>()
        };
        let names = if names.is_empty() { None } else { Some(names.parse().ok()?) };
        Some(Self { sockets: list(sockets)?, max: max.parse().ok()?, stored: list(stored)?, names })
    }

    /// All numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i32> {
        self.sockets.iter().chain(&self.stored).copied().chain(self.names)
    }

    /// Whether the service has a descriptor store.
    pub(super) fn stores(&self) -> bool {
        self.max > 0
    }
}

impl Held {
    pub(super) fn new(start: &Start<'_>) -> Self {
        let max = if start.stores() { store_size(start.spec) } else { 0 };
        Self { sockets: Vec::new(), store: Store::new(max, Vec::new()), awaits_client: false, names: None }
    }

    pub(super) fn moment(&mut self) -> io::Result<HeldMoment> {
        self.names = None;
        let kept = self.store.kept();
        if !kept.is_empty() {
            let line = |stored: &Stored| format!("{} {}\n", u8::from(stored.watched), stored.name);
            let mut memory = std::fs::File::from(file::memory("svcadapt-store")?);
            memory.write_all(kept.iter().map(line).collect::<String>().as_bytes())?;
            self.names = Some(memory.into());
        }
        Ok(HeldMoment {
            sockets: self.sockets.iter().map(AsRawFd::as_raw_fd).collect(),
            max: self.store.max(),
            stored: self.store.kept().iter().map(|stored| stored.file.as_raw_fd()).collect(),
            names: self.names.as_ref().map(AsRawFd::as_raw_fd),
        })
    }

    /// Goes on with what an earlier image has held.
    pub(super) fn resume(moment: &HeldMoment, inherited: &mut Inherited) -> io::Result<Self> {
        let mut all = |numbers: &[i32]| {
            numbers.iter().map(|&number| inherited.take(number)).collect::<io::Result<Vec<_>>>()
        };
        let (sockets, stored) = (all(&moment.sockets)?, all(&moment.stored)?);
        let mut text = String::new();
        if let Some(names) = moment.names {
            let mut memory = std::fs::File::from(inherited.take(names)?);
            memory.rewind()?;
            memory.read_to_string(&mut text)?;
        }
        let named = |(file, line): (OwnedFd, &str)| {
            let (watched, name) = line.split_once(' ')?;
            Some(Stored { file, name: name.to_owned(), watched: watched == "1" })
        };
        let kept = stored.into_iter().zip(text.lines()).filter_map(named).collect();
        Ok(Self { sockets, store: Store::new(moment.max, kept), awaits_client: false, names: None })
    }

    /// Stores what the program asks for. Returns the line about descriptors that did not find room.
    pub(super) fn store(&mut self, requests: Vec<StoreRequest>) -> Option<String> {
        let lost: usize = requests.into_iter().map(|request| self.store.handle(request)).sum();
        let max = self.store.max();
        (lost > 0).then(|| {
            format!("{lost} more descriptors than the {max} that it may store (FileDescriptorStoreMax=)")
        })
    }

    /// Duplicates for a start, with their names. They have numbers that are not reserved for the program.
    pub(super) fn duplicates(
        &self,
        socket_name: &str,
        reserved: &[i32],
    ) -> io::Result<Vec<(OwnedFd, String)>> {
        let sockets =
            self.sockets.iter().map(|socket| Ok((aside(socket, reserved)?, socket_name.to_owned())));
        let stored = self.store.kept().iter();
        let stored = stored.map(|stored| Ok((aside(&stored.file, reserved)?, stored.name.clone())));
        sockets.chain(stored).collect()
    }

    /// The sockets on which this process listens.
    pub(super) fn listening(&self) -> &[OwnedFd] {
        &self.sockets
    }
}

/// A duplicate with a number that is not reserved for the program.
pub(super) fn aside(file: &OwnedFd, reserved: &[i32]) -> io::Result<OwnedFd> {
    let floor = reserved.iter().max().map_or(3, |last| last.saturating_add(1));
    match fd::duplicate(file, floor) {
        // The limit of open files leaves no room there.
        Err(_) => fd::move_off(fd::duplicate(file, 3)?, reserved),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_of_held_descriptors_is_read_as_it_was_written() {
        for (sockets, stored, names) in [(vec![], vec![], None), (vec![5, 6], vec![8, 17], Some(9))] {
            let moment = HeldMoment { sockets, max: 3, stored, names };
            assert_eq!(HeldMoment::parse(&moment.to_word()), Some(moment));
        }
        assert!(["", "5.x:0::", "5::", "5:1::x"].iter().all(|word| HeldMoment::parse(word).is_none()));
    }
}
