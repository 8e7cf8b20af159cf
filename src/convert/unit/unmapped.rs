//! The assignments of a unit that no field of a spec represents.

use std::collections::BTreeSet;

use svcadapt_spec::{Directive, Native, Origin};

use crate::directive::NAMES_OF_UNITS;
use crate::divide::{has_no_effect, reason_without_systemd};

/// An assignment that the draft does not represent, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// The section.
    pub section: String,
    /// The directive.
    pub directive: String,
    /// The value, verbatim.
    pub value: String,
    /// The file and line.
    pub origin: Origin,
    /// Why the draft does not represent it.
    pub reason: UnmappedReason,
}

/// Why the draft does not represent an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnmappedReason {
    /// A spec has no field for it.
    NoField,
    /// Other values of the draft say the same, and a unit needs the line itself.
    Elsewhere,
    /// The draft has it except for this part.
    Partly(String),
    /// Only systemd can use the value; the reason.
    Unusable(String),
    /// systemd ignores the value; the reason.
    Ignored(String),
}

/// Further directives that an empty value does not reset (systemd.unit(5)).
const NEVER_RESET: [&str; 5] =
    ["RequiresMountsFor", "WantsMountsFor", "PropagateReloadTo", "PropagateReloadFrom", "Slice"];

impl Unmapped {
    /// The place for a message: `path:line: Directive=`.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::File { path, spot: Some(spot), .. } => {
                format!("{}:{}: {}=", path.display(), spot.line, self.directive)
            }
            Origin::File { path, spot: None, .. } => format!("{}: {}=", path.display(), self.directive),
            Origin::Option => format!("{}=", self.directive),
        }
    }

    /// Why it is not honoured, for a message.
    pub fn cause(&self) -> String {
        match &self.reason {
            UnmappedReason::NoField | UnmappedReason::Elsewhere => self.directive().map_or_else(
                || "it has no equivalent".to_owned(),
                |line| reason_without_systemd(&line).into_owned(),
            ),
            UnmappedReason::Partly(what) | UnmappedReason::Unusable(what) | UnmappedReason::Ignored(what) => {
                what.clone()
            }
        }
    }

    /// Whether the program runs differently without the assignment.
    pub fn matters(&self) -> bool {
        match self.reason {
            UnmappedReason::NoField => {
                self.section == "X-Svcadapt" || self.directive().is_none_or(|line| !has_no_effect(&line))
            }
            UnmappedReason::Elsewhere => false,
            UnmappedReason::Partly(_) | UnmappedReason::Unusable(_) | UnmappedReason::Ignored(_) => true,
        }
    }

    /// The line for a spec, from which a writer can restore it.
    fn directive(&self) -> Option<Directive> {
        Directive::new(&self.section, &self.directive, &self.value).ok()
    }
}

/// The native lines of a spec: those that a unit needs to keep its meaning.
pub(super) fn native(lines: &[Unmapped]) -> Vec<Directive> {
    let used =
        |line: &Unmapped| line.section != "X-Svcadapt" && !matches!(line.reason, UnmappedReason::Ignored(_));
    Native::group_directives(without_reset(lines, used).into_iter().filter_map(Unmapped::directive).collect())
}

/// The assignments that matter, without those that a later empty value resets.
pub(super) fn in_force(lines: &[Unmapped]) -> Vec<&Unmapped> {
    without_reset(lines, Unmapped::matters)
}

fn without_reset(lines: &[Unmapped], which: impl Fn(&Unmapped) -> bool) -> Vec<&Unmapped> {
    let mut reset = BTreeSet::new();
    let mut force = Vec::new();
    for line in lines.iter().rev() {
        let name = (line.section.as_str(), line.directive.as_str());
        if line.value.is_empty() && line.reason == UnmappedReason::NoField {
            if !NAMES_OF_UNITS.contains(&name.1) && !NEVER_RESET.contains(&name.1) {
                reset.insert(name);
            }
        } else if !reset.contains(&name) && which(line) {
            force.push(line);
        }
    }
    force.reverse();
    force
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unmapped(section: &str, directive: &str, value: &str) -> Unmapped {
        let (section, directive, value) = (section.into(), directive.into(), value.into());
        Unmapped { section, directive, value, origin: Origin::Option, reason: UnmappedReason::NoField }
    }

    #[test]
    fn in_force_omits_reset_and_idle_lines() {
        let all = [
            unmapped("Unit", "After", "a"),
            unmapped("Unit", "After", ""),
            unmapped("Unit", "Documentation", "man:x"),
            unmapped("Service", "ExecStartPre", "/a"),
            unmapped("Service", "ExecStartPre", ""),
            unmapped("Service", "ExecStartPre", "/b"),
            unmapped("Service", "NotifyAccess", "all"),
            unmapped("Service", "ProtectSystem", "strict"),
            unmapped("Install", "WantedBy", "x"),
            unmapped("X-Other", "A", "b"),
            unmapped("X-Svcadapt", "Raedy", "b"),
        ];
        let lines: Vec<_> =
            in_force(&all).iter().map(|line| format!("{}={}", line.directive, line.value)).collect();
        assert_eq!(lines, ["After=a", "ExecStartPre=/b", "ProtectSystem=strict", "Raedy=b"]);
    }
}
