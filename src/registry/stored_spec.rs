//! The spec of a service as it was started, in a file beside its lock: a restart starts the same service again.
//!
//! Only the owner may read the file, because a spec can have secrets (`Environment=`).

use std::ffi::{OsStr, OsString};
use std::io;
use std::io::Read;
use std::path::{Path, PathBuf};

use svcadapt_spec::{FIELDS, Origin, ServiceSpec, Socket, SpecDraft, values};

use super::lines;
use super::start_lock::{MODE, mode_in};
use crate::sys::file;

/// A larger file is not a spec of ours.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The suffix of the file's name.
const SUFFIX: &str = "%spec";

/// The version of the format; another one is not read.
const VERSION: &str = "1";

/// A spec with the mode that it was started in.
#[derive(Debug)]
pub struct StoredSpec {
    /// The spec's values and its command.
    pub draft: SpecDraft,
    /// The name of the mode.
    pub mode: OsString,
}

/// Reads the spec that is stored beside this lock. `None` if no spec is stored, or if it is of another version.
pub fn read(lock: &Path) -> io::Result<Option<StoredSpec>> {
    let file = match file::open_regular_nofollow(&path(lock)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(parse(&text).map(|(_, stored)| stored))
}

/// Stores a spec beside this lock.
pub(super) fn store(lock: &Path, spec: &ServiceSpec, mode: &str) -> io::Result<()> {
    let path = path(lock);
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let content = Lines::default().with_spec(spec, mode);
    file::replace(file::open_directory(directory)?, name, mode_in(Some(directory), MODE), &content)
}

/// The file of a lock's spec.
pub(super) fn path(lock: &Path) -> PathBuf {
    let mut path = lock.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

/// Fields beside a spec in a text.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Adds a field.
    pub fn put(&mut self, name: &str, value: &OsStr) {
        lines::put(&mut self.0, name, value);
    }

    /// The text, with the spec.
    pub fn with_spec(self, spec: &ServiceSpec, mode: &str) -> Vec<u8> {
        let mut text = Vec::new();
        lines::put(&mut text, "version", OsStr::new(VERSION));
        lines::put(&mut text, "mode", OsStr::new(mode));
        text.extend(self.0);
        for word in spec.command.argv() {
            lines::put(&mut text, "word", word);
        }
        for row in FIELDS.iter().filter(|row| Socket::kind_of(row.field).is_none()) {
            for value in values(spec, row.field) {
                lines::put(&mut text, &format!("-{}", row.option), &value);
            }
        }
        // Of every kind in one order, which is that of their descriptors.
        for socket in &spec.sockets.listen {
            lines::put(&mut text, &format!("-{}", socket.field().option()), &socket.address.written());
        }
        text.extend(lines::END);
        text
    }
}

/// The fields beside the spec, and the spec. `None` if the text is not complete, or of another version.
pub fn parse(text: &[u8]) -> Option<(Vec<(String, OsString)>, StoredSpec)> {
    let mut all = lines::fields(text)?;
    if all.next()? != (b"version".as_slice(), OsString::from(VERSION)) {
        return None;
    }
    let (mut draft, mut words, mut fields) = (SpecDraft::new(), Vec::new(), Vec::new());
    for (name, value) in all {
        match std::str::from_utf8(name).ok()? {
            "word" => words.push(value),
            name => match name.strip_prefix('-') {
                Some(option) => {
                    let row = FIELDS.iter().find(|row| row.option == option)?;
                    draft.assign(row.field, value, Origin::Option);
                }
                None => fields.push((name.to_owned(), value)),
            },
        }
    }
    draft.command(words);
    let mode = fields.iter().find(|(name, _)| name == "mode").map(|(_, mode)| mode.clone())?;
    Some((fields, StoredSpec { draft, mode }))
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::Field;

    use super::*;

    #[test]
    fn stored_spec_is_the_spec_that_was_started() {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/a".into(), "b\nc%0a".into(), "".into()]);
        draft.assign(Field::Environment, "A=x=\ny", Origin::Option);
        draft.assign(Field::Environment, "B=", Origin::Option);
        draft.assign(Field::ExecStop, "-/bin/sh -c 'kill $MAINPID'", Origin::Option);
        draft.assign(Field::Restart, "always", Origin::Option);
        for (field, value) in
            [(Field::ListenFifo, "/a"), (Field::ListenStream, "@b"), (Field::ListenFifo, "/c")]
        {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let text = Lines::default().with_spec(&spec, "classic");
        let (_, stored) = parse(&text).unwrap();
        assert_eq!(stored.mode, "classic");
        assert_eq!(stored.draft.finish().unwrap(), spec);
        for length in 0..text.len() {
            assert!(parse(&text[..length]).is_none(), "{length}");
        }
        assert!(parse(b"version=2\nend=\n").is_none());
    }
}
