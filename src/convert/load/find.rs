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
    let suffix = if name.ends_with(".socket") { ".socket" } else { ".service" };
    let names: Vec<String> = [Some(unit.clone()), unit.template()]
        .into_iter()
        .flatten()
        .map(|unit| format!("{}{suffix}", unit.stem()))
        .collect();
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    if names.iter().any(|name| exists(Path::new(name))) {
        return Ok(path.to_owned());
    }
    let folders: Vec<PathBuf> = scopes.iter().copied().flat_map(directories).collect();
    for file in &names {
        if let Some(folder) = folders.iter().find(|folder| exists(&folder.join(file))) {
            return Ok(resolve_alias(&folder.join(file), &folder.join(name), &folders));
        }
    }
    let cause = "neither a file here nor a unit in systemd's search path";
    let hint = "systemd.unit(5) lists the directories; give a file elsewhere as a path with a '/'";
    Err(LoadError::about(Path::new(name), cause, Some(hint)))
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
