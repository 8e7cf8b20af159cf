//! What a unit says in the end: the assignments that are in force, each with its place.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Origin, Scope, boolean};

use super::{Service, Source};
use crate::lint::Machine;
use crate::unit::{Line, Syntax, UnitFile, resolve, split};

/// A unit, and the machine that it is for.
pub(super) struct Unit<'a> {
    pub(super) service: &'a Service,
    pub(super) machine: &'a dyn Machine,
    /// Directories that systemd makes.
    made: Vec<PathBuf>,
    /// Paths without which the unit is not started.
    conditions: Vec<PathBuf>,
}

/// As many directories, and as many conditions, as are remembered.
const REMEMBERED: usize = 100;

/// One assignment.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) file: &'a UnitFile,
    pub(super) line: &'a Line,
}

impl<'a> Unit<'a> {
    pub(super) fn new(service: &'a Service, machine: &'a dyn Machine) -> Self {
        let mut unit = Self { service, machine, made: Vec::new(), conditions: Vec::new() };
        unit.made =
            DirectoryKind::ALL.into_iter().flat_map(|kind| unit.made(kind)).take(REMEMBERED).collect();
        unit.conditions = unit.conditions().into_iter().take(REMEMBERED).collect();
        unit
    }

    /// The unit file and its drop-ins.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'a Source> {
        std::iter::once(&self.service.unit).chain(&self.service.drop_ins)
    }

    /// Every assignment, in the order in which they are read.
    pub(super) fn lines(&self) -> impl Iterator<Item = At<'a>> {
        self.sources().flat_map(|source| source.file.lines.iter().map(|line| At { file: &source.file, line }))
    }

    /// The assignments of a directive that adds up: those behind the last empty one.
    pub(super) fn all(&self, section: &str, key: &str) -> Vec<At<'a>> {
        let mut all = Vec::new();
        for at in self.lines().filter(|at| at.line.key == key && at.section() == section) {
            if at.value().is_empty() {
                all.clear();
            } else {
                all.push(at);
            }
        }
        all
    }

    /// The last assignment, unless that is empty.
    pub(super) fn last(&self, key: &str) -> Option<At<'a>> {
        self.all("Service", key).pop()
    }

    /// Whether `[Service]` says yes, or another word that is no no.
    pub(super) fn says(&self, key: &str) -> bool {
        self.last(key).is_some_and(|at| boolean(at.value()) != Some(false))
    }

    /// The text with its specifiers replaced, if that can be done here.
    pub(super) fn resolved(&self, at: &At, text: &[u8]) -> Option<OsString> {
        // Whose home and whose directories, only that user's manager knows.
        if self.service.host.scope == Scope::User && text.contains(&b'%') {
            return None;
        }
        resolve(text, &self.service.name, &at.file.path).ok().map(OsString::from_vec)
    }

    /// The absolute path that a text is, if it can be told.
    pub(super) fn path(&self, at: &At, text: &str) -> Option<PathBuf> {
        // Below another root this machine's files are not the service's.
        let rooted = ["RootDirectory", "RootImage"].iter().any(|key| self.last(key).is_some());
        let path = self.resolved(at, text.as_bytes()).map(PathBuf::from)?;
        (path.is_absolute() && !rooted).then_some(path)
    }

    /// Whether systemd makes this directory, or one above it, before the service starts; or the unit says itself that
    /// it may not be there.
    pub(super) fn may_be_absent(&self, path: &Path) -> bool {
        self.made.iter().any(|made| path.starts_with(made))
            || self.conditions.iter().any(|guard| path.starts_with(guard) || guard.starts_with(path))
    }

    /// The directories of a kind that systemd makes.
    fn made(&self, kind: DirectoryKind) -> Vec<PathBuf> {
        let key = match kind {
            DirectoryKind::Runtime => "RuntimeDirectory",
            DirectoryKind::State => "StateDirectory",
            DirectoryKind::Cache => "CacheDirectory",
            DirectoryKind::Logs => "LogsDirectory",
            DirectoryKind::Configuration => "ConfigurationDirectory",
        };
        let words = |at: At<'a>| {
            split(at.value(), Syntax::Quoted).unwrap_or_default().into_iter().map(move |word| (at, word))
        };
        self.all("Service", key)
            .into_iter()
            .flat_map(words)
            .filter_map(|(at, word)| {
                let name = word.bytes.split(|byte| *byte == b':').next().unwrap_or_default();
                self.resolved(&at, name).map(|name| kind.base().join(name))
            })
            .collect()
    }

    /// The paths without which the unit is not started.
    fn conditions(&self) -> Vec<PathBuf> {
        let conditions = |at: &At| {
            let condition =
                at.line.key.strip_prefix("Condition").or_else(|| at.line.key.strip_prefix("Assert"));
            condition.is_some_and(|kind| {
                kind.starts_with("Path") || kind.starts_with("File") || kind.starts_with("Dir")
            })
        };
        self.lines()
            .filter(|at| at.section() == "Unit" && conditions(at))
            .filter_map(|at| self.path(&at, at.value().trim_start_matches('|').trim_start()))
            .collect()
    }
}

impl<'a> At<'a> {
    pub(super) fn section(&self) -> &'a str {
        self.file.section(self.line)
    }

    pub(super) fn key(&self) -> &'a str {
        &self.line.key
    }

    pub(super) fn value(&self) -> &'a str {
        &self.line.value
    }

    /// Where the value begins.
    pub(super) fn origin(&self) -> Origin {
        self.within(0)
    }

    /// Where a byte of the value stands; where lines were joined it may not be told, and then the beginning.
    pub(super) fn within(&self, offset: usize) -> Origin {
        let mut spot = self.line.spot.clone();
        let shown = spot.text.char_indices().nth(spot.column - 1).map_or("", |(at, _)| &spot.text[at..]);
        if let Some(before) = self.value().get(..offset)
            && shown.starts_with(before)
        {
            spot.column += before.chars().count();
        }
        Origin::in_file(&self.file.path, Some(spot))
    }
}
