//! The script that a supervisor runs after each end of the program: which end is final.

use svcadapt_spec::{Field, Restart};

use super::Service;
use crate::divide::{Ends, final_ends};

/// The words of a supervisor.
pub(super) struct Words {
    /// The status that it gives for an end by a signal.
    pub(super) by_signal: &'static str,
    /// What keeps the service down.
    pub(super) keep_down: &'static str,
    /// What lets the supervisor start the service again, whatever its end was.
    pub(super) exception: Option<&'static str>,
}

/// The script. `None`: no end is final.
pub(super) fn finish(service: &Service<'_>, words: &Words) -> Option<String> {
    let by_adapter = service.division.adapter.contains(&Field::Restart);
    let signal = words.by_signal;
    let by = |signals: &[u8]| signals.iter().map(|number| format!("{signal}:{number}")).collect::<Vec<_>>();
    let clean = |signals: &[u8]| [vec!["0:*".to_owned()], by(signals)].concat().join(" | ");
    let arms = match final_ends(service.spec, !by_adapter) {
        Ends::Never => return None,
        Ends::All => Vec::new(),
        Ends::Clean(signals) => vec![format!("{}) ;;", clean(signals)), "*) exit 0 ;;".to_owned()],
        Ends::Unclean(signals) => vec![format!("{}) exit 0 ;;", clean(signals))],
        Ends::Exits(signals) => {
            vec![format!("{}) ;;", by(signals).join(" | ")), format!("{signal}:*) exit 0 ;;")]
        }
    };
    let policy = service.spec.restart.unwrap_or(Restart::No);
    let why = match arms[..] {
        [] if by_adapter => "svcadapt starts the program again; after its own end the service stays down",
        [] => "after each end the service stays down",
        _ => "after any other end the service stays down",
    };
    let why = format!("Restart={policy} (systemd.service(5)): {why}.");
    let mut lines = vec!["#!/bin/sh".to_owned(), format!("# {}", service.title()), format!("# {why}")];
    lines.extend(words.exception.map(str::to_owned));
    if !arms.is_empty() {
        lines.push("case $1:$2 in".to_owned());
        lines.extend(arms);
        lines.push("esac".to_owned());
    }
    lines.push(words.keep_down.to_owned());
    Some(lines.join("\n") + "\n")
}
