//! Loads a systemd unit: the file or its template, its drop-ins and its socket unit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt::StepError;
use svcadapt_convert::divide::Subject;
use svcadapt_convert::unit;
use svcadapt_convert::unit::{
    Line, MAX_ASSIGNMENTS, MAX_UNIT_BYTES, OriginalUnit, UnitFile, UnitName, UnitText, UnmappedReason,
};
use svcadapt_spec::{Directive, Origin, Scope, SpecError, Spot};

use super::spec_file::{Loaded, Source, of_spec};
use super::{spec_file, unit_path};

/// The files of a unit.
pub(super) struct Files {
    /// The name of the unit; that of the instance, if one was named.
    pub(super) name: UnitName,
    /// The unit file, or the file of its template.
    pub(super) path: PathBuf,
    /// The drop-ins, in reading order.
    pub(super) drop_ins: Vec<PathBuf>,
}

/// Finds a unit and its drop-ins: `NAME.service.d/*.conf`, and those of its prefixes and of its template.
pub(super) fn files(path: &Path) -> Result<Files, StepError> {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = UnitName::parse(file).ok_or_else(|| {
        StepError::new("spec", "not a valid unit name")
            .of(path.display().to_string())
            .hint("use letters, digits and : - _ . \\ @")
    })?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|error| spec_file::unreadable(path, &error))?;
    let drop_ins = drop_ins(&folder, &name)?;
    Ok(Files { path: unit_or_template(&folder, &name), name, drop_ins })
}

/// The files of the socket unit; `None` if there is none.
fn socket_files(service: &Files) -> Result<Option<Files>, StepError> {
    let (name, folder) = (service.name.socket(), service.path.parent().unwrap_or(Path::new("/")));
    let folders = drop_in_bases(folder);
    let candidates = std::iter::once(folder).chain(folders.iter().map(PathBuf::as_path));
    let Some(path) =
        candidates.map(|folder| unit_or_template(folder, &name)).find(|path| path.symlink_metadata().is_ok())
    else {
        return Ok(None);
    };
    let drop_ins = drop_ins(folder, &name)?;
    Ok(Some(Files { name, path, drop_ins }))
}

/// Whether a directive of the unit refers to this socket unit.
fn refers_to(files: &[&UnitFile], sockets: &UnitName) -> bool {
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
fn is_enabled(folder: &Path, sockets: &UnitName) -> bool {
    let links =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    drop_in_bases(folder).into_iter().flat_map(links).any(|path| {
        path.extension().is_some_and(|end| end == "wants" || end == "requires")
            && path.join(sockets.as_str()).symlink_metadata().is_ok()
    })
}

/// The note about a socket unit that is ignored because nothing starts it together with the service.
fn ignored_sockets(sockets: &Files, service: &UnitName) -> StepError {
    let cause = format!("not read: {service} does not refer to it and no target starts it");
    StepError::new("sockets", cause)
        .of(sockets.path.display().to_string())
        .hint(format!("use {} instead of {service} to load both", sockets.name))
}

/// The maximal number of socket units in a directory that are read.
const MAX_SOCKET_UNITS: usize = 1000;

/// Notes about socket units of the service with another name (systemd.socket(5), `Service=`). They are not read: a spec
/// has one socket unit, with one mode and one owner.
fn other_sockets(service: &Files) -> Vec<StepError> {
    let folder = service.path.parent().unwrap_or(Path::new("/"));
    let own = service.name.socket();
    let mut names: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.retain(|path| {
        path.extension().is_some_and(|end| end == "socket") && path.file_name() != Some(own.as_str().as_ref())
    });
    names.sort();
    names.iter().take(MAX_SOCKET_UNITS).filter_map(|path| other_socket_note(path, &service.name)).collect()
}

/// The note about a socket unit that names this service.
fn other_socket_note(path: &Path, service: &UnitName) -> Option<StepError> {
    let file = UnitFile::parse(path, &content(path).ok()?).ok()?;
    let mut lines = file.lines.iter().filter(|line| file.section(line) == "Socket" && line.key == "Service");
    let line = lines.next_back().filter(|line| line.value == service.as_str())?;
    let place = format!("{}:{}: Service=", path.display(), line.spot.line);
    let cause = format!("these sockets of {service} are not read: only those of {} are", service.socket());
    Some(StepError::new(place, cause))
}

/// When the socket unit of a service is loaded with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithSockets {
    /// If the service refers to it, or if it is enabled.
    IfReferenced,
    /// Always: the user named the socket unit.
    Always,
}

/// Loads the service of a socket unit, with its sockets.
pub(super) fn load_of_socket(path: &Path) -> Result<Loaded, Vec<StepError>> {
    load(&path.with_extension("service"), WithSockets::Always)
}

/// Loads a unit with its drop-ins and its socket unit.
pub(super) fn load(path: &Path, with_sockets: WithSockets) -> Result<Loaded, Vec<StepError>> {
    let one = |error: StepError| vec![error];
    let all = |errors: Vec<SpecError>| errors.into_iter().map(of_spec).collect::<Vec<_>>();
    let service = files(path).map_err(one)?;
    let elsewhere = other_sockets(&service);
    let mut room = Some(MAX_UNIT_BYTES);
    let (unit, drop_ins) = parsed(&service, &mut room)?;
    let mut notes = Vec::new();
    let sockets = socket_files(&service).map_err(one)?.filter(|sockets| {
        let files: Vec<&UnitFile> = std::iter::once(&unit.file).chain(&drop_ins).collect();
        let folder = service.path.parent().unwrap_or(Path::new("/"));
        let is_used = with_sockets == WithSockets::Always
            || refers_to(&files, &sockets.name)
            || is_enabled(folder, &sockets.name);
        if !is_used {
            notes.push(ignored_sockets(sockets, &service.name));
        }
        is_used
    });
    let mut reading = unit::read(&service.name, &unit.file, &drop_ins).map_err(all)?;
    let mut all_drop_ins = service.drop_ins;
    let mut socket = None;
    if let Some(sockets) = sockets {
        let (unit, drop_ins) = parsed(&sockets, &mut room)?;
        unit::read_socket(&service.name, &unit.file, &drop_ins, &mut reading).map_err(all)?;
        all_drop_ins.extend(sockets.drop_ins);
        socket = Some(unit);
    }
    let original = OriginalUnit { name: service.name, service: unit, socket };
    let places = reading.unmapped.iter().filter_map(|line| {
        let directive = Directive::new(&line.section, &line.directive, &line.value).ok()?;
        Some((Subject::Directive(directive), line.origin.clone()))
    });
    let places = places.collect();
    let mut not_honoured = reading.not_honoured();
    // Report each line once: those that systemd ignores too by their warning (they are in no generated file), all
    // others as not honoured.
    let place =
        |(path, spot): (&Path, Option<&Spot>)| (path.to_owned(), spot.map(|spot| (spot.line, spot.column)));
    let place_of = |origin: &Origin| match origin {
        Origin::File { path, spot, .. } => Some(place((path, spot.as_ref()))),
        Origin::Option => None,
    };
    let warned: BTreeSet<_> = reading.warnings.iter().filter_map(SpecError::place).map(place).collect();
    not_honoured.retain(|line| match &line.reason {
        UnmappedReason::Ignored(_) => place_of(&line.origin).is_none_or(|place| !warned.contains(&place)),
        _ => true,
    });
    let reported: BTreeSet<_> = not_honoured.iter().filter_map(|line| place_of(&line.origin)).collect();
    let is_repeated = |error: &SpecError| error.place().is_some_and(|at| reported.contains(&place(at)));
    let warnings: Vec<StepError> =
        reading.warnings.iter().filter(|error| !is_repeated(error)).cloned().map(of_spec).collect();
    let unsupported = not_honoured.iter().map(|line| StepError::new(line.place(), line.cause())).collect();
    Ok(Loaded {
        draft: reading.draft,
        warnings,
        unsupported,
        places,
        elsewhere,
        source: Some(Source::Unit(Box::new(original), all_drop_ins)),
        notes,
    })
}

/// The file of a unit: its own, else that of its template.
fn unit_or_template(folder: &Path, name: &UnitName) -> PathBuf {
    let path = folder.join(name.as_str());
    match name.template().filter(|_| path.symlink_metadata().is_err()) {
        Some(template) => folder.join(template.as_str()),
        None => path,
    }
}

fn parsed(files: &Files, room: &mut Option<usize>) -> Result<(UnitText, Vec<UnitFile>), Vec<StepError>> {
    let mut errors = Vec::new();
    let unit = parse(&files.path, room, &mut errors);
    let drop_ins = files.drop_ins.iter().filter_map(|path| parse(path, room, &mut errors));
    let drop_ins = drop_ins.map(|text| text.file).collect();
    match unit {
        Some(unit) if errors.is_empty() => Ok((unit, drop_ins)),
        _ => Err(errors),
    }
}

/// The directories with drop-ins for a unit in `folder`: systemd's search path if it contains `folder`, else only
/// `folder`.
fn drop_in_bases(folder: &Path) -> Vec<PathBuf> {
    let real = |scope: Scope| -> Vec<PathBuf> {
        let all = unit_path::directories(scope);
        let mut real: Vec<PathBuf> = all.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
        real.dedup();
        real
    };
    let known = [Scope::System, Scope::User]
        .into_iter()
        .map(real)
        .find(|real| real.iter().any(|path| path == folder));
    known.unwrap_or_else(|| vec![folder.to_owned()])
}

/// The maximal number of drop-ins: each useful one has at least one assignment.
const MAX_DROP_INS: usize = MAX_ASSIGNMENTS;

/// The drop-ins in the order of their file names. Of two with the same name the one in the more specific directory
/// wins, then the administrator's (systemd.unit(5)).
fn drop_ins(folder: &Path, name: &UnitName) -> Result<Vec<PathBuf>, StepError> {
    let mut found = std::collections::BTreeMap::new();
    let folders = drop_in_bases(folder);
    let all = name.drop_in_folders();
    for directory in all.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))) {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(spec_file::unreadable(&directory, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| spec_file::unreadable(&directory, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "conf") {
                found.entry(path.file_name().map(ToOwned::to_owned)).or_insert(path);
            }
            if found.len() > MAX_DROP_INS {
                let cause = format!("the directory has more than {MAX_DROP_INS} drop-ins");
                return Err(StepError::new("spec", cause).of(directory.display().to_string()));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Reads one file of a unit. `room` is the number of bytes left for the files of the unit; each assignment counts as at
/// least its share of [`MAX_UNIT_BYTES`]. `None` means that the limit is exceeded, which is reported once.
fn parse(path: &Path, room: &mut Option<usize>, errors: &mut Vec<StepError>) -> Option<UnitText> {
    let left = (*room)?;
    let text = match content(path) {
        Ok(text) => text,
        Err(error) => {
            errors.push(spec_file::unreadable(path, &error));
            return None;
        }
    };
    match UnitFile::parse(path, &text) {
        Ok(file) => {
            let assignments = file.lines.len() + file.warnings.len();
            *room = left.checked_sub(text.len().max(assignments * (MAX_UNIT_BYTES / MAX_ASSIGNMENTS)));
            if room.is_none() {
                let cause = format!(
                    "the unit and its drop-ins together have more than {MAX_UNIT_BYTES} bytes or {MAX_ASSIGNMENTS} assignments"
                );
                errors.push(StepError::new("spec", cause).of(path.display().to_string()));
            }
            room.map(|_| UnitText { file, bytes: text })
        }
        Err(faults) => {
            errors.extend(faults.into_iter().map(of_spec));
            None
        }
    }
}

/// The content of a unit file. `/dev/null` masks a unit, as an empty file does.
pub(super) fn content(path: &Path) -> io::Result<Vec<u8>> {
    if fs::canonicalize(path)? == Path::new("/dev/null") {
        Ok(Vec::new())
    } else {
        spec_file::read(path, MAX_UNIT_BYTES)
    }
}
