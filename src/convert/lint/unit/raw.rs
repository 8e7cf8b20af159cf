//! Values that are the rest of their line, in which quotes and escapes are literal.

use super::UnitView;
use crate::lint::Findings;
use crate::lint::rules::directive::RAW;
use crate::lint::rules::path::CONDITION;

const PATHS: [&str; 5] = ["WorkingDirectory", "RootDirectory", "RootImage", "PIDFile", "EnvironmentFile"];
const STREAMS: [&str; 3] = ["StandardInput", "StandardOutput", "StandardError"];

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    for at in unit.lines() {
        let (key, value) = (at.key(), at.value());
        let rule = match at.section() {
            "Service" if PATHS.contains(&key) || STREAMS.contains(&key) => &RAW,
            "Unit" if is_path_condition(key) => &CONDITION,
            _ => continue,
        };
        let path = value.trim_start_matches(['-', '|', '!', ' ']);
        let path =
            if STREAMS.contains(&key) { path.split_once(':').map_or("", |(_, path)| path) } else { path };
        let quoted = path.starts_with(['"', '\'']);
        // In the pattern of an environment file a backslash escapes the next character (glob(7)).
        let escaped = path.contains("\\x") || path.contains("\\ ") && key != "EnvironmentFile";
        if quoted || escaped {
            let what = if quoted { "quotes" } else { "backslash" };
            let message = format!("{what} in {key}= would be part of the path");
            findings.add(rule, at.within(value.len() - path.len()), message);
        }
    }
}

/// Whether a condition is about a path.
pub(super) fn is_path_condition(key: &str) -> bool {
    let kind = key.strip_prefix("Condition").or_else(|| key.strip_prefix("Assert"));
    kind.is_some_and(|kind| {
        kind.starts_with("Path") || kind.starts_with("File") || kind == "DirectoryNotEmpty"
    })
}
