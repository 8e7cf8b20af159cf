//! Numbers: the umask, the nice level, limits, calendars.

use crate::check::Findings;
use crate::check::rules::key::CALENDAR;
use crate::check::rules::key::LIMITS;
use crate::check::rules::key::MAXFILES;
use crate::check::rules::key::NICE;
use crate::check::rules::key::ROOT;
use crate::check::rules::key::UMASK;
use crate::format::plist::Document;
use crate::format::plist::Node;
use crate::target::Scope;

use super::View;

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
    limits(view, findings);
    let calendars = view.node("StartCalendarInterval").map_or(&[][..], Node::items);
    for calendar in calendars {
        times(view, calendar, findings);
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
}
