//! The order of a unit in the words of OpenRC and of init scripts: `After=`, `Before=`, `Wants=`, `Requires=`.

use svcadapt_spec::{Directive, ServiceSpec};

use super::{LossKind, Target};

/// How a service depends on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    /// It cannot run without.
    Need,
    /// The other one is started, too.
    Use,
    /// It is started after the other one.
    After,
    /// It is started before the other one.
    Before,
}

/// Units of systemd that stand for a part of the boot, with the words of OpenRC (the services of its packages) and of
/// init scripts (LSB 5.0, "Facility Names"). An empty word: it needs no word there.
const PARTS: [(&str, &str, &str); 21] = [
    ("network.target", "net", "$network"),
    ("network-pre.target", "", ""),
    ("network-online.target", "net", "$network"),
    ("NetworkManager-wait-online.service", "net", "$network"),
    ("systemd-networkd-wait-online.service", "net", "$network"),
    ("local-fs.target", "localmount", "$local_fs"),
    ("remote-fs.target", "netmount", "$remote_fs"),
    ("nss-lookup.target", "dns", "$named"),
    ("nss-user-lookup.target", "", ""),
    ("time-sync.target", "ntp-client", "$time"),
    ("time-set.target", "clock", "$time"),
    ("rpcbind.target", "rpcbind", "$portmap"),
    ("syslog.target", "logger", "$syslog"),
    ("syslog.socket", "logger", "$syslog"),
    ("syslog.service", "logger", "$syslog"),
    ("rsyslog.service", "logger", "$syslog"),
    // Parts that every boot has done before the services start.
    ("basic.target", "", ""),
    ("sysinit.target", "", ""),
    ("sockets.target", "", ""),
    ("multi-user.target", "", ""),
    ("-.mount", "", ""),
];

/// Whether a line says in which order services start.
pub(super) fn is_ordering(line: &Directive) -> bool {
    line.section() == "Unit" && relation(line).is_some()
}

fn relation(line: &Directive) -> Option<Relation> {
    match line.name() {
        "Requires" | "BindsTo" | "Requisite" => Some(Relation::Need),
        "Wants" => Some(Relation::Use),
        "After" => Some(Relation::After),
        "Before" => Some(Relation::Before),
        _ => None,
    }
}

/// The word of the host for a unit. `None`: it has none. A service is assumed to have the same name there.
fn word(unit: &str, target: Target) -> Option<&str> {
    if let Some((_, openrc, sysv)) = PARTS.iter().find(|(name, ..)| *name == unit) {
        return Some(if target == Target::SysV { sysv } else { openrc });
    }
    let name = unit.strip_suffix(".service")?;
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// The loss of the units of a line that the host has no word for.
pub(super) fn loss(line: &Directive, target: Target) -> Option<LossKind> {
    let units = || line.value().split_ascii_whitespace();
    let unknown: Vec<&str> = units().filter(|unit| word(unit, target).is_none()).collect();
    if unknown.is_empty() {
        None
    } else if unknown.len() == units().count() {
        Some(LossKind::Lost("this host has no such service".into()))
    } else {
        Some(LossKind::Approximated(format!("without {}: this host has no such service", unknown.join(", "))))
    }
}

/// What the service depends on, in the host's words, each once and in order.
pub(crate) fn dependencies(spec: &ServiceSpec, target: Target) -> Vec<(Relation, String)> {
    let mut all = Vec::new();
    for line in spec.native.systemd.iter().flatten().filter(|line| is_ordering(line)) {
        let words = line.value().split_ascii_whitespace().filter_map(|unit| word(unit, target));
        for word in words.filter(|word| !word.is_empty()) {
            all.extend(relation(line).map(|relation| (relation, word.to_owned())));
        }
    }
    // What is needed or used is also started first.
    let stronger: Vec<String> =
        all.iter().filter(|(relation, _)| *relation <= Relation::Use).map(|(_, word)| word.clone()).collect();
    let needed: Vec<String> = all
        .iter()
        .filter(|(relation, _)| *relation == Relation::Need)
        .map(|(_, word)| word.clone())
        .collect();
    all.retain(|(relation, word)| match relation {
        Relation::After => !stronger.contains(word),
        Relation::Use => !needed.contains(word),
        Relation::Need | Relation::Before => true,
    });
    all.sort();
    all.dedup();
    all
}
