//! The files and directories of a spec: those that must stay visible, and those that must stay writable.
//!
//! The program's own configuration is not known here. A service that writes to other directories has to declare them
//! (`StateDirectory=`, `CacheDirectory=` and the like), or set `ReadWritePaths=` itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Field, Output, Probe, ServiceSpec};

use crate::divide::{Division, command};

/// A path of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecPath {
    /// The path. For a file that is written, its directory.
    pub(super) path: PathBuf,
    /// The option or argument that names it, for messages.
    pub(super) by: String,
    /// Whether the service creates files there.
    pub(super) written: bool,
}

/// The directories of home directories (systemd.exec(5), `ProtectHome=`).
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// The world-writable directories (`PrivateTmp=`).
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Files in /dev that are not hardware (`PrivateDevices=`).
const PSEUDO: [&str; 14] = [
    "/dev/fd",
    "/dev/full",
    "/dev/log",
    "/dev/mqueue",
    "/dev/null",
    "/dev/pts",
    "/dev/ptmx",
    "/dev/random",
    "/dev/shm",
    "/dev/stderr",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/urandom",
    "/dev/zero",
];

/// All paths of the spec and of its command.
pub(super) fn places(spec: &ServiceSpec, division: &Division, adapter: &Path) -> Vec<SpecPath> {
    let mut places = Vec::new();
    let in_sandbox = |path: &Path| match &spec.root_directory {
        // The sandbox sees the root that systemd sets as `/`, but not a root that the adapter sets later.
        Some(root) if division.adapter.contains(&Field::RootDirectory) => {
            root.as_path().join(path.strip_prefix("/").unwrap_or(path))
        }
        _ => path.to_owned(),
    };
    let mut add = |path: PathBuf, by: String, written| places.push(SpecPath { path, by, written });
    for word in command(spec, division, adapter) {
        // The paths of fields are added below, where their use is known.
        if matches!(word.place, crate::divide::Place::Field(_)) {
            continue;
        }
        let text = word.text.as_bytes();
        let at = if text.starts_with(b"/") {
            Some(0)
        } else {
            text.windows(2).position(|pair| pair == b"=/").map(|at| at + 1)
        };
        if let Some(at) = at {
            let path = Path::new(OsStr::from_bytes(&text[at..]));
            let path =
                if word.place == crate::divide::Place::Adapter { path.to_owned() } else { in_sandbox(path) };
            add(path, word.place.to_string(), false);
        }
    }
    if let Some(path) = &spec.working_directory {
        add(in_sandbox(path.as_path()), by(Field::WorkingDirectory), false);
    }
    if let Some(path) = &spec.pid_file {
        add(parent(path.as_path()), by(Field::PidFile), true);
        if division.adapter.contains(&Field::PidFile) {
            add("/run".into(), by(Field::PidFile), true);
        }
    }
    let streams =
        [(Field::StandardOutput, &spec.standard_output), (Field::StandardError, &spec.standard_error)];
    for (field, output) in streams {
        // systemd opens its files outside of the sandbox.
        if let Some(Output::File(_, path)) = output
            && division.adapter.contains(&field)
        {
            add(parent(path.as_path()), by(field), true);
        }
    }
    for probe in &spec.ready {
        if let Probe::Unix(path) | Probe::File(path) = probe {
            add(in_sandbox(&parent(path.as_path())), format!("--ready {probe}"), true);
        }
    }
    for kind in DirectoryKind::ALL {
        let field = Field::Directory(kind);
        if division.adapter.contains(&field) {
            add(kind.base().into(), by(field), true);
        }
    }
    places
}

fn by(field: Field) -> String {
    format!("--{}", field.option())
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

impl SpecPath {
    pub(super) fn in_home(&self) -> bool {
        below(&self.path, &HOMES)
    }

    pub(super) fn is_temporary(&self) -> bool {
        below(&self.path, &TEMPORARY)
    }

    pub(super) fn is_hardware(&self) -> bool {
        self.path.starts_with("/dev") && self.path != Path::new("/dev") && !below(&self.path, &PSEUDO)
    }

    /// Whether it is in a directory that systemd creates for the service and that the service may write.
    pub(super) fn is_its_own(&self, spec: &ServiceSpec, division: &Division) -> bool {
        spec.directories
            .iter()
            .filter(|made| made.kind != DirectoryKind::Configuration)
            .filter(|made| division.host.contains(&Field::Directory(made.kind)))
            .any(|made| self.path.starts_with(made.kind.base().join(made.path.as_path())))
    }
}

fn below(path: &Path, tops: &[&str]) -> bool {
    tops.iter().any(|top| path.starts_with(top))
}
