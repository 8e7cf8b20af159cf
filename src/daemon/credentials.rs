//! Secrets that the service manager provides (systemd.exec(5), "Credentials").

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The credentials of the service, as passed by `LoadCredential=`, `SetCredential=` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    directory: PathBuf,
}

impl Credentials {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The directory that holds them, `$CREDENTIALS_DIRECTORY`. Only the service's user can read it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The names of all credentials, sorted.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = fs::read_dir(&self.directory)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    /// The content of one credential, byte for byte.
    ///
    /// # Errors
    ///
    /// The credential cannot be read. A name that could lead out of the directory has the kind `InvalidInput`.
    pub fn read(&self, name: impl AsRef<OsStr>) -> io::Result<Vec<u8>> {
        let name = name.as_ref();
        let bytes = name.as_encoded_bytes();
        if name.is_empty() || name == "." || name == ".." || bytes.contains(&b'/') || bytes.contains(&0) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a valid credential name"));
        }
        fs::read(self.directory.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_leads_out_of_the_directory_is_rejected() {
        let directory = std::env::temp_dir().join(format!("svcadapt-credentials-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("token"), b"s\0ecret\n").unwrap();
        let credentials = Credentials::new(directory.clone());
        assert_eq!(credentials.read("token").unwrap(), b"s\0ecret\n");
        assert_eq!(credentials.names().unwrap(), ["token"]);
        for wrong in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b"] {
            assert_eq!(credentials.read(wrong).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{wrong:?}");
        }
        assert_eq!(credentials.read("other").unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(&directory).unwrap();
    }
}
