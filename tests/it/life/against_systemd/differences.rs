//! The table of docs/differences.md: where a life differs from the one under systemd, and why.

use std::ops::RangeInclusive;

use super::cases::Case;

const DOCUMENT: &str = include_str!("../../../../docs/differences.md");

/// A row of the table.
#[derive(Debug)]
struct Row {
    units: Vec<String>,
    modes: Vec<String>,
    versions: RangeInclusive<u32>,
}

impl Row {
    fn concerns(&self, mode: &str, version: u32) -> bool {
        self.versions.contains(&version) && self.modes.iter().any(|other| other == mode)
    }
}

#[derive(Debug)]
pub(super) struct Differences(Vec<Row>);

impl Differences {
    /// Reads the table, the one that people read.
    pub(super) fn documented() -> Self {
        let table = DOCUMENT.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
        Self(table.take_while(|line| line.starts_with('|')).map(row).collect())
    }

    /// The variables that differ in all units.
    pub(super) fn variables(&self, mode: &str, version: u32) -> Vec<&str> {
        let rows = self.0.iter().filter(|row| row.concerns(mode, version));
        rows.flat_map(|row| row.units.iter().filter_map(|unit| unit.strip_prefix('$'))).collect()
    }

    pub(super) fn has(&self, unit: &str, mode: &str, version: u32) -> bool {
        self.0.iter().any(|row| row.concerns(mode, version) && row.units.iter().any(|other| other == unit))
    }

    /// What is wrong with the names of the units.
    pub(super) fn unknown_units(&self, cases: &[Case]) -> Vec<String> {
        let units = self.0.iter().flat_map(|row| &row.units).filter(|unit| !unit.starts_with('$'));
        let unknown = units.filter(|unit| cases.iter().all(|case| case.name != **unit));
        unknown.map(|unit| format!("docs/differences.md: there is no unit {unit}")).collect()
    }
}

/// `| what | reason | modes | versions | units |`
fn row(line: &str) -> Row {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [_, _, modes, versions, units] = cells[..] else { panic!("not five cells: {line}") };
    let words = |cell: &str| cell.split(", ").map(|word| word.trim_matches('`').to_owned()).collect();
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("not a version: {line}"));
    let versions = match versions.split(' ').collect::<Vec<_>>()[..] {
        ["all"] => 0..=u32::MAX,
        ["from", first] => number(first)..=u32::MAX,
        ["to", last] => 0..=number(last),
        ["from", first, "to", last] => number(first)..=number(last),
        _ => panic!("no versions: {line}"),
    };
    Row { units: words(units), modes: words(modes), versions }
}
