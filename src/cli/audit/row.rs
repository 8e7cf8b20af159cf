//! A row of the table.

use std::fmt;

/// The verdict on a step, in order of gravity: that of a table is the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StepVerdict {
    /// As daemon(7) requires.
    Ok,
    /// Intended or a mistake: the reader decides.
    Note,
    /// The data could not be read.
    Unknown,
    /// Not as daemon(7) requires.
    No,
}

impl StepVerdict {
    /// The word for tables and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::No => "no",
        }
    }
}

impl fmt::Display for StepVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The number of the step in daemon(7); `None` for a check that belongs to no step.
    pub(crate) step: Option<u8>,
    /// The name of the check.
    pub(crate) name: &'static str,
    /// The verdict.
    pub(crate) verdict: StepVerdict,
    /// The findings, one per line, escaped for a terminal.
    pub(crate) found: Vec<String>,
}

/// A row under construction. Its verdict is the gravest of its findings.
#[derive(Debug)]
pub(crate) struct RowDraft {
    row: Row,
}

impl RowDraft {
    /// An empty row for a step of daemon(7).
    pub(crate) fn of_step(step: u8, name: &'static str) -> Self {
        Self { row: Row { step: Some(step), name, verdict: StepVerdict::Ok, found: Vec::new() } }
    }

    /// An empty row for a check that belongs to no step.
    pub(crate) fn without_step(name: &'static str) -> Self {
        Self { row: Row { step: None, name, verdict: StepVerdict::Ok, found: Vec::new() } }
    }

    /// Adds a finding.
    pub(crate) fn add(&mut self, verdict: StepVerdict, found: impl Into<String>) {
        self.row.verdict = self.row.verdict.max(verdict);
        self.row.found.push(found.into());
    }

    /// Adds a last finding and returns the row.
    pub(crate) fn end(mut self, verdict: StepVerdict, found: impl Into<String>) -> Row {
        self.add(verdict, found);
        self.row
    }

    /// Returns the row; without findings it is `ok` with this text.
    pub(crate) fn end_or(self, default: &str) -> Row {
        if self.row.found.is_empty() { self.end(StepVerdict::Ok, default) } else { self.row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_is_that_of_the_gravest_finding() {
        let mut findings = RowDraft::of_step(1, "x");
        findings.add(StepVerdict::No, "bad");
        let row = findings.end(StepVerdict::Note, "so so");
        assert_eq!((row.verdict, row.found), (StepVerdict::No, vec!["bad".to_owned(), "so so".to_owned()]));
        let row = RowDraft::without_step("x").end_or("none");
        assert_eq!((row.verdict, row.found), (StepVerdict::Ok, vec!["none".to_owned()]));
    }
}
