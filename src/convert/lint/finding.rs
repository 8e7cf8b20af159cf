//! What was found, and the heap that the finders lay it on.

use std::path::Path;

use svcadapt_spec::Origin;

use super::{Rule, Severity};

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Where.
    pub origin: Origin,
    /// What is wrong here, with the words that stand there.
    pub message: String,
    /// What to do about it here.
    pub cure: String,
}

/// As many findings as one spec is given; a file can have a hundred thousand lines that are all wrong.
const MOST: usize = 500;

/// What the finders have found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    /// Whether there is room for more.
    pub(super) fn full(&self) -> bool {
        self.all.len() >= MOST
    }

    /// Found, with the cure of the rule.
    pub(super) fn add(&mut self, rule: &'static Rule, origin: Origin, message: impl Into<String>) {
        self.cured(rule, origin, message, rule.cure);
    }

    /// Found, with a cure of its own.
    pub(super) fn cured(
        &mut self,
        rule: &'static Rule,
        origin: Origin,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let (message, cure) = (message.into(), cure.into());
        self.push(Finding { rule, severity: rule.severity, origin, message, cure });
    }

    /// Found, and as bad as this.
    pub(super) fn as_bad(
        &mut self,
        severity: Severity,
        rule: &'static Rule,
        origin: Origin,
        message: impl Into<String>,
    ) {
        let (message, cure) = (message.into(), rule.cure.to_owned());
        self.push(Finding { rule, severity, origin, message, cure });
    }

    fn push(&mut self, finding: Finding) {
        if !self.full() {
            self.all.push(finding);
        }
    }

    /// Found by the reader of the format, which knows no rules. What a finder has told of the same line, and as bad,
    /// is not told again.
    pub(super) fn unless_told(&mut self, rule: &'static Rule, origin: Origin, message: impl Into<String>) {
        let told = |one: &Finding| {
            line(&one.origin) == line(&origin) && one.severity >= rule.severity.min(Severity::Warning)
        };
        if !self.all.iter().any(told) {
            self.add(rule, origin, message);
        }
    }

    /// Where this rule is broken, other findings of the line are dropped: they follow from it.
    pub(super) fn only(&mut self, rule: &Rule) {
        let told: Vec<_> =
            self.all.iter().filter(|one| one.rule == rule).map(|one| one.origin.clone()).collect();
        self.all
            .retain(|one| one.rule == rule || !told.iter().any(|origin| line(origin) == line(&one.origin)));
    }

    /// In the order in which a person reads the files: the unit before its drop-ins, each from above.
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

/// The line first: to compare paths takes longer.
fn line(origin: &Origin) -> (Option<usize>, &Path) {
    (place(origin).map(|(line, _)| line), file(origin))
}
