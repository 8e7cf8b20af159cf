//! systemd's search path for units (systemd.unit(5), "Unit File Load Path").

use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use svcadapt::StepError;
use svcadapt::internal::effective_user;
use svcadapt_convert::unit::UnitName;
use svcadapt_spec::Scope;

/// The directories of the system manager, in the order of precedence.
const SYSTEM: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    // On systems where /lib is not a link to /usr/lib.
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// The unit directories of the manager of this scope, in the order of precedence.
pub(super) fn directories(scope: Scope) -> Vec<PathBuf> {
    match scope {
        Scope::System => SYSTEM.map(PathBuf::from).to_vec(),
        Scope::User => user_directories(),
    }
}

fn user_directories() -> Vec<PathBuf> {
    let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).and_then(absolute);
    let home = |name: &str, below: &str| variable(name).or_else(|| Some(variable("HOME")?.join(below)));
    let list = |name: &str, default: &str| -> Vec<PathBuf> {
        let text = env::var_os(name).filter(|text| !text.is_empty()).unwrap_or_else(|| default.into());
        env::split_paths(&text).filter_map(absolute).collect()
    };
    let (config, data) = (home("XDG_CONFIG_HOME", ".config"), home("XDG_DATA_HOME", ".local/share"));
    let runtime = variable("XDG_RUNTIME_DIR");
    let mut all: Vec<PathBuf> = Vec::new();
    let mut add = |base: Option<&PathBuf>, name: &str| {
        all.extend(base.map(|base| base.join("systemd").join(name)));
    };
    add(config.as_ref(), "user.control");
    for name in ["user.control", "transient", "generator.early"] {
        add(runtime.as_ref(), name);
    }
    add(config.as_ref(), "user");
    for base in &list("XDG_CONFIG_DIRS", "/etc/xdg") {
        add(Some(base), "user");
    }
    add(Some(&"/etc".into()), "user");
    add(runtime.as_ref(), "user");
    add(Some(&"/run".into()), "user");
    add(runtime.as_ref(), "generator");
    add(data.as_ref(), "user");
    for base in &list("XDG_DATA_DIRS", "/usr/local/share:/usr/share") {
        add(Some(base), "user");
    }
    add(Some(&"/usr/local/lib".into()), "user");
    add(Some(&"/usr/lib".into()), "user");
    add(runtime.as_ref(), "generator.late");
    all
}

/// The path of a spec file. A name without a slash that is not a file in the current directory is the name of a unit, and
/// is looked up in systemd's search path: that of `scope`, else for root first the system's, for other users their own.
pub(super) fn find(path: &Path, scope: Option<Scope>) -> Result<PathBuf, StepError> {
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
    let scopes = match scope {
        Some(scope) => vec![scope],
        None if effective_user() == 0 => vec![Scope::System, Scope::User],
        None => vec![Scope::User, Scope::System],
    };
    let folders: Vec<PathBuf> = scopes.into_iter().flat_map(directories).collect();
    for file in &names {
        if let Some(folder) = folders.iter().find(|folder| exists(&folder.join(file))) {
            return Ok(resolve_alias(&folder.join(file), &folder.join(name), &folders));
        }
    }
    let error = StepError::new("spec", "neither a file here nor a unit in systemd's search path").of(name);
    Err(error.hint("systemd.unit(5) lists the directories; give a file elsewhere as a path with a '/'"))
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
