//! Where systemd looks for a unit (systemd.unit(5), "Unit File Load Path").

use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use svcadapt::StepError;
use svcadapt::internal::effective_user;
use svcadapt_convert::unit::UnitName;
use svcadapt_spec::Scope;

/// The directories of the system's manager, the administrator's first.
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
    // Where /lib is no link to /usr/lib.
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// The directories in which units of this manager lie.
pub(super) fn directories(scope: Scope) -> Vec<PathBuf> {
    match scope {
        Scope::System => SYSTEM.map(PathBuf::from).to_vec(),
        Scope::User => of_user(),
    }
}

fn of_user() -> Vec<PathBuf> {
    let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).and_then(absolute);
    let home = |name: &str, below: &str| variable(name).or_else(|| Some(variable("HOME")?.join(below)));
    let list = |name: &str, usual: &str| -> Vec<PathBuf> {
        let text = env::var_os(name).filter(|text| !text.is_empty()).unwrap_or_else(|| usual.into());
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

/// The file that is meant: a name without a slash that is no file here is one of a unit, looked for where systemd looks.
/// Root means the system's units first, and another user their own, unless a scope was asked for.
pub(super) fn find(path: &Path, scope: Option<Scope>) -> Result<PathBuf, StepError> {
    let mut parts = path.components();
    let name = match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => name.to_str(),
        _ => None,
    };
    // The socket of a service has the same rules.
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
    let there = |path: &Path| path.symlink_metadata().is_ok();
    if names.iter().any(|name| there(Path::new(name))) {
        return Ok(path.to_owned());
    }
    let scopes = match scope {
        Some(scope) => vec![scope],
        None if effective_user() == 0 => vec![Scope::System, Scope::User],
        None => vec![Scope::User, Scope::System],
    };
    let folders: Vec<PathBuf> = scopes.into_iter().flat_map(directories).collect();
    for file in &names {
        if let Some(folder) = folders.iter().find(|folder| there(&folder.join(file))) {
            return Ok(named(&folder.join(file), &folder.join(name), &folders));
        }
    }
    let error = StepError::new("spec", "no such file here, and no such unit where systemd looks").of(name);
    Err(error.hint("systemd.unit(5) has the directories; a file elsewhere is named by a path with a '/'"))
}

fn with_suffix(stem: &str) -> String {
    format!("{stem}.service")
}

/// The unit that a file is: a link to a unit of another name is another name of that unit, which then is looked for as
/// itself. One of an instance to its template is not.
fn named(file: &Path, asked: &Path, folders: &[PathBuf]) -> PathBuf {
    let target = fs::canonicalize(file).ok().filter(|target| *target != Path::new("/dev/null"));
    let unit = |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(UnitName::parse);
    match (target.as_deref().and_then(unit), unit(asked), target) {
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
        _ => asked.to_owned(),
    }
}
