//! The checks of a whole unit: combinations for which systemd refuses it (systemd.service(5)).

use std::collections::{BTreeMap, BTreeSet};

use svcadapt_spec::Origin;

use super::site::Site;

/// The state that the checks need, collected line by line.
#[derive(Debug, Default)]
pub(super) struct UnitChecks {
    /// The number of commands of each directive.
    pub(super) commands: BTreeMap<String, usize>,
    restart: String,
    /// The directives that are set.
    set: BTreeSet<&'static str>,
    /// The last place of each directive.
    places: BTreeMap<String, Origin>,
}

const BUS: &str = "BusName";
const REMAINS: &str = "RemainAfterExit";
const SUCCESS: &str = "SuccessAction";
const FORCE: &str = "RestartForceExitStatus";

/// The values of `Restart=`; systemd ignores others.
const RESTART: [&str; 7] =
    ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"];

impl UnitChecks {
    /// Records a directive.
    pub(super) fn note(&mut self, section: &str, site: &Site) {
        let (key, value) = (site.line.key.as_str(), site.line.value.as_str());
        if section == "Service" {
            self.places.insert(key.to_owned(), site.origin.clone());
        }
        let mut put = |directive: &'static str, on: bool| {
            if on {
                self.set.insert(directive)
            } else {
                self.set.remove(directive)
            };
        };
        match (section, key) {
            ("Service", BUS) => put(BUS, !value.is_empty()),
            ("Service", FORCE) => put(FORCE, !value.is_empty()),
            ("Unit", SUCCESS) => put(SUCCESS, value != "none" && !value.is_empty()),
            ("Service", REMAINS) => {
                if let Some(remains) = svcadapt_spec::boolean(value) {
                    put(REMAINS, remains);
                }
            }
            ("Service", "Restart") if RESTART.contains(&value) => value.clone_into(&mut self.restart),
            _ => {}
        }
    }

    /// Every reason why systemd refuses the unit, with the place of the line to change, if it is one line. `kind` is
    /// the value of `Type=`, verbatim.
    pub(super) fn faults(&self, kind: Option<&str>) -> impl Iterator<Item = (Option<&Origin>, &'static str)> {
        let count = |directive: &str| self.commands.get(directive).copied().unwrap_or(0);
        let set = |directive: &str| self.set.contains(directive);
        let (start, stop) = (count("ExecStart"), count("ExecStop"));
        let kind = kind.unwrap_or(if set(BUS) {
            "dbus"
        } else if start > 0 {
            "simple"
        } else {
            "oneshot"
        });
        let oneshot = kind == "oneshot";
        [
            (
                start == 0 && stop == 0 && !set(SUCCESS),
                "",
                "a service needs ExecStart=, ExecStop= or SuccessAction=",
            ),
            (
                start == 0 && (stop > 0 || set(SUCCESS)) && !oneshot,
                "Type",
                "a service without ExecStart= needs Type=oneshot",
            ),
            (
                start == 0 && stop > 0 && oneshot && !set(REMAINS) && !set(SUCCESS),
                "ExecStop",
                "ExecStop= without ExecStart= needs RemainAfterExit=yes",
            ),
            (start > 1 && !oneshot, "ExecStart", "more than one ExecStart= needs Type=oneshot"),
            (
                oneshot && ["always", "on-success"].contains(&self.restart.as_str()),
                "Restart",
                "Type=oneshot does not allow Restart=always or Restart=on-success",
            ),
            (oneshot && set(FORCE), FORCE, "Type=oneshot does not allow RestartForceExitStatus="),
            (kind == "dbus" && !set(BUS), "Type", "Type=dbus needs BusName="),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, place, why)| (self.places.get(place), why))
    }
}
