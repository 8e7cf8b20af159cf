//! What is wrong with a unit only as a whole: for this systemd refuses it (systemd.service(5)).

use std::collections::{BTreeMap, BTreeSet};

use svcadapt_spec::Origin;

use super::read::Given;

/// What the whole has to be judged by.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// How many commands each directive has.
    pub(super) commands: BTreeMap<String, usize>,
    /// Whether what is started is known to systemd alone.
    pub(super) unknown_start: bool,
    restart: String,
    /// Directives that are in force.
    said: BTreeSet<&'static str>,
    /// Where what can be wrong was said last.
    places: BTreeMap<String, Origin>,
}

const BUS: &str = "BusName";
const REMAINS: &str = "RemainAfterExit";
const SUCCESS: &str = "SuccessAction";
const FORCE: &str = "RestartForceExitStatus";

/// The values of `Restart=`. Another one says nothing.
const RESTART: [&str; 7] =
    ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"];

impl Verdict {
    /// Looks at a directive.
    pub(super) fn note(&mut self, section: &str, given: &Given) {
        let (key, value) = (given.line.key.as_str(), given.line.value.as_str());
        if section == "Service" {
            self.places.insert(key.to_owned(), given.origin.clone());
        }
        let mut set = |directive: &'static str, on: bool| {
            if on {
                self.said.insert(directive)
            } else {
                self.said.remove(directive)
            };
        };
        match (section, key) {
            ("Service", BUS) => set(BUS, !value.is_empty()),
            ("Service", FORCE) => set(FORCE, !value.is_empty()),
            ("Unit", SUCCESS) => set(SUCCESS, value != "none" && !value.is_empty()),
            ("Service", REMAINS) => {
                if let Some(remains) = svcadapt_spec::boolean(value) {
                    set(REMAINS, remains);
                }
            }
            ("Service", "Restart") if RESTART.contains(&value) => value.clone_into(&mut self.restart),
            _ => {}
        }
    }

    /// Everything that systemd refuses, each with its place if it is one line that could be another. `kind` is the type
    /// as it was written.
    pub(super) fn faults(&self, kind: Option<&str>) -> impl Iterator<Item = (Option<&Origin>, &'static str)> {
        let count = |directive: &str| self.commands.get(directive).copied().unwrap_or(0);
        let said = |directive: &str| self.said.contains(directive);
        let (start, stop) = (count("ExecStart"), count("ExecStop"));
        let kind = kind.unwrap_or(if said(BUS) {
            "dbus"
        } else if start > 0 {
            "simple"
        } else {
            "oneshot"
        });
        let oneshot = kind == "oneshot";
        [
            (
                start == 0 && stop == 0 && !said(SUCCESS),
                "",
                "a service needs ExecStart=, ExecStop= or SuccessAction=",
            ),
            (
                start == 0 && (stop > 0 || said(SUCCESS)) && !oneshot,
                "Type",
                "only Type=oneshot can be without ExecStart=",
            ),
            (
                start == 0 && stop > 0 && oneshot && !said(REMAINS) && !said(SUCCESS),
                "ExecStop",
                "without ExecStart= it needs RemainAfterExit=yes",
            ),
            (start > 1 && !oneshot, "ExecStart", "only Type=oneshot can have more than one ExecStart="),
            (
                oneshot && ["always", "on-success"].contains(&self.restart.as_str()),
                "Restart",
                "Type=oneshot cannot be with Restart=always or on-success",
            ),
            (oneshot && said(FORCE), FORCE, "Type=oneshot cannot be with RestartForceExitStatus="),
            (kind == "dbus" && !said(BUS), "Type", "Type=dbus needs BusName="),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, place, why)| (self.places.get(place), why))
    }
}
