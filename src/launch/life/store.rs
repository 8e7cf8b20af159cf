//! The descriptors that the program has stored for its next start (sd_notify(3), `FDSTORE=1`; systemd.service(5),
//! `FileDescriptorStoreMax=`), by the rules of process 1 of systemd.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::readiness::StoreRequest;
use crate::sys::fd;

/// The name of a descriptor that was stored without one.
const UNNAMED: &str = "stored";

/// The store of a service.
#[derive(Debug, Default)]
pub(super) struct Store {
    max: usize,
    kept: Vec<Stored>,
}

/// A stored descriptor.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) file: OwnedFd,
    pub(super) name: String,
    /// Whether it is dropped when its other end is gone.
    pub(super) watched: bool,
}

impl Store {
    /// One for so many descriptors. It has these.
    pub(super) fn new(max: usize, kept: Vec<Stored>) -> Self {
        Self { max, kept }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn kept(&self) -> &[Stored] {
        &self.kept
    }

    /// Does what the program asks for. Returns how many descriptors did not find room.
    pub(super) fn handle(&mut self, request: StoreRequest) -> usize {
        match request {
            StoreRequest::Remove(name) => {
                self.kept.retain(|stored| stored.name != name);
                0
            }
            StoreRequest::Add { files, name, watch } => {
                let name = name.unwrap_or_else(|| UNNAMED.to_owned());
                files.into_iter().filter_map(|file| self.add(file, &name, watch)).count()
            }
        }
    }

    /// Adds one. Returns it if there is no room; one that is there already is closed.
    fn add(&mut self, file: OwnedFd, name: &str, watched: bool) -> Option<OwnedFd> {
        if self.kept.iter().any(|stored| fd::is_same(&stored.file, &file).unwrap_or(false)) {
            return None;
        }
        if self.kept.len() >= self.max {
            return Some(file);
        }
        // systemd passes the last one first.
        self.kept.insert(0, Stored { file, name: name.to_owned(), watched });
        None
    }

    /// The descriptors that are dropped when their other end is gone.
    pub(super) fn watched(&self) -> Vec<BorrowedFd<'_>> {
        self.kept.iter().filter(|stored| stored.watched).map(|stored| stored.file.as_fd()).collect()
    }

    /// Drops those whose other end is gone, or that have an error (EPOLLHUP, EPOLLERR).
    pub(super) fn drop_ended(&mut self) -> io::Result<()> {
        let watched = self.watched();
        if watched.is_empty() {
            return Ok(());
        }
        let ended = fd::wait(&[], &watched, Some(Duration::ZERO))?;
        let numbers = watched.iter().zip(ended).filter(|(_, ended)| *ended);
        let ended: Vec<i32> = numbers.map(|(file, _)| file.as_raw_fd()).collect();
        self.kept.retain(|stored| !ended.contains(&stored.file.as_raw_fd()));
        Ok(())
    }

    /// Closes them all.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(store: &mut Store, files: Vec<OwnedFd>, name: Option<&str>) -> usize {
        store.handle(StoreRequest::Add { files, name: name.map(str::to_owned), watch: true })
    }

    fn names(store: &Store) -> Vec<&str> {
        store.kept().iter().map(|stored| stored.name.as_str()).collect()
    }

    #[test]
    fn descriptor_is_stored_once_and_at_most_so_many() {
        let (out, input) = fd::pipe().unwrap();
        let mut store = Store::new(3, Vec::new());
        assert_eq!(add(&mut store, vec![fd::duplicate(&out, 3).unwrap()], Some("a")), 0);
        assert_eq!(add(&mut store, vec![fd::duplicate(&out, 3).unwrap()], Some("b")), 0);
        assert_eq!(names(&store), ["a"], "it is the same file");
        let more = (0..3).map(|_| fd::pipe().unwrap()).collect::<Vec<_>>();
        let ends = more.iter().map(|(out, _)| fd::duplicate(out, 3).unwrap()).collect();
        assert_eq!(add(&mut store, ends, None), 1);
        assert_eq!(names(&store), ["stored", "stored", "a"]);
        store.handle(StoreRequest::Remove("stored".to_owned()));
        assert_eq!(names(&store), ["a"]);
        drop(input);
        store.drop_ended().unwrap();
        assert!(store.kept().is_empty());
    }

    #[test]
    fn descriptor_that_is_not_watched_stays_when_its_other_end_is_gone() {
        let (out, input) = fd::pipe().unwrap();
        let mut store = Store::new(1, Vec::new());
        store.handle(StoreRequest::Add { files: vec![out], name: None, watch: false });
        drop(input);
        store.drop_ended().unwrap();
        assert_eq!(store.kept().len(), 1);
    }
}
