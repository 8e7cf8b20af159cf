//! Where a unit can be.

use std::path::PathBuf;

use crate::unit::UnitFile;

/// The paths where a unit of this name can be: the directory of this file, and those of systemd (systemd.unit(5)).
pub(super) fn unit_paths(file: &UnitFile, name: &str) -> Vec<PathBuf> {
    const BASES: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
    let same_folder = file.path.parent().map(|folder| folder.join(name));
    let folders = ["systemd/system", "systemd/user"].into_iter();
    let known = folders.flat_map(|folder| BASES.map(|base| PathBuf::from(base).join(folder).join(name)));
    same_folder.into_iter().chain(known).collect()
}
