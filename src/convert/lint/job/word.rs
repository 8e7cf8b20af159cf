//! Words of the command that contain several words, quotes, or a part of a script, and wrappers before the program.

use svcadapt_spec::Scope;

use super::program::command;
use super::view::JobView;
use crate::lint::Findings;
use crate::lint::fork_behavior::unused_script_word;
use crate::lint::rules::key::{NAME_FIRST, QUOTED, SCRIPT, WORDS, WRAPPER};
use crate::plist::{Node, Value};

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    let program = view.node("Program");
    let words = match view.node("ProgramArguments") {
        Some(Node { value: Value::Array(words), .. }) => words,
        _ => &[][..],
    };
    let node = program.or_else(|| words.first());
    if let Some((node, path)) = node.and_then(|node| Some((node, node.text()?))) {
        let exists = view.machine.inode(path.as_ref()).found().is_some();
        if quoted(path) {
            let message = format!("launchd looks for a file named '{}'", path.escape_debug());
            findings.add(&QUOTED, view.origin(node), message);
        } else if holds_arguments(path) && !exists {
            let message = format!("launchd looks for a file named '{}'", path.escape_debug());
            findings.add(&WORDS, view.origin(node), message);
        }
        wrapper(view, node, path, findings);
    }
    if let (Some(_), Some(first)) = (program, words.first())
        && let Some(text) = first.text().filter(|text| text.starts_with('-'))
    {
        let message = format!("'{}' becomes the name of the program, not an argument", text.escape_debug());
        findings.add(&NAME_FIRST, view.origin(first), message);
    }
    let command = command(node, words);
    for node in words.iter().skip(command.start.max(1)).filter(|_| !command.shell) {
        let Some(text) = node.text().filter(|_| !findings.is_full()) else { continue };
        if quoted(text) {
            let message =
                format!("the program gets '{}' with its quotes and backslashes", text.escape_debug());
            findings.add(&QUOTED, view.origin(node), message);
        } else if is_pair(text) {
            let message = format!("'{}' is a single argument", text.escape_debug());
            findings.add(&WORDS, view.origin(node), message);
        }
    }
    let texts: Vec<&str> = words.iter().map(|node| node.text().unwrap_or_default()).collect();
    let texts = texts.get(command.start.saturating_sub(1)..).unwrap_or_default();
    if let Some(unused) = unused_script_word(texts) {
        let node = &words[(command.start.saturating_sub(1) + unused).min(words.len() - 1)];
        let message =
            format!("'{}' is not part of the script", node.text().unwrap_or_default().escape_debug());
        findings.add(&SCRIPT, view.origin(node), message);
    }
}

/// Whether a word is in quotes, or has a backslash before a blank.
fn quoted(text: &str) -> bool {
    let around = |quote: char| text.len() > 2 && text.starts_with(quote) && text.ends_with(quote);
    around('"') || around('\'') || text.contains("\\ ")
}

/// Whether a path is followed by arguments. A blank alone is no evidence: names of applications often contain blanks.
fn holds_arguments(path: &str) -> bool {
    let Some((program, rest)) = path.trim().split_once(' ') else { return false };
    let folder = program.rsplit('/').nth(1).unwrap_or_default();
    path.starts_with('/') && (rest.trim_start().starts_with('-') || ["bin", "sbin"].contains(&folder))
}

/// Whether a word is an option and its value: `--port 8080`.
fn is_pair(text: &str) -> bool {
    let Some((option, value)) = text.split_once(' ') else { return false };
    let name = option.trim_start_matches('-');
    let dashes = option.len() - name.len();
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (1..=2).contains(&dashes) && !name.is_empty() && letters && !value.is_empty() && !value.contains(' ')
}

/// Reports a program that does what launchd does itself.
fn wrapper(view: &JobView, node: &Node, path: &str, findings: &mut Findings) {
    let name = path.rsplit('/').next().unwrap_or_default();
    let message = match name {
        "sudo" | "su" if view.scope == Scope::System => "launchd itself changes to the user of UserName",
        "nohup" => "nohup has no effect: a job has no terminal",
        _ => return,
    };
    findings.add(&WRAPPER, view.origin(node), message);
}
