//! What a unit says and a spec has no word for.

use std::collections::BTreeSet;

use svcadapt_spec::{Directive, Native, Origin};

use crate::divide::has_no_effect;

/// An assignment that is not, or not wholly, in the draft. Together with the draft it makes the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The section that it stands in.
    pub section: String,
    /// The directive.
    pub directive: String,
    /// The value as it stands.
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
    /// Why it was kept.
    pub reason: Reason,
}

/// Why an assignment is kept beside the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No field of a spec says this.
    NoField,
    /// The draft has the rest of it; this is missing.
    Partly(String),
    /// Only systemd can use the value, for this reason.
    Unusable(String),
    /// The value is none, for this reason, and systemd ignores it.
    Ignored(String),
}

/// Directives of which an empty value forgets nothing (systemd.unit(5)).
const NEVER_RESET: [&str; 21] = [
    "After",
    "Before",
    "BindsTo",
    "Conflicts",
    "JoinsNamespaceOf",
    "OnFailure",
    "OnSuccess",
    "PartOf",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReloadPropagatedFrom",
    "Requires",
    "RequiresMountsFor",
    "Requisite",
    "StopPropagatedFrom",
    "Upholds",
    "Wants",
    "WantsMountsFor",
    "PropagateReloadTo",
    "PropagateReloadFrom",
    "Slice",
];

impl Kept {
    /// Where it stands and what it is: `path:line: Directive=`.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::File { path, spot: Some(spot), .. } => {
                format!("{}:{}: {}=", path.display(), spot.line, self.directive)
            }
            Origin::File { path, spot: None, .. } => format!("{}: {}=", path.display(), self.directive),
            Origin::Option => format!("{}=", self.directive),
        }
    }

    /// What becomes of it.
    pub fn cause(&self) -> String {
        match &self.reason {
            Reason::NoField if self.section == "Service" && self.directive == "Sockets" => {
                "not honoured here: svcadapt opens only those of the unit with the service's own name"
                    .to_owned()
            }
            Reason::NoField => "not honoured here".to_owned(),
            Reason::Partly(what) | Reason::Unusable(what) | Reason::Ignored(what) => {
                format!("not honoured here: {what}")
            }
        }
    }

    /// Whether a program that is started without this runs differently.
    pub fn matters(&self) -> bool {
        match self.reason {
            Reason::NoField => {
                self.section == "X-Svcadapt" || self.directive().is_none_or(|line| !has_no_effect(&line))
            }
            Reason::Partly(_) | Reason::Unusable(_) | Reason::Ignored(_) => true,
        }
    }

    /// The line as it can be written again.
    fn directive(&self) -> Option<Directive> {
        Directive::new(&self.section, &self.directive, &self.value).ok()
    }
}

/// What a unit has to say again to mean the same.
pub(super) fn native(kept: &[Kept]) -> Vec<Directive> {
    let used = |kept: &Kept| kept.section != "X-Svcadapt" && !matches!(kept.reason, Reason::Ignored(_));
    Native::group_directives(unforgotten(kept, used).into_iter().filter_map(Kept::directive).collect())
}

/// Those that matter, without what a later empty value forgets.
pub(super) fn in_force(kept: &[Kept]) -> Vec<&Kept> {
    unforgotten(kept, Kept::matters)
}

fn unforgotten(kept: &[Kept], which: impl Fn(&Kept) -> bool) -> Vec<&Kept> {
    let mut forgotten = BTreeSet::new();
    let mut force = Vec::new();
    for one in kept.iter().rev() {
        let whose = (one.section.as_str(), one.directive.as_str());
        if one.value.is_empty() && one.reason == Reason::NoField {
            if !NEVER_RESET.contains(&whose.1) {
                forgotten.insert(whose);
            }
        } else if !forgotten.contains(&whose) && which(one) {
            force.push(one);
        }
    }
    force.reverse();
    force
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(section: &str, directive: &str, value: &str) -> Kept {
        let (section, directive, value) = (section.into(), directive.into(), value.into());
        Kept { section, directive, value, origin: Origin::Option, reason: Reason::NoField }
    }

    #[test]
    fn only_what_is_in_force_and_matters_is_told() {
        let all = [
            kept("Unit", "After", "a"),
            kept("Unit", "After", ""),
            kept("Unit", "Documentation", "man:x"),
            kept("Service", "ExecStartPre", "/a"),
            kept("Service", "ExecStartPre", ""),
            kept("Service", "ExecStartPre", "/b"),
            kept("Service", "IgnoreSIGPIPE", "no"),
            kept("Service", "IgnoreSIGPIPE", "yes"),
            kept("Install", "WantedBy", "x"),
            kept("X-Other", "A", "b"),
            kept("X-Svcadapt", "Raedy", "b"),
        ];
        let told: Vec<_> =
            in_force(&all).iter().map(|kept| format!("{}={}", kept.directive, kept.value)).collect();
        assert_eq!(told, ["After=a", "ExecStartPre=/b", "IgnoreSIGPIPE=yes", "Raedy=b"]);
    }
}
