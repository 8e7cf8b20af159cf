//! The table: what was seen, and what is recorded.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

use crate::harness::SOURCES;

/// What a row found on a host.
#[derive(Default)]
pub(super) struct Cell {
    checks: usize,
    failed: Vec<String>,
}

impl Cell {
    /// One more check.
    pub(super) fn check(&mut self, what: &str, holds: bool) {
        self.checks += 1;
        if !holds {
            self.failed.push(what.to_owned());
        }
    }

    /// The checks that do not hold.
    pub(super) fn failed(&self) -> &[String] {
        &self.failed
    }

    fn text(&self) -> String {
        match self.failed.len() {
            0 => "yes".to_owned(),
            failed => format!("{} of {}", self.checks - failed, self.checks),
        }
    }
}

/// Rows and columns.
pub(super) struct Table {
    rows: Vec<&'static str>,
    columns: Vec<(String, Vec<Cell>)>,
}

impl Table {
    pub(super) fn new<const N: usize>(rows: [&'static str; N]) -> Self {
        Self { rows: rows.to_vec(), columns: Vec::new() }
    }

    pub(super) fn add(&mut self, host: &str, cells: impl IntoIterator<Item = Cell>) {
        self.columns.push((host.to_owned(), cells.into_iter().collect()));
    }
}

/// The file: the table, then a line `* ROW, HOST: REASON` for each cell that does not hold.
struct Golden {
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    reasons: Vec<(String, String)>,
}

impl Golden {
    fn read(text: &str) -> Self {
        let cells = |line: &str| {
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
        };
        let mut lines = text.lines().filter(|line| line.starts_with('|')).map(cells);
        let columns = lines.next().unwrap_or_default().into_iter().skip(1).collect();
        let rows = lines.skip(1).map(|mut row| (row.remove(0), row)).collect();
        let reasons = text.lines().filter_map(|line| line.strip_prefix("* ")?.split_once(": "));
        Self {
            columns,
            rows,
            reasons: reasons.map(|(cell, why)| (cell.to_owned(), why.to_owned())).collect(),
        }
    }

    /// A systemd that is newer than all recorded ones is compared with the newest of them.
    fn column(&self, host: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column == host);
        exact.or_else(|| {
            host.starts_with("systemd ")
                .then(|| self.columns.iter().rposition(|column| column.starts_with("systemd ")))?
        })
    }
}

/// Whether this is recorded to hold; what is not recorded, too.
pub(super) fn is_to_hold(row: &str, host: &str) -> bool {
    let golden = Golden::read(include_str!("../../golden/contract.md"));
    let cells = golden.rows.iter().find(|(name, _)| name == row).map(|(_, cells)| cells);
    golden.column(host).zip(cells).is_none_or(|(column, cells)| cells[column] == "yes")
}

/// Prints the table, and fails if a cell is not as recorded, or does not hold without a reason.
pub(super) fn compare(seen: &Table) {
    let path = Path::new(SOURCES).join("tests/golden/contract.md");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let golden = Golden::read(&text);
    let printed = print(seen);
    let _ = io::Write::write_all(&mut io::stderr(), format!("\n{printed}").as_bytes());
    if env::var_os("UPDATE").is_some() {
        let rest = text.split_once("\n\n* ").map_or(String::new(), |(_, rest)| format!("\n* {rest}"));
        fs::write(&path, format!("{printed}{rest}")).unwrap();
        return;
    }
    let mut wrong = Vec::new();
    for (host, cells) in &seen.columns {
        let Some(column) = golden.column(host) else {
            wrong.push(format!("{host} is not in the table"));
            continue;
        };
        for (row, cell) in seen.rows.iter().zip(cells) {
            let recorded =
                golden.rows.iter().find(|(name, _)| name == row).map_or("", |(_, row)| &row[column]);
            if recorded != cell.text() {
                let failed = cell.failed.join("; ");
                wrong.push(format!("{row}, {host}: {} and not {recorded} ({failed})", cell.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{printed}", wrong.join("\n"));
}

fn print(seen: &Table) -> String {
    let mut text = "| |".to_owned();
    for (host, _) in &seen.columns {
        write!(text, " {host} |").unwrap();
    }
    writeln!(text, "\n|{}", " --- |".repeat(seen.columns.len() + 1)).unwrap();
    for (number, row) in seen.rows.iter().enumerate() {
        write!(text, "| {row} |").unwrap();
        for (_, cells) in &seen.columns {
            write!(text, " {} |", cells[number].text()).unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn recorded_cell_that_does_not_hold_has_its_reason() {
    let golden = Golden::read(include_str!("../../golden/contract.md"));
    let mut missing = Vec::new();
    let mut used = 0;
    for (row, cells) in &golden.rows {
        for (host, cell) in golden.columns.iter().zip(cells) {
            let reason = golden.reasons.iter().any(|(place, _)| *place == format!("{row}, {host}"));
            if (cell == "yes") == reason {
                missing.push(format!("{row}, {host}: {cell}"));
            }
            used += usize::from(reason);
        }
    }
    assert!(missing.is_empty(), "a reason is missing, or superfluous:\n{}", missing.join("\n"));
    assert_eq!(used, golden.reasons.len(), "a reason names a cell that does not exist");
    assert_eq!((golden.columns.len(), golden.rows.len()), (11, 16));
}
