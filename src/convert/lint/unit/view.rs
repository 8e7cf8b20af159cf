//! The assignments of a unit that are in effect, each with its place.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use svcadapt_spec::{DirectoryKind, Origin, Scope, boolean};

use super::{ServiceFiles, UnitSource};
use crate::lint::Machine;
use crate::unit::{Line, Syntax, UnitFile, resolve, split};

/// A unit and the machine that it is checked for.
pub(super) struct UnitView<'a> {
    pub(super) service: &'a ServiceFiles,
    pub(super) machine: &'a dyn Machine,
    /// Directories that systemd creates.
    created: Vec<PathBuf>,
    /// Paths that are conditions of the unit's start.
    conditions: Vec<PathBuf>,
}

/// Upper bound of the created directories, and of the conditions.
const MAX_PATHS: usize = 100;

/// One assignment.
#[derive(Clone, Copy)]
pub(super) struct UnitLine<'a> {
    pub(super) file: &'a UnitFile,
    pub(super) line: &'a Line,
}

impl<'a> UnitView<'a> {
    pub(super) fn new(service: &'a ServiceFiles, machine: &'a dyn Machine) -> Self {
        let mut unit = Self { service, machine, created: Vec::new(), conditions: Vec::new() };
        unit.created =
            DirectoryKind::ALL.into_iter().flat_map(|kind| unit.created(kind)).take(MAX_PATHS).collect();
        unit.conditions = unit.conditions().into_iter().take(MAX_PATHS).collect();
        unit
    }

    /// The unit file and its drop-ins.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'a UnitSource> {
        std::iter::once(&self.service.unit).chain(&self.service.drop_ins)
    }

    /// All assignments, in reading order.
    pub(super) fn lines(&self) -> impl Iterator<Item = UnitLine<'a>> {
        self.sources()
            .flat_map(|source| source.file.lines.iter().map(|line| UnitLine { file: &source.file, line }))
    }

    /// The assignments of a directive that accumulates: those after the last empty one.
    pub(super) fn all(&self, section: &str, key: &str) -> Vec<UnitLine<'a>> {
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

    /// The last assignment in `[Service]`. `None` if not set, or reset by an empty one.
    pub(super) fn last(&self, key: &str) -> Option<UnitLine<'a>> {
        self.all("Service", key).pop()
    }

    /// Whether a directive of `[Service]` is set to anything but a false boolean.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.last(key).is_some_and(|at| boolean(at.value()) != Some(false))
    }

    /// The text with its specifiers replaced. `None` if a value is not known here.
    pub(super) fn resolved(&self, at: &UnitLine, text: &[u8]) -> Option<OsString> {
        // The values depend on the user, and only the user's manager knows them.
        if self.service.host.scope == Scope::User && text.contains(&b'%') {
            return None;
        }
        resolve(text, &self.service.name, &at.file.path).ok().map(OsString::from_vec)
    }

    /// The absolute path on this machine that a text means. `None` if it is not known.
    pub(super) fn path(&self, at: &UnitLine, text: &str) -> Option<PathBuf> {
        // In another root the service does not see this machine's files.
        let rooted = ["RootDirectory", "RootImage"].iter().any(|key| self.last(key).is_some());
        let path = self.resolved(at, text.as_bytes()).map(PathBuf::from)?;
        (path.is_absolute() && !rooted).then_some(path)
    }

    /// Whether a missing path is no mistake: systemd creates it, or a directory above it, before the service starts, or
    /// a condition of the unit tests it.
    pub(super) fn may_be_absent(&self, path: &Path) -> bool {
        self.created.iter().any(|created| path.starts_with(created))
            || self.conditions.iter().any(|guard| path.starts_with(guard) || guard.starts_with(path))
    }

    /// The directories of a kind that systemd creates.
    fn created(&self, kind: DirectoryKind) -> Vec<PathBuf> {
        let key = match kind {
            DirectoryKind::Runtime => "RuntimeDirectory",
            DirectoryKind::State => "StateDirectory",
            DirectoryKind::Cache => "CacheDirectory",
            DirectoryKind::Logs => "LogsDirectory",
            DirectoryKind::Configuration => "ConfigurationDirectory",
        };
        let words = |at: UnitLine<'a>| {
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

    /// The paths in `Condition…=` and `Assert…=`.
    fn conditions(&self) -> Vec<PathBuf> {
        let is_path_condition = |at: &UnitLine| {
            let condition =
                at.line.key.strip_prefix("Condition").or_else(|| at.line.key.strip_prefix("Assert"));
            condition.is_some_and(|kind| {
                kind.starts_with("Path") || kind.starts_with("File") || kind.starts_with("Dir")
            })
        };
        self.lines()
            .filter(|at| at.section() == "Unit" && is_path_condition(at))
            .filter_map(|at| self.path(&at, at.value().trim_start_matches('|').trim_start()))
            .collect()
    }
}

impl<'a> UnitLine<'a> {
    pub(super) fn section(&self) -> &'a str {
        self.file.section(self.line)
    }

    pub(super) fn key(&self) -> &'a str {
        &self.line.key
    }

    pub(super) fn value(&self) -> &'a str {
        &self.line.value
    }

    /// The place of the value.
    pub(super) fn origin(&self) -> Origin {
        self.within(0)
    }

    /// The place of a byte of the value. If lines were joined it may be unknown; then the place of the value.
    pub(super) fn within(&self, offset: usize) -> Origin {
        let mut spot = self.line.spot.clone();
        let line_end = spot.text.char_indices().nth(spot.column - 1).map_or("", |(at, _)| &spot.text[at..]);
        if let Some(before) = self.value().get(..offset)
            && line_end.starts_with(before)
        {
            spot.column += before.chars().count();
        }
        Origin::in_file(&self.file.path, Some(spot))
    }
}
