//! Umask, nice level, limits, intervals and calendars.

use svcadapt_spec::Scope;

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::rules::key::{
    CALENDAR, EITHER_DAY, EVERY_MINUTE, INTERVAL, LIMITS, MAXFILES, NICE, ROOT, UMASK,
};
use crate::plist::{Document, Node};

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    if let Some(node) = view.node("Umask")
        && let Some(doubt) = Document::umask_problem(node)
    {
        match doubt.hint {
            Some(hint) => findings.add_with_hint(&UMASK, view.origin(node), doubt.cause, hint),
            None => findings.add(&UMASK, view.origin(node), doubt.cause),
        }
    }
    if let Some(node) = view.node("Nice")
        && let Some(level) = node.number().filter(|level| !(-20..=20).contains(level))
    {
        findings.add(&NICE, view.origin(node), format!("{level} is not a valid nice level"));
    }
    if let Some(node) = view.node("RootDirectory").filter(|_| view.node("WorkingDirectory").is_none()) {
        findings.add(&ROOT, view.origin(node), "working directory is outside of RootDirectory");
    }
    if let Some(node) = view.node("Umask")
        && let Some(mask) = node.number().filter(|mask| OCTAL.contains(mask))
    {
        let octal = i128::from_str_radix(&mask.to_string(), 8).unwrap_or_default();
        let message = format!("integers are decimal: this is the umask {mask:04o}");
        findings.add_with_hint(&UMASK, view.origin(node), message, format!("write {octal} for 0{mask}"));
    }
    for key in ["StartInterval", "ThrottleInterval", "ExitTimeOut"] {
        let min = i128::from(key == "StartInterval");
        if let Some((node, number)) = view.node(key).and_then(|node| Some((node, node.number()?)))
            && number < min
        {
            findings.add(&INTERVAL, view.origin(node), format!("{key} of {number} seconds is not valid"));
        }
    }
    limits(view, findings);
    let calendars = view.node("StartCalendarInterval").map_or(&[][..], Node::items);
    for calendar in calendars {
        times(view, calendar, findings);
        matches_too_often(view, calendar, findings);
    }
}

/// Decimal integers that were probably meant as octal.
const OCTAL: [i128; 8] = [22, 27, 37, 66, 77, 177, 277, 377];

/// Reports a calendar that matches more often than its largest unit suggests: a missing key always matches.
fn matches_too_often(view: &JobView, calendar: &Node, findings: &mut Findings) {
    let has = |key: &str| calendar.entry(key).is_some();
    let day = has("Day") || has("Weekday");
    let more = match (has("Minute"), has("Hour")) {
        (false, true) => Some("Hour without Minute matches every minute of that hour"),
        (false, false) if day || has("Month") => {
            Some("without Minute and Hour it matches every minute of that day")
        }
        (true, false) if day => Some("without Hour it matches every hour of that day"),
        _ => None,
    };
    if let Some(message) = more {
        findings.add(&EVERY_MINUTE, view.origin(calendar), message);
    }
    if let Some(node) = calendar.entry("Weekday").filter(|_| has("Day")) {
        findings.add(
            &EITHER_DAY,
            view.origin(node),
            "job runs on each such Weekday, and also on that Day of each month",
        );
    }
}

fn limits(view: &JobView, findings: &mut Findings) {
    let soft = view.node("SoftResourceLimits");
    let hard = view.node("HardResourceLimits");
    for entry in soft.iter().flat_map(|limits| limits.entries()) {
        let limit = hard.and_then(|hard| hard.entry(&entry.key)).and_then(Node::number);
        if let (Some(soft), Some(hard)) = (entry.node.number(), limit)
            && soft > hard
        {
            let message = format!("{}: soft limit {soft} is above the hard limit {hard}", entry.key);
            findings.add(&LIMITS, view.origin(&entry.node), message);
        }
    }
    if view.scope == Scope::System {
        for entry in [soft, hard].into_iter().flatten().flat_map(Node::entries) {
            if ["NumberOfFiles", "NumberOfProcesses"].contains(&entry.key.as_str()) {
                let message = format!("{} of a daemon applies to all processes of the machine", entry.key);
                findings.add(&MAXFILES, view.origin(&entry.node), message);
            }
        }
    }
}

fn times(view: &JobView, calendar: &Node, findings: &mut Findings) {
    const RANGES: [(&str, i128, i128); 5] =
        [("Minute", 0, 59), ("Hour", 0, 23), ("Day", 1, 31), ("Weekday", 0, 7), ("Month", 1, 12)];
    for (key, min, max) in RANGES {
        let Some(node) = calendar.entry(key) else { continue };
        if let Some(number) = node.number().filter(|number| !(min..=max).contains(number)) {
            findings.add(
                &CALENDAR,
                view.origin(node),
                format!("{key} must be between {min} and {max}, not {number}"),
            );
        }
    }
    let number = |key: &str| calendar.entry(key).and_then(Node::number);
    let last = match number("Month") {
        Some(2) => 29,
        Some(4 | 6 | 9 | 11) => 30,
        _ => return,
    };
    if let Some(node) =
        calendar.entry("Day").filter(|_| number("Day").is_some_and(|day| day > last && day <= 31))
    {
        findings.add(
            &CALENDAR,
            view.origin(node),
            format!("month has no day {}", number("Day").unwrap_or_default()),
        );
    }
}
