//! When the job starts, starts again, and how it ends.

use super::View;
use crate::lint::Findings;
use crate::lint::habit::{Habit, habit};
use crate::lint::rules::job::{
    BACKGROUND, CONTRARY, DISABLED, EXIT_NEVER, EXIT_TIME_OUT, INVERTED, NETWORK, NEVER, THROTTLE,
    TRANSACTIONS,
};
use crate::plist::Node;

/// What starts a job.
const STARTERS: [&str; 12] = [
    "RunAtLoad",
    "KeepAlive",
    "StartInterval",
    "StartCalendarInterval",
    "StartOnMount",
    "WatchPaths",
    "QueueDirectories",
    "Sockets",
    "MachServices",
    "LaunchEvents",
    "OnDemand",
    "inetdCompatibility",
];

pub(super) fn find(view: &View, findings: &mut Findings) {
    keep_alive(view, findings);
    background(view, findings);
    for key in ["EnableTransactions", "EnablePressuredExit"] {
        if let Some(node) = view.node(key).filter(|node| node.truth() == Some(true)) {
            findings.add(&TRANSACTIONS, view.origin(node), format!("{key} makes a stop a kill"));
        }
    }
    let exit = view.node("ExitTimeOut");
    if let Some(node) = exit.filter(|node| node.number() == Some(0)) {
        findings.add(&EXIT_NEVER, view.origin(node), "ExitTimeOut 0 waits for ever");
    }
    if let Some(node) = view.node("Disabled").filter(|node| node.truth() == Some(true)) {
        findings.add(&DISABLED, view.origin(node), "Disabled does not keep the job from being enabled");
    }
    let starts = |key: &&str| view.node(key).is_some_and(|node| node.truth() != Some(false));
    if !STARTERS.iter().any(starts) {
        findings.add(&NEVER, view.document.whole(), "no key says when the job starts");
    }
}

/// A program whose first process ends at once: launchd takes that for the end of the job.
fn background(view: &View, findings: &mut Findings) {
    let words = view.node("ProgramArguments").map_or(&[][..], Node::items);
    let program = view.node("Program").or_else(|| words.first()).and_then(Node::text);
    let arguments = words.iter().skip(1).map(|node| node.text().unwrap_or_default());
    let line: Vec<&str> = program.into_iter().chain(arguments).collect();
    if let (Some(Habit::Background(sign)), Some(node)) = (habit(&line), view.node("ProgramArguments")) {
        // Where the word stands, if it is one; else at the script, which is the last.
        let at = words.iter().find(|node| node.text().is_some_and(|text| sign == format!("'{text}'")));
        let node = at.or_else(|| words.last()).unwrap_or(node);
        findings.add(&BACKGROUND, view.origin(node), format!("{sign} sends the program into the background"));
    }
    let always = view.node("KeepAlive").is_some_and(|node| node.truth() == Some(true));
    if let Some((key, node)) = ["StartInterval", "StartCalendarInterval"]
        .iter()
        .find_map(|key| Some((key, view.node(key)?)))
        .filter(|_| always)
    {
        let message = format!("a job that always runs is not started by {key}");
        let place = view.node("KeepAlive").unwrap_or(node);
        findings.add(&CONTRARY, view.origin(place), message);
    }
    let kept = view.node("KeepAlive").is_some_and(|node| node.truth() != Some(false));
    if let Some(node) = view.node("LaunchOnlyOnce").filter(|node| kept && node.truth() == Some(true)) {
        findings.add(&CONTRARY, view.origin(node), "a job that is started only once is not started again");
    }
}

fn keep_alive(view: &View, findings: &mut Findings) {
    let Some(node) = view.node("KeepAlive").filter(|node| node.truth() != Some(false)) else { return };
    if let Some(said) = node.entry("SuccessfulExit").filter(|said| said.truth() == Some(true)) {
        findings.add(&INVERTED, view.origin(said), "SuccessfulExit true restarts after success only");
    }
    if let Some(said) = node.entry("NetworkState") {
        findings.add(&NETWORK, view.origin(said), "NetworkState does nothing");
    }
    times(view, node, findings);
}

/// One note for a job: most have neither key, and both say how the job is started again.
fn times(view: &View, node: &Node, findings: &mut Findings) {
    const APART: &str = "without ThrottleInterval two starts are ten seconds apart";
    const KILLED: &str = "without ExitTimeOut the job is killed after about 5 seconds";
    let throttle = view.node("ThrottleInterval").is_some();
    let exit = view.node("ExitTimeOut").and_then(Node::number).is_some();
    match (throttle, exit) {
        (true, true) => {}
        (false, true) => findings.add(&THROTTLE, view.origin(node), APART),
        (true, false) => findings.add(&EXIT_TIME_OUT, view.origin(node), KILLED),
        (false, false) => findings.cured(
            &THROTTLE,
            view.origin(node),
            format!("{APART}; {KILLED}"),
            format!("{}; {}", THROTTLE.cure, EXIT_TIME_OUT.cure),
        ),
    }
}
