//! A finding, and the list that the checks append to.

use std::path::Path;

use svcadapt_spec::Origin;

use super::{Rule, Severity};

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The severity in this place.
    pub severity: Severity,
    /// The place.
    pub origin: Origin,
    /// What is wrong in this place.
    pub message: String,
    /// How to correct it in this place.
    pub hint: String,
}

/// Upper bound of the findings in one spec: a file can have a hundred thousand wrong lines.
const MAX_FINDINGS: usize = 500;

/// The list that the checks append to.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    /// Whether the list has [`MAX_FINDINGS`] entries. Further ones are dropped.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= MAX_FINDINGS
    }

    /// Adds a finding with the severity and the hint of its rule.
    pub(super) fn add(&mut self, rule: &'static Rule, origin: Origin, message: impl Into<String>) {
        self.add_with_hint(rule, origin, message, rule.hint);
    }

    /// Adds a finding with its own hint.
    pub(super) fn add_with_hint(
        &mut self,
        rule: &'static Rule,
        origin: Origin,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (message, hint) = (message.into(), hint.into());
        self.push(Finding { rule, severity: rule.severity, origin, message, hint });
    }

    /// Adds a finding with its own severity.
    pub(super) fn add_with_severity(
        &mut self,
        severity: Severity,
        rule: &'static Rule,
        origin: Origin,
        message: impl Into<String>,
    ) {
        let (message, hint) = (message.into(), rule.hint.to_owned());
        self.push(Finding { rule, severity, origin, message, hint });
    }

    fn push(&mut self, finding: Finding) {
        if !self.is_full() {
            self.all.push(finding);
        }
    }

    /// Adds an error or warning of the format's reader, which knows no rules. It is dropped if a check has already
    /// reported the same line with at least the same severity.
    pub(super) fn add_unless_reported(
        &mut self,
        rule: &'static Rule,
        origin: Origin,
        message: impl Into<String>,
    ) {
        let is_same = |one: &Finding| {
            line(&one.origin) == line(&origin) && one.severity >= rule.severity.min(Severity::Warning)
        };
        if !self.all.iter().any(is_same) {
            self.add(rule, origin, message);
        }
    }

    /// Drops the other findings of each line that breaks this rule: they are its consequences.
    pub(super) fn drop_consequences(&mut self, rule: &Rule) {
        let causes: Vec<_> =
            self.all.iter().filter(|one| one.rule == rule).map(|one| one.origin.clone()).collect();
        self.all
            .retain(|one| one.rule == rule || !causes.iter().any(|origin| line(origin) == line(&one.origin)));
    }

    /// The findings in reading order: the unit before its drop-ins, each file by line and column.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        let files: Vec<_> = self.all.iter().map(|one| file(&one.origin).to_owned()).collect();
        let order = |one: &Finding| files.iter().position(|path| path == file(&one.origin));
        self.all.sort_by_cached_key(|one| (order(one), place(&one.origin), one.rule.code));
        self.all.dedup();
        self.all
    }
}

fn file(origin: &Origin) -> &Path {
    match origin {
        Origin::File { path, .. } => path,
        Origin::Option => Path::new("-"),
    }
}

fn place(origin: &Origin) -> Option<(usize, usize)> {
    match origin {
        Origin::File { spot: Some(spot), .. } => Some((spot.line, spot.column)),
        _ => None,
    }
}

/// The line and the file. The line comes first: comparing paths is slower.
fn line(origin: &Origin) -> (Option<usize>, &Path) {
    (place(origin).map(|(line, _)| line), file(origin))
}
