//! Start, restart and stop of the job.

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::fork_behavior::{ForkBehavior, fork_behavior};
use crate::lint::rules::job::{
    BACKGROUND, CONTRARY, DISABLED, EXIT_NEVER, EXIT_TIME_OUT, INVERTED, NETWORK, NEVER, THROTTLE,
    TRANSACTIONS,
};
use crate::plist::Node;

/// Keys that start a job.
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

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    keep_alive(view, findings);
    background(view, findings);
    for key in ["EnableTransactions", "EnablePressuredExit"] {
        if let Some(node) = view.node(key).filter(|node| node.truth() == Some(true)) {
            findings.add(
                &TRANSACTIONS,
                view.origin(node),
                format!("{key} lets launchd kill the job at once"),
            );
        }
    }
    let exit = view.node("ExitTimeOut");
    if let Some(node) = exit.filter(|node| node.number() == Some(0)) {
        findings.add(&EXIT_NEVER, view.origin(node), "ExitTimeOut 0 waits without a limit");
    }
    if let Some(node) = view.node("Disabled").filter(|node| node.truth() == Some(true)) {
        findings.add(&DISABLED, view.origin(node), "Disabled is only the initial state");
    }
    let starts = |key: &&str| view.node(key).is_some_and(|node| node.truth() != Some(false));
    if !STARTERS.iter().any(starts) {
        findings.add(&NEVER, view.document.whole(), "no key starts the job");
    }
}

/// Reports a program whose first process ends at once, which launchd takes for the end of the job, and keys that
/// contradict `KeepAlive`.
fn background(view: &JobView, findings: &mut Findings) {
    let words = view.node("ProgramArguments").map_or(&[][..], Node::items);
    let program = view.node("Program").or_else(|| words.first()).and_then(Node::text);
    let arguments = words.iter().skip(1).map(|node| node.text().unwrap_or_default());
    let line: Vec<&str> = program.into_iter().chain(arguments).collect();
    if let (Some(ForkBehavior::Background(sign)), Some(node)) =
        (fork_behavior(&line), view.node("ProgramArguments"))
    {
        // The place is the word itself, or the script, which is the last word.
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
        let message = format!("{key} has no effect: KeepAlive always keeps the job running");
        let place = view.node("KeepAlive").unwrap_or(node);
        findings.add(&CONTRARY, view.origin(place), message);
    }
    let keep_alive = view.node("KeepAlive").is_some_and(|node| node.truth() != Some(false));
    if let Some(node) = view.node("LaunchOnlyOnce").filter(|node| keep_alive && node.truth() == Some(true)) {
        findings.add(&CONTRARY, view.origin(node), "LaunchOnlyOnce contradicts KeepAlive");
    }
}

fn keep_alive(view: &JobView, findings: &mut Findings) {
    let Some(node) = view.node("KeepAlive").filter(|node| node.truth() != Some(false)) else { return };
    if let Some(condition) = node.entry("SuccessfulExit").filter(|condition| condition.truth() == Some(true))
    {
        findings.add(&INVERTED, view.origin(condition), "SuccessfulExit true restarts only after success");
    }
    if let Some(condition) = node.entry("NetworkState") {
        findings.add(&NETWORK, view.origin(condition), "NetworkState has no effect");
    }
    times(view, node, findings);
}

/// Reports both missing times as one note: most jobs have neither key.
fn times(view: &JobView, node: &Node, findings: &mut Findings) {
    const THROTTLED: &str = "without ThrottleInterval launchd keeps ten seconds between two starts";
    const KILLED: &str = "without ExitTimeOut launchd kills the job after about 5 seconds";
    let throttle = view.node("ThrottleInterval").is_some();
    let exit = view.node("ExitTimeOut").and_then(Node::number).is_some();
    match (throttle, exit) {
        (true, true) => {}
        (false, true) => findings.add(&THROTTLE, view.origin(node), THROTTLED),
        (true, false) => findings.add(&EXIT_TIME_OUT, view.origin(node), KILLED),
        (false, false) => findings.add_with_hint(
            &THROTTLE,
            view.origin(node),
            format!("{THROTTLED}; {KILLED}"),
            format!("{}; {}", THROTTLE.hint, EXIT_TIME_OUT.hint),
        ),
    }
}
