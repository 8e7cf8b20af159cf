//! Loads a unit: the file or that of its template, its drop-ins and its socket unit.

use std::collections::BTreeSet;
use std::path::Path;

use svcadapt_spec::{Directive, Origin, SpecError, Spot};

use super::loaded::{LoadError, Loaded, Remark, Source};
use super::read::{ReadFile, unit_text};
use super::sockets::{is_enabled, other_sockets, refers_to, socket_files, unused};
use super::unit_files::{UnitFiles, unit_files};
use crate::divide::Subject;
use crate::unit;
use crate::unit::{
    MAX_ASSIGNMENTS, MAX_UNIT_BYTES, OriginalUnit, UnitFile, UnitText, Unmapped, UnmappedReason,
};

/// When the socket unit of a service is loaded with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WithSockets {
    /// If the service refers to it, or if it is enabled.
    IfReferenced,
    /// Always: the user named the socket unit.
    Always,
}

/// Loads a unit with its drop-ins and its socket unit.
pub(super) fn load(path: &Path, with_sockets: WithSockets, read: ReadFile) -> Result<Loaded, Vec<LoadError>> {
    load_files(unit_files(path).map_err(|error| vec![error])?, with_sockets, read)
}

/// The same for files that are already found.
pub(super) fn load_files(
    service: UnitFiles,
    with_sockets: WithSockets,
    read: ReadFile,
) -> Result<Loaded, Vec<LoadError>> {
    let one = |error: LoadError| vec![error];
    let all = |errors: Vec<SpecError>| errors.into_iter().map(LoadError::from).collect::<Vec<_>>();
    let elsewhere = other_sockets(&service, read);
    let mut reader = LimitedReader { read, left: Some(MAX_UNIT_BYTES) };
    let (unit, drop_ins) = reader.unit(&service)?;
    let mut unused_sockets = Vec::new();
    let sockets = socket_files(&service).map_err(one)?.filter(|sockets| {
        let files: Vec<&UnitFile> = std::iter::once(&unit.file).chain(&drop_ins).collect();
        let folder = service.path.parent().unwrap_or(Path::new("/"));
        let is_used = with_sockets == WithSockets::Always
            || refers_to(&files, &sockets.name)
            || is_enabled(folder, &sockets.name);
        if !is_used {
            unused_sockets.push(unused(sockets, &service.name));
        }
        is_used
    });
    let mut reading = unit::read(&service.name, &unit.file, &drop_ins).map_err(all)?;
    let mut all_drop_ins = service.drop_ins;
    let mut socket = None;
    if let Some(sockets) = sockets {
        let (unit, drop_ins) = reader.unit(&sockets)?;
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
    let warnings = reading.warnings.iter().filter(|error| !is_repeated(error)).cloned().collect();
    let remark = |line: &Unmapped| Remark::Line { line: line.clone(), cause: line.cause() };
    let unsupported = not_honoured.into_iter().map(remark).collect();
    Ok(Loaded {
        draft: reading.draft,
        warnings,
        unsupported,
        places,
        elsewhere,
        source: Some(Source::Unit(Box::new(original), all_drop_ins)),
        unused_sockets,
    })
}

/// Reads the files of a unit and of its socket unit, within one limit for all.
struct LimitedReader<'a> {
    read: ReadFile<'a>,
    /// The number of bytes that are left; each assignment counts as at least its share of [`MAX_UNIT_BYTES`]. `None`
    /// means that the limit is exceeded, which is reported once.
    left: Option<usize>,
}

impl LimitedReader<'_> {
    /// Reads a unit file and its drop-ins. Returns all errors in them.
    fn unit(&mut self, files: &UnitFiles) -> Result<(UnitText, Vec<UnitFile>), Vec<LoadError>> {
        let mut errors = Vec::new();
        let unit = self.file(&files.path, &mut errors);
        let drop_ins = files.drop_ins.iter().filter_map(|path| self.file(path, &mut errors));
        let drop_ins = drop_ins.map(|text| text.file).collect();
        match unit {
            Some(unit) if errors.is_empty() => Ok((unit, drop_ins)),
            _ => Err(errors),
        }
    }

    /// Reads one file. `None` after an error.
    fn file(&mut self, path: &Path, errors: &mut Vec<LoadError>) -> Option<UnitText> {
        let left = self.left?;
        let bytes = match unit_text(path, self.read) {
            Ok(bytes) => bytes,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        match UnitFile::parse(path, &bytes) {
            Ok(file) => {
                let assignments = file.lines.len() + file.warnings.len();
                self.left =
                    left.checked_sub(bytes.len().max(assignments * (MAX_UNIT_BYTES / MAX_ASSIGNMENTS)));
                if self.left.is_none() {
                    let cause = format!(
                        "the unit and its drop-ins together have more than {MAX_UNIT_BYTES} bytes or {MAX_ASSIGNMENTS} assignments"
                    );
                    errors.push(LoadError::about(path, cause, None));
                }
                self.left.map(|_| UnitText { file, bytes })
            }
            Err(problems) => {
                errors.extend(problems.into_iter().map(LoadError::from));
                None
            }
        }
    }
}
