//! Removes records of earlier boots from a user's home directory, where they survive a reboot.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use crate::sys::lock::Holder;
use crate::sys::{file, lock, process};

/// The file with the id of the machine that a directory belongs to. It is not a service name.
const HOST: &str = "%host";

/// Removes this machine's directories of earlier boots, next to the new one of this boot. Directories of other
/// machines that share the home stay, and so does one with a held lock.
pub(super) fn sweep(directory: &Path) -> io::Result<()> {
    let host = process::host()?;
    file::replace(file::open_directory(directory)?, HOST.as_ref(), 0o600, host.as_bytes())?;
    let Some(parent) = directory.parent() else { return Ok(()) };
    let owner = fs::symlink_metadata(directory)?.uid();
    for entry in fs::read_dir(parent)?.flatten() {
        let path = entry.path();
        let ours = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == owner);
        let named = || fs::read(path.join(HOST)).is_ok_and(|named| named == host.as_bytes());
        if ours && path != directory && named() {
            // Best effort: remains do no harm.
            let _ = remove(&path);
        }
    }
    Ok(())
}

fn remove(directory: &Path) -> io::Result<()> {
    let files: Vec<_> = fs::read_dir(directory)?.flatten().collect();
    for entry in &files {
        if entry.file_name().as_bytes().contains(&b'%') || !entry.file_type()?.is_file() {
            continue;
        }
        if lock::holder(file::open_regular_nofollow(&entry.path())?)? != Holder::Nobody {
            return Ok(());
        }
    }
    for entry in files {
        fs::remove_file(entry.path())?;
    }
    fs::remove_dir(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_of_an_earlier_boot_goes_and_that_of_another_machine_stays() {
        let place = std::env::temp_dir().join(format!("svcadapt-earlier-{}", process::own_pid()));
        let [now, before, elsewhere] = ["now", "before", "elsewhere"].map(|name| place.join(name));
        for (directory, host) in [(&now, ""), (&before, process::host().unwrap().as_str()), (&elsewhere, "x")]
        {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join(HOST), host).unwrap();
            fs::write(directory.join("web"), "").unwrap();
        }
        sweep(&now).unwrap();
        assert!(now.join("web").exists() && elsewhere.join("web").exists() && !before.exists());
        fs::remove_dir_all(&place).unwrap();
    }
}
