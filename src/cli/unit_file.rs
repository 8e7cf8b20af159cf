//! A unit as the spec: the file, its drop-ins, its template and its sockets, as they lie beside each other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use svcadapt::StepError;
use svcadapt_convert::divide::Subject;
use svcadapt_convert::unit;
use svcadapt_convert::unit::{
    LARGEST_UNIT, Line, MOST_ASSIGNMENTS, Original, Reason, Text, UnitFile, UnitName,
};
use svcadapt_spec::{Directive, Origin, Scope, SpecError, Spot};

use super::spec_file::{Loaded, Source, of_spec};
use super::{spec_file, unit_path};

/// Which files a unit is made of.
pub(super) struct Files {
    /// The name that it is read under: an instance's, if one was named.
    pub(super) name: UnitName,
    /// The unit file, or that of its template.
    pub(super) path: PathBuf,
    /// Its drop-ins, in the order in which they are read.
    pub(super) drop_ins: Vec<PathBuf>,
}

/// A unit and its drop-ins: `NAME.service.d/*.conf`, and those of its prefixes and of its template.
pub(super) fn files(path: &Path) -> Result<Files, StepError> {
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = UnitName::parse(file).ok_or_else(|| {
        StepError::new("spec", "no unit can have this name")
            .of(path.display().to_string())
            .hint("letters, digits and : - _ . \\ @ can stand in it")
    })?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|error| spec_file::unreadable(path, &error))?;
    let drop_ins = drop_ins(&folder, &name)?;
    Ok(Files { path: place(&folder, &name), name, drop_ins })
}

/// Those of the unit with its sockets; none where it has none.
fn of_sockets(service: &Files) -> Result<Option<Files>, StepError> {
    let (name, folder) = (service.name.socket(), service.path.parent().unwrap_or(Path::new("/")));
    let folders = searched(folder);
    let beside = std::iter::once(folder).chain(folders.iter().map(PathBuf::as_path));
    let Some(path) = beside.map(|folder| place(folder, &name)).find(|path| path.symlink_metadata().is_ok())
    else {
        return Ok(None);
    };
    let drop_ins = drop_ins(folder, &name)?;
    Ok(Some(Files { name, path, drop_ins }))
}

/// Whether a unit says that it is started with these sockets.
fn names(files: &[&UnitFile], sockets: &UnitName) -> bool {
    const SAY_SO: [(&str, &str); 5] = [
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
        let said = |line: &&Line| SAY_SO.contains(&(file.section(line), line.key.as_str()));
        file.lines.iter().filter(said).any(|line| line.value.split_ascii_whitespace().any(is))
    })
}

/// Whether a target starts these sockets: a link to them lies in a `.wants` or `.requires` directory (systemctl(1),
/// "enable").
fn is_enabled(folder: &Path, sockets: &UnitName) -> bool {
    let links =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    searched(folder).into_iter().flat_map(links).any(|path| {
        path.extension().is_some_and(|end| end == "wants" || end == "requires")
            && path.join(sockets.as_str()).symlink_metadata().is_ok()
    })
}

/// What is told of sockets beside a service that nothing starts with it.
fn not_counted(sockets: &Files, service: &UnitName) -> StepError {
    let cause = format!("not read: {service} does not name it, and no target starts it");
    StepError::new("sockets", cause)
        .of(sockets.path.display().to_string())
        .hint(format!("{} in place of {service} means both", sockets.name))
}

/// As many units with sockets as are looked at to see whose they are.
const LOOKED_AT: usize = 1000;

/// The sockets beside the service that are its own though they are called otherwise (systemd.socket(5), `Service=`). A
/// spec has one unit of sockets, with one mode and one owner; these would need more.
fn other_sockets(service: &Files) -> Vec<StepError> {
    let folder = service.path.parent().unwrap_or(Path::new("/"));
    let own = service.name.socket();
    let mut names: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.retain(|path| {
        path.extension().is_some_and(|end| end == "socket") && path.file_name() != Some(own.as_str().as_ref())
    });
    names.sort();
    names.iter().take(LOOKED_AT).filter_map(|path| is_of(path, &service.name)).collect()
}

/// What is told of sockets that say that they are this service's.
fn is_of(path: &Path, service: &UnitName) -> Option<StepError> {
    let file = UnitFile::parse(path, &content(path).ok()?).ok()?;
    let mut said = file.lines.iter().filter(|line| file.section(line) == "Socket" && line.key == "Service");
    let line = said.next_back().filter(|line| line.value == service.as_str())?;
    let place = format!("{}:{}: Service=", path.display(), line.spot.line);
    let cause =
        format!("these are sockets of {service}, and not read: only those of {} are", service.socket());
    Some(StepError::new(place, cause))
}

/// What sockets of a service have to be there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithSockets {
    /// They count where the service or a target says so.
    WhereSaid,
    /// They were named.
    Always,
}

/// The service of a unit with sockets, which was named in its place.
pub(super) fn load_of_socket(path: &Path) -> Result<Loaded, Vec<StepError>> {
    load(&path.with_extension("service"), WithSockets::Always)
}

/// Reads a unit with its drop-ins, and its sockets.
pub(super) fn load(path: &Path, with_sockets: WithSockets) -> Result<Loaded, Vec<StepError>> {
    let one = |error: StepError| vec![error];
    let faults = |faults: Vec<SpecError>| faults.into_iter().map(of_spec).collect::<Vec<_>>();
    let service = files(path).map_err(one)?;
    let elsewhere = other_sockets(&service);
    let mut room = Some(LARGEST_UNIT);
    let (unit, drop_ins) = parsed(&service, &mut room)?;
    let mut notes = Vec::new();
    let sockets = of_sockets(&service).map_err(one)?.filter(|sockets| {
        let files: Vec<&UnitFile> = std::iter::once(&unit.file).chain(&drop_ins).collect();
        let folder = service.path.parent().unwrap_or(Path::new("/"));
        let counts = with_sockets == WithSockets::Always
            || names(&files, &sockets.name)
            || is_enabled(folder, &sockets.name);
        if !counts {
            notes.push(not_counted(sockets, &service.name));
        }
        counts
    });
    let mut reading = unit::read(&service.name, &unit.file, &drop_ins).map_err(faults)?;
    let mut beside = service.drop_ins;
    let mut socket = None;
    if let Some(sockets) = sockets {
        let (unit, drop_ins) = parsed(&sockets, &mut room)?;
        unit::read_socket(&service.name, &unit.file, &drop_ins, &mut reading).map_err(faults)?;
        beside.extend(sockets.drop_ins);
        socket = Some(unit);
    }
    let original = Original { name: service.name, service: unit, socket };
    let places = reading.kept.iter().filter_map(|kept| {
        let line = Directive::new(&kept.section, &kept.directive, &kept.value).ok()?;
        Some((Subject::Directive(line), kept.origin.clone()))
    });
    let places = places.collect();
    let mut kept = reading.not_honoured();
    // Each is told once: by the warning what systemd ignores too, which is in no file that is written from here, and
    // by what was kept all else.
    let place =
        |(path, spot): (&Path, Option<&Spot>)| (path.to_owned(), spot.map(|spot| (spot.line, spot.column)));
    let of_kept = |origin: &Origin| match origin {
        Origin::File { path, spot, .. } => Some(place((path, spot.as_ref()))),
        Origin::Option => None,
    };
    let warned: BTreeSet<_> = reading.warnings.iter().filter_map(SpecError::place).map(place).collect();
    kept.retain(|kept| match &kept.reason {
        Reason::Ignored(_) => of_kept(&kept.origin).is_none_or(|place| !warned.contains(&place)),
        _ => true,
    });
    let told: BTreeSet<_> = kept.iter().filter_map(|kept| of_kept(&kept.origin)).collect();
    let again = |error: &SpecError| error.place().is_some_and(|at| told.contains(&place(at)));
    let warnings: Vec<StepError> =
        reading.warnings.iter().filter(|fault| !again(fault)).cloned().map(of_spec).collect();
    let kept = kept.iter().map(|kept| StepError::new(kept.place(), kept.cause())).collect();
    Ok(Loaded {
        draft: reading.draft,
        warnings,
        kept,
        places,
        elsewhere,
        source: Some(Source::Unit(Box::new(original), beside)),
        notes,
    })
}

/// The file of a unit: its own, or else its template's.
fn place(folder: &Path, name: &UnitName) -> PathBuf {
    let path = folder.join(name.as_str());
    match name.template().filter(|_| path.symlink_metadata().is_err()) {
        Some(template) => folder.join(template.as_str()),
        None => path,
    }
}

fn parsed(files: &Files, room: &mut Option<usize>) -> Result<(Text, Vec<UnitFile>), Vec<StepError>> {
    let mut errors = Vec::new();
    let unit = parse(&files.path, room, &mut errors);
    let drop_ins = files.drop_ins.iter().filter_map(|path| parse(path, room, &mut errors));
    let drop_ins = drop_ins.map(|text| text.file).collect();
    match unit {
        Some(unit) if errors.is_empty() => Ok((unit, drop_ins)),
        _ => Err(errors),
    }
}

/// The directories in which the drop-ins of a unit in this one can lie: all that systemd searches where it is one of
/// them, else itself.
fn searched(folder: &Path) -> Vec<PathBuf> {
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

/// More drop-ins than this belong to no unit: each that says anything has an assignment.
const MOST_DROP_INS: usize = MOST_ASSIGNMENTS;

/// In the order of their file names; of two with one name the one in the more particular folder, and of these the
/// administrator's.
fn drop_ins(folder: &Path, name: &UnitName) -> Result<Vec<PathBuf>, StepError> {
    let mut found = std::collections::BTreeMap::new();
    let folders = searched(folder);
    let all = name.drop_in_folders();
    for beside in all.iter().flat_map(|beside| folders.iter().map(move |folder| folder.join(beside))) {
        let entries = match fs::read_dir(&beside) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(spec_file::unreadable(&beside, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| spec_file::unreadable(&beside, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "conf") {
                found.entry(path.file_name().map(ToOwned::to_owned)).or_insert(path);
            }
            if found.len() > MOST_DROP_INS {
                let cause = format!("it holds more than {MOST_DROP_INS} drop-ins");
                return Err(StepError::new("spec", cause).of(beside.display().to_string()));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Reads one file of a unit. `room` is what all of them may still have, in bytes, as if each assignment had what its
/// share would be; it is none when that was too little, which is told once.
fn parse(path: &Path, room: &mut Option<usize>, errors: &mut Vec<StepError>) -> Option<Text> {
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
            *room = left.checked_sub(text.len().max(assignments * (LARGEST_UNIT / MOST_ASSIGNMENTS)));
            if room.is_none() {
                let cause = format!(
                    "with the unit's other files it has more than {LARGEST_UNIT} bytes or {MOST_ASSIGNMENTS} assignments"
                );
                errors.push(StepError::new("spec", cause).of(path.display().to_string()));
            }
            room.map(|_| Text { file, bytes: text })
        }
        Err(faults) => {
            errors.extend(faults.into_iter().map(of_spec));
            None
        }
    }
}

/// The null device masks, as an empty file does.
pub(super) fn content(path: &Path) -> io::Result<Vec<u8>> {
    if fs::canonicalize(path)? == Path::new("/dev/null") {
        Ok(Vec::new())
    } else {
        spec_file::read(path, LARGEST_UNIT)
    }
}
