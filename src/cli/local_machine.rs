//! The machine that this runs on.

use std::ffi::OsStr;
use std::fs;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svcadapt::internal::{accounts, attribute, untrusted};
use svcadapt_convert::LARGEST;
use svcadapt_convert::directive::Version;
use svcadapt_convert::lint::{Account, Inode, Kind, Look, Machine};

/// This machine, as far as whoever asks may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Here;

impl Machine for Here {
    fn user(&self, name: &str) -> Look<Account> {
        match accounts::user(name) {
            Ok(Some(user)) if user.name == name => {
                let mut groups = vec![user.gid];
                groups.extend(accounts::groups_of(&user, user.gid).unwrap_or_default());
                Look::There(Account { uid: user.uid, groups })
            }
            Ok(_) => Look::Missing,
            Err(_) => Look::Unknown,
        }
    }

    fn group(&self, name: &str) -> Look<u32> {
        match accounts::group(name) {
            Ok(Some(gid)) => Look::There(gid),
            Ok(None) => Look::Missing,
            Err(_) => Look::Unknown,
        }
    }

    fn inode(&self, path: &Path) -> Look<Inode> {
        match fs::metadata(path) {
            Ok(found) => Look::There(inode(&found)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Look::Missing
            }
            Err(_) => Look::Unknown,
        }
    }

    fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let path = fs::canonicalize(path).ok()?;
        let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        untrusted::read(&path, most).ok().flatten().map(|file| file.content)
    }

    fn quarantined(&self, path: &Path) -> bool {
        attribute::has(path, attribute::QUARANTINE)
    }

    fn has_launchd(&self) -> bool {
        attribute::HAS_LAUNCHD
    }
}

/// The version of the systemd that is installed, by the name of its library; none where there is none, or one that is
/// not known here.
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

fn inode(found: &Metadata) -> Inode {
    let kind = if found.is_file() {
        Kind::File
    } else if found.is_dir() {
        Kind::Directory
    } else {
        Kind::Other
    };
    Inode { kind, mode: found.mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_told_and_what_is_not_is_missing() {
        assert_eq!(Here.user("root").there().map(|account| account.uid), Some(0));
        assert!(Here.user("no-such-user").missing());
        assert!(Here.user("0").missing(), "a number is no name");
        assert!(Here.group("no-such-group").missing());
        assert_eq!(Here.inode(Path::new("/")).there().map(|inode| inode.kind), Some(Kind::Directory));
        assert!(Here.inode(Path::new("/no/such")).missing());
        assert!(!Here.quarantined(Path::new("/")));
    }
}
