//! Finds the file that a name means.

use std::fs;
use std::path::{Component, Path, PathBuf};

use svcadapt_spec::Scope;

use super::loaded::LoadError;
use super::search_path::directories;
use crate::unit::UnitName;

/// The path of a spec file. A name without a slash that is not a file in the current directory is the name of a unit, and
/// is looked up in systemd's search paths of these scopes, in this order.
pub fn find(path: &Path, scopes: &[Scope]) -> Result<PathBuf, LoadError> {
    let mut parts = path.components();
    let name = match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => name.to_str(),
        _ => None,
    };
    // The rules for the name of a socket unit are those for its service.
    let service =
        |name: &str| UnitName::parse(&name.strip_suffix(".socket").map_or(name.to_owned(), with_suffix));
    let Some((name, unit)) = name.and_then(|name| Some((name, service(name)?))) else {
        return Ok(path.to_owned());
    };
    let names = file_names(name, &unit);
    if names.iter().any(|name| exists(Path::new(name))) {
        return Ok(path.to_owned());
    }
    installed(name, &names, scopes).ok_or_else(|| {
        let cause = "neither a file here nor a unit in systemd's search path";
        let hint = "systemd.unit(5) lists the directories; give a file elsewhere as a path with a '/'";
        LoadError::about(Path::new(name), cause, Some(hint))
    })
}

/// The path of the unit of a service in systemd's search paths of these scopes. The current directory is not searched.
pub fn find_unit(service: &str, scopes: &[Scope]) -> Result<PathBuf, LoadError> {
    let name = with_suffix(service);
    let found = UnitName::parse(&name).and_then(|unit| installed(&name, &file_names(&name, &unit), scopes));
    found.ok_or_else(|| {
        let cause = "there is no such unit in systemd's search path";
        LoadError::about(Path::new(&name), cause, Some("systemd.unit(5) lists the directories"))
    })
}

/// The names that the file of a unit may have: its own, and that of its template.
fn file_names(name: &str, unit: &UnitName) -> Vec<String> {
    let suffix = if name.ends_with(".socket") { ".socket" } else { ".service" };
    let all = [Some(unit.clone()), unit.template()].into_iter().flatten();
    all.map(|unit| format!("{}{suffix}", unit.stem())).collect()
}

fn installed(name: &str, file_names: &[String], scopes: &[Scope]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = scopes.iter().copied().flat_map(directories).collect();
    file_names.iter().find_map(|file| {
        let folder = folders.iter().find(|folder| exists(&folder.join(file)))?;
        Some(resolve_alias(&folder.join(file), &folder.join(name), &folders))
    })
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn with_suffix(stem: &str) -> String {
    format!("{stem}.service")
}

/// Resolves an alias: a link to a unit with another name is an alias of that unit, which is then looked up by its own
/// name. A link of an instance to its template is not an alias.
fn resolve_alias(file: &Path, requested: &Path, folders: &[PathBuf]) -> PathBuf {
    let target = fs::canonicalize(file).ok().filter(|target| *target != Path::new("/dev/null"));
    let unit = |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(UnitName::parse);
    match (target.as_deref().and_then(unit), unit(requested), target) {
        (Some(found), Some(name), Some(target))
            if found != name && Some(&found) != name.template().as_ref() =>
        {
            let is_known = |folder: &Path| {
                folders.iter().any(|known| fs::canonicalize(known).is_ok_and(|known| known == folder))
            };
            let by_name = || {
                folders
                    .iter()
                    .map(|folder| folder.join(found.as_str()))
                    .find(|path| path.symlink_metadata().is_ok())
            };
            target.parent().filter(|folder| is_known(folder)).and_then(|_| by_name()).unwrap_or(target)
        }
        _ => requested.to_owned(),
    }
}
