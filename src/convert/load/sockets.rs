//! The socket unit of a service: where it is, and whether it is used.

use std::fs;
use std::path::{Path, PathBuf};

use svcadapt_spec::{Origin, SpecError, ValueError};

use super::loaded::{LoadError, Remark};
use super::read::{ReadFile, unit_text};
use super::unit_files::{UnitFiles, drop_in_bases, drop_ins, unit_or_template};
use crate::unit::{Line, UnitFile, UnitName, Unmapped, UnmappedReason};

/// The files of the socket unit; `None` without a socket unit.
pub(super) fn socket_files(service: &UnitFiles) -> Result<Option<UnitFiles>, LoadError> {
    let folder = service.path.parent().unwrap_or(Path::new("/"));
    let folders = drop_in_bases(folder);
    for name in [Some(service.name.socket()), service.name.accepting_socket()].into_iter().flatten() {
        let candidates = std::iter::once(folder).chain(folders.iter().map(PathBuf::as_path));
        let mut paths = candidates.map(|folder| unit_or_template(folder, &name));
        if let Some(path) = paths.find(|path| path.symlink_metadata().is_ok()) {
            let drop_ins = drop_ins(folder, &name)?;
            return Ok(Some(UnitFiles { name, path, drop_ins }));
        }
    }
    Ok(None)
}

/// Whether a directive of the unit refers to this socket unit.
pub(super) fn refers_to(files: &[&UnitFile], sockets: &UnitName) -> bool {
    const REFERENCES: [(&str, &str); 5] = [
        ("Service", "Sockets"),
        ("Unit", "Requires"),
        ("Unit", "Wants"),
        ("Unit", "BindsTo"),
        ("Unit", "Requisite"),
    ];
    let is = |word: &str| {
        let instance = sockets.instance().unwrap_or_default();
        word.replace("%N", sockets.stem()).replace("%p", sockets.prefix()).replace("%i", instance)
            == sockets.as_str()
    };
    files.iter().any(|file| {
        let is_reference = |line: &&Line| REFERENCES.contains(&(file.section(line), line.key.as_str()));
        file.lines.iter().filter(is_reference).any(|line| line.value.split_ascii_whitespace().any(is))
    })
}

/// Whether the socket unit is enabled: a `.wants` or `.requires` directory has a link to it (systemctl(1), "enable").
pub(super) fn is_enabled(folder: &Path, sockets: &UnitName) -> bool {
    let links =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    drop_in_bases(folder).into_iter().flat_map(links).any(|path| {
        path.extension().is_some_and(|end| end == "wants" || end == "requires")
            && path.join(sockets.as_str()).symlink_metadata().is_ok()
    })
}

/// The note about a socket unit that is not read because nothing starts it together with the service.
pub(super) fn unused(sockets: &UnitFiles, service: &UnitName) -> SpecError {
    let cause = format!("not read: {service} does not refer to it and no target starts it");
    let hint = format!("use {} instead of {service} to load both", sockets.name);
    let value = Some(sockets.path.display().to_string());
    SpecError { field: None, value, origin: None, error: ValueError::hinted(cause, hint) }
}

/// Notes about socket units of the service with another name (systemd.socket(5), `Service=`). They are not read: a spec
/// has one socket unit, with one mode and one owner.
pub(super) fn other_sockets(service: &UnitFiles, read: ReadFile) -> Vec<Remark> {
    let folder = service.path.parent().unwrap_or(Path::new("/"));
    let own = service.name.socket();
    let mut names: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.retain(|path| {
        path.extension().is_some_and(|end| end == "socket") && path.file_name() != Some(own.as_str().as_ref())
    });
    names.sort();
    names
        .iter()
        .take(MAX_SOCKET_UNITS)
        .filter_map(|path| other_socket_note(path, &service.name, read))
        .collect()
}

/// The maximal number of socket units in a directory that are read.
const MAX_SOCKET_UNITS: usize = 1000;

/// The note about a socket unit that names this service.
fn other_socket_note(path: &Path, service: &UnitName, read: ReadFile) -> Option<Remark> {
    let file = UnitFile::parse(path, &unit_text(path, read).ok()?).ok()?;
    let mut lines = file.lines.iter().filter(|line| file.section(line) == "Socket" && line.key == "Service");
    let line = lines.next_back().filter(|line| line.value == service.as_str())?;
    let cause = format!("these sockets of {service} are not read: only those of {} are", service.socket());
    let line = Unmapped {
        section: file.section(line).to_owned(),
        directive: line.key.clone(),
        value: line.value.clone(),
        origin: Origin::in_file(path, Some(line.spot.clone())),
        reason: UnmappedReason::NoField,
    };
    Some(Remark::Line { line, cause })
}
