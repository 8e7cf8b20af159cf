//! Files without a name.

use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::OwnedFd;

/// A file without a name, open for reading.
pub(crate) fn sealed_file(name: &str, content: &[u8]) -> io::Result<OwnedFd> {
    // mkstemp(3): created anew, with mode 0600.
    let (writer, path) = nix::unistd::mkstemp(&std::env::temp_dir().join(format!("{name}.XXXXXX")))?;
    let reader = File::open(&path);
    std::fs::remove_file(&path)?;
    File::from(writer).write_all(content)?;
    Ok(reader?.into())
}

/// A file without a name, open for reading and writing.
pub(crate) fn unnamed_file(name: &str) -> io::Result<OwnedFd> {
    let (file, path) = nix::unistd::mkstemp(&std::env::temp_dir().join(format!("{name}.XXXXXX")))?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
