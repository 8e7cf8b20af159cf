//! Numbers: the umask, the nice level, limits, calendars.

use svcadapt_spec::Scope;

use super::View;
use crate::lint::Findings;
use crate::lint::rules::key::{
    CALENDAR, EITHER_DAY, EVERY_MINUTE, INTERVAL, LIMITS, MAXFILES, NICE, ROOT, UMASK,
};
use crate::plist::{Document, Node};

pub(super) fn find(view: &View, findings: &mut Findings) {
    if let Some(node) = view.node("Umask")
        && let Some(doubt) = Document::doubt_of_umask(node)
    {
        match doubt.hint {
            Some(hint) => findings.cured(&UMASK, view.origin(node), doubt.cause, hint),
            None => findings.add(&UMASK, view.origin(node), doubt.cause),
        }
    }
    if let Some(node) = view.node("Nice")
        && let Some(level) = node.number().filter(|level| !(-20..=20).contains(level))
    {
        findings.add(&NICE, view.origin(node), format!("{level} is no nice level"));
    }
    if let Some(node) = view.node("RootDirectory").filter(|_| view.node("WorkingDirectory").is_none()) {
        findings.add(&ROOT, view.origin(node), "the working directory stays outside of the root directory");
    }
    if let Some(node) = view.node("Umask")
        && let Some(mask) = node.number().filter(|mask| OCTAL.contains(mask))
    {
        let octal = i128::from_str_radix(&mask.to_string(), 8).unwrap_or_default();
        let message = format!("an integer is decimal: this is the umask {mask:04o}");
        findings.cured(&UMASK, view.origin(node), message, format!("write {octal}, if 0{mask} is meant"));
    }
    for key in ["StartInterval", "ThrottleInterval", "ExitTimeOut"] {
        let least = i128::from(key == "StartInterval");
        if let Some((node, number)) = view.node(key).and_then(|node| Some((node, node.number()?)))
            && number < least
        {
            findings.add(&INTERVAL, view.origin(node), format!("{key} is {number} seconds"));
        }
    }
    limits(view, findings);
    let calendars = view.node("StartCalendarInterval").map_or(&[][..], Node::items);
    for calendar in calendars {
        times(view, calendar, findings);
        often(view, calendar, findings);
    }
}

/// What people write who think in octal digits.
const OCTAL: [i128; 8] = [22, 27, 37, 66, 77, 177, 277, 377];

/// A calendar that fits more often than its greatest unit says: what is not said fits always.
fn often(view: &View, calendar: &Node, findings: &mut Findings) {
    let says = |key: &str| calendar.entry(key).is_some();
    let day = says("Day") || says("Weekday");
    let more = match (says("Minute"), says("Hour")) {
        (false, true) => Some("Hour without Minute is every minute of that hour"),
        (false, false) if day || says("Month") => {
            Some("without Minute and Hour it is every minute of that day")
        }
        (true, false) if day => Some("without Hour it is every hour of that day"),
        _ => None,
    };
    if let Some(message) = more {
        findings.add(&EVERY_MINUTE, view.origin(calendar), message);
    }
    if let Some(node) = calendar.entry("Weekday").filter(|_| says("Day")) {
        findings.add(
            &EITHER_DAY,
            view.origin(node),
            "the job runs on each such day of the week, and on that day of each month",
        );
    }
}

fn limits(view: &View, findings: &mut Findings) {
    let soft = view.node("SoftResourceLimits");
    let hard = view.node("HardResourceLimits");
    for entry in soft.iter().flat_map(|limits| limits.entries()) {
        let above = hard.and_then(|hard| hard.entry(&entry.key)).and_then(Node::number);
        if let (Some(soft), Some(hard)) = (entry.node.number(), above)
            && soft > hard
        {
            let message = format!("{}: {soft} is above {hard}", entry.key);
            findings.add(&LIMITS, view.origin(&entry.node), message);
        }
    }
    if view.scope == Scope::System {
        for entry in [soft, hard].into_iter().flatten().flat_map(Node::entries) {
            if ["NumberOfFiles", "NumberOfProcesses"].contains(&entry.key.as_str()) {
                let message = format!("{} of a daemon holds for all processes", entry.key);
                findings.add(&MAXFILES, view.origin(&entry.node), message);
            }
        }
    }
}

fn times(view: &View, calendar: &Node, findings: &mut Findings) {
    const RANGES: [(&str, i128, i128); 5] =
        [("Minute", 0, 59), ("Hour", 0, 23), ("Day", 1, 31), ("Weekday", 0, 7), ("Month", 1, 12)];
    for (key, least, most) in RANGES {
        let Some(node) = calendar.entry(key) else { continue };
        if let Some(number) = node.number().filter(|number| !(least..=most).contains(number)) {
            findings.add(
                &CALENDAR,
                view.origin(node),
                format!("{key} is between {least} and {most}, not {number}"),
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
            format!("that month has no day {}", number("Day").unwrap_or_default()),
        );
    }
}
