//! systemd's search path for units (systemd.unit(5), "Unit File Load Path").

use std::env;
use std::path::PathBuf;

use svcadapt_spec::Scope;

/// The unit directories of the manager of this scope, in the order of precedence.
pub(super) fn directories(scope: Scope) -> Vec<PathBuf> {
    match scope {
        Scope::System => SYSTEM.map(PathBuf::from).to_vec(),
        Scope::User => user_directories(),
    }
}

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
