//! The files and directories that a spec names: what must stay visible, and what must stay writable.
//!
//! What a program reads in its own configuration nobody can see from here. So a service that writes elsewhere has to
//! name its directories (`StateDirectory=` and its kin), or say `ReadWritePaths=` itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Field, Output, Probe, ServiceSpec};

use crate::divide::{Division, command};

/// Something in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What it is: of what is written, the directory.
    pub(super) path: PathBuf,
    /// Who names it, as a person knows it.
    pub(super) by: String,
    /// Whether the service makes something there.
    pub(super) written: bool,
}

/// Where every system keeps the homes of people (systemd.exec(5), `ProtectHome=`).
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// Where everybody may write (`PrivateTmp=`).
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Devices that are no hardware (`PrivateDevices=`), and what lies beside them.
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

/// Everything that the spec and the command name.
pub(super) fn places(spec: &ServiceSpec, division: &Division, adapter: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    let inside = |path: &Path| match &spec.root_directory {
        // A new root that systemd makes is the service's `/`; one that the adapter makes is not yet there when the
        // sandbox is.
        Some(root) if division.adapter.contains(&Field::RootDirectory) => {
            root.as_path().join(path.strip_prefix("/").unwrap_or(path))
        }
        _ => path.to_owned(),
    };
    let mut add = |path: PathBuf, by: String, written| places.push(Place { path, by, written });
    for word in command(spec, division, adapter) {
        // A field of the spec is looked at below, where it is known what is done with its path.
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
                if word.place == crate::divide::Place::Adapter { path.to_owned() } else { inside(path) };
            add(path, word.place.to_string(), false);
        }
    }
    if let Some(path) = &spec.working_directory {
        add(inside(path.as_path()), by(Field::WorkingDirectory), false);
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
        // What systemd opens, it opens outside of the sandbox.
        if let Some(Output::File(_, path)) = output
            && division.adapter.contains(&field)
        {
            add(parent(path.as_path()), by(field), true);
        }
    }
    for probe in &spec.ready {
        if let Probe::Unix(path) | Probe::File(path) = probe {
            add(inside(&parent(path.as_path())), format!("--ready {probe}"), true);
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

impl Place {
    pub(super) fn in_home(&self) -> bool {
        below(&self.path, &HOMES)
    }

    pub(super) fn is_temporary(&self) -> bool {
        below(&self.path, &TEMPORARY)
    }

    pub(super) fn is_hardware(&self) -> bool {
        self.path.starts_with("/dev") && self.path != Path::new("/dev") && !below(&self.path, &PSEUDO)
    }

    /// Whether it lies in a directory that systemd makes for the service, and lets it write to.
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
