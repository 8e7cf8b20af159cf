//! Users, groups and files of this machine, for `check`.

use std::ffi::OsStr;
use std::fs;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svcadapt::internal::{accounts, attribute, untrusted};
use svcadapt_convert::MAX_FILE_BYTES;
use svcadapt_convert::directive::Version;
use svcadapt_convert::lint::{FileInfo, FileKind, Lookup, Machine, MachineUser};

/// This machine, as far as the caller's rights allow to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalMachine;

impl Machine for LocalMachine {
    fn user(&self, name: &str) -> Lookup<MachineUser> {
        match accounts::user(name) {
            Ok(Some(user)) if user.name == name => {
                let mut groups = vec![user.gid];
                groups.extend(accounts::groups_of(&user, user.gid).unwrap_or_default());
                Lookup::Found(MachineUser { uid: user.uid, groups })
            }
            Ok(_) => Lookup::Missing,
            Err(_) => Lookup::Unknown,
        }
    }

    fn group(&self, name: &str) -> Lookup<u32> {
        match accounts::group(name) {
            Ok(Some(gid)) => Lookup::Found(gid),
            Ok(None) => Lookup::Missing,
            Err(_) => Lookup::Unknown,
        }
    }

    fn inode(&self, path: &Path) -> Lookup<FileInfo> {
        match fs::metadata(path) {
            Ok(found) => Lookup::Found(inode(&found)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Lookup::Missing
            }
            Err(_) => Lookup::Unknown,
        }
    }

    fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let path = fs::canonicalize(path).ok()?;
        let max_bytes = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
        untrusted::read(&path, max_bytes).ok().flatten().map(|file| file.content)
    }

    fn quarantined(&self, path: &Path) -> bool {
        attribute::has(path, attribute::QUARANTINE)
    }

    fn has_launchd(&self) -> bool {
        attribute::HAS_LAUNCHD
    }
}

/// The version of the installed systemd, by the name of its library. `None` if it is not installed or its version is
/// not supported.
pub(crate) fn installed_systemd() -> Option<Version> {
    const FOLDERS: [&str; 4] =
        ["/usr/lib/systemd", "/lib/systemd", "/usr/lib64/systemd", "/usr/lib/x86_64-linux-gnu/systemd"];
    FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix("libsystemd-shared-")?;
        let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
        Version::parse(OsStr::new(digits)).ok()
    })
}

fn inode(found: &Metadata) -> FileInfo {
    let kind = if found.is_file() {
        FileKind::File
    } else if found.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Other
    };
    FileInfo { kind, mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_tell_existing_from_missing_objects() {
        assert_eq!(LocalMachine.user("root").found().map(|account| account.uid), Some(0));
        assert!(LocalMachine.user("no-such-user").is_missing());
        assert!(LocalMachine.user("0").is_missing(), "a number is not a name");
        assert!(LocalMachine.group("no-such-group").is_missing());
        assert_eq!(
            LocalMachine.inode(Path::new("/")).found().map(|inode| inode.kind),
            Some(FileKind::Directory)
        );
        assert!(LocalMachine.inode(Path::new("/no/such")).is_missing());
        assert!(!LocalMachine.quarantined(Path::new("/")));
    }
}
