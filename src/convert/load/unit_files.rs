//! The files of a unit: its own or that of its template, and its drop-ins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};
use std::{fs, io};

use svcadapt_spec::Scope;

use super::loaded::LoadError;
use super::search_path::directories;
use crate::unit::{MAX_ASSIGNMENTS, UnitName};

/// The files of a unit.
pub struct UnitFiles {
    /// The name of the unit; that of the instance, if one was named.
    pub name: UnitName,
    /// The unit file, or the file of its template.
    pub path: PathBuf,
    /// The drop-ins, in reading order.
    pub drop_ins: Vec<PathBuf>,
}

/// Finds a unit and its drop-ins: `NAME.service.d/*.conf`, and those of its prefixes and of its template.
pub fn unit_files(path: &Path) -> Result<UnitFiles, LoadError> {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = UnitName::parse(file).ok_or_else(|| {
        let hint = "use letters, digits and : - _ . \\ @";
        LoadError::about(path, "not a valid unit name", Some(hint))
    })?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    // Messages have the words of the user: links are only followed to compare directories.
    let folder = fs::metadata(folder)
        .and_then(|_| absolute(folder))
        .map_err(|error| LoadError::Unreadable(path.to_owned(), error))?;
    let drop_ins = drop_ins(&folder, &name)?;
    Ok(UnitFiles { path: unit_or_template(&folder, &name), name, drop_ins })
}

/// The file of a unit: its own, else that of its template.
pub(super) fn unit_or_template(folder: &Path, name: &UnitName) -> PathBuf {
    let path = folder.join(name.as_str());
    match name.template().filter(|_| path.symlink_metadata().is_err()) {
        Some(template) => folder.join(template.as_str()),
        None => path,
    }
}

/// The directories with drop-ins for a unit in `folder`: systemd's search path if it contains `folder`, else only
/// `folder`. It is compared by its real place, and keeps its name.
pub(super) fn drop_in_bases(folder: &Path) -> Vec<PathBuf> {
    let place = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let real = |scope: Scope| -> Vec<PathBuf> {
        let all = directories(scope);
        let mut real: Vec<PathBuf> = all.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        real.dedup();
        real
    };
    let known = [Scope::System, Scope::User].into_iter().map(real).find(|real| real.contains(&place));
    let named = |path: PathBuf| if path == place { folder.to_owned() } else { path };
    known.map_or_else(|| vec![folder.to_owned()], |known| known.into_iter().map(named).collect())
}

/// The maximal number of drop-ins: each useful one has at least one assignment.
const MAX_DROP_INS: usize = MAX_ASSIGNMENTS;

/// The drop-ins in the order of their file names. Of two with the same name the one in the more specific directory
/// wins, then the administrator's (systemd.unit(5)).
pub(super) fn drop_ins(folder: &Path, name: &UnitName) -> Result<Vec<PathBuf>, LoadError> {
    let mut found = BTreeMap::new();
    let folders = drop_in_bases(folder);
    let all = name.drop_in_folders();
    for directory in all.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))) {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(LoadError::Unreadable(directory.clone(), error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| LoadError::Unreadable(directory.clone(), error))?.path();
            if path.extension().is_some_and(|extension| extension == "conf") {
                found.entry(path.file_name().map(ToOwned::to_owned)).or_insert(path);
            }
            if found.len() > MAX_DROP_INS {
                let cause = format!("the directory has more than {MAX_DROP_INS} drop-ins");
                return Err(LoadError::about(&directory, cause, None));
            }
        }
    }
    Ok(found.into_values().collect())
}
