//! One line of the table.

use std::fmt;

/// How a step was taken. Ordered by weight: the last is what a whole table amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As daemon(7) asks.
    Ok,
    /// Perhaps meant and perhaps a mistake: for the reader to decide.
    Note,
    /// It could not be seen.
    Unknown,
    /// Not as daemon(7) asks.
    No,
}

impl Verdict {
    /// The word for it, in tables and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::No => "no",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The number of the step in daemon(7); `None` for what is beside its steps.
    pub(crate) step: Option<u8>,
    /// What was looked at.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) verdict: Verdict,
    /// What was found, one thing a line. Printable, whatever the process calls itself and its files.
    pub(crate) found: Vec<String>,
}

/// A row in the making: its verdict is the gravest of what was found.
#[derive(Debug)]
pub(crate) struct Findings {
    row: Row,
}

impl Findings {
    /// Nothing found yet, of this step.
    pub(crate) fn of_step(step: u8, name: &'static str) -> Self {
        Self { row: Row { step: Some(step), name, verdict: Verdict::Ok, found: Vec::new() } }
    }

    /// Nothing found yet, of a thing that is no step.
    pub(crate) fn beside(name: &'static str) -> Self {
        Self { row: Row { step: None, name, verdict: Verdict::Ok, found: Vec::new() } }
    }

    /// One thing more.
    pub(crate) fn add(&mut self, verdict: Verdict, found: impl Into<String>) {
        self.row.verdict = self.row.verdict.max(verdict);
        self.row.found.push(found.into());
    }

    /// One thing more, and that is all.
    pub(crate) fn end(mut self, verdict: Verdict, found: impl Into<String>) -> Row {
        self.add(verdict, found);
        self.row
    }

    /// That is all; `otherwise` is what an empty row says.
    pub(crate) fn end_or(self, otherwise: &str) -> Row {
        if self.row.found.is_empty() { self.end(Verdict::Ok, otherwise) } else { self.row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_finding_is_the_verdict() {
        let mut findings = Findings::of_step(1, "x");
        findings.add(Verdict::No, "bad");
        let row = findings.end(Verdict::Note, "so so");
        assert_eq!((row.verdict, row.found), (Verdict::No, vec!["bad".to_owned(), "so so".to_owned()]));
        let row = Findings::beside("x").end_or("none");
        assert_eq!((row.verdict, row.found), (Verdict::Ok, vec!["none".to_owned()]));
    }
}
