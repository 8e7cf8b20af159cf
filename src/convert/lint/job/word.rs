//! Words of the command that are two, that have signs of a shell around them, or that were meant for another place.

use svcadapt_spec::Scope;

use super::View;
use super::program::command;
use crate::lint::Findings;
use crate::lint::habit::behind_script;
use crate::lint::rules::key::{NAME_FIRST, QUOTED, SCRIPT, WORDS, WRAPPER};
use crate::plist::{Node, Value};

pub(super) fn find(view: &View, findings: &mut Findings) {
    let program = view.node("Program");
    let words = match view.node("ProgramArguments") {
        Some(Node { value: Value::Array(words), .. }) => words,
        _ => &[][..],
    };
    let said = program.or_else(|| words.first());
    if let Some((node, path)) = said.and_then(|node| Some((node, node.text()?))) {
        let there = view.machine.inode(path.as_ref()).there().is_some();
        if quoted(path) {
            let message = format!("launchd looks for a file called '{}'", path.escape_debug());
            findings.add(&QUOTED, view.origin(node), message);
        } else if holds_arguments(path) && !there {
            let message = format!("launchd looks for a file called '{}'", path.escape_debug());
            findings.add(&WORDS, view.origin(node), message);
        }
        wrapper(view, node, path, findings);
    }
    if let (Some(_), Some(first)) = (program, words.first())
        && let Some(text) = first.text().filter(|text| text.starts_with('-'))
    {
        let message = format!("'{}' becomes the name of the program, and no argument", text.escape_debug());
        findings.add(&NAME_FIRST, view.origin(first), message);
    }
    let command = command(said, words);
    for node in words.iter().skip(command.begins.max(1)).filter(|_| !command.shell) {
        let Some(text) = node.text().filter(|_| !findings.full()) else { continue };
        if quoted(text) {
            let message = format!("the program is given '{}' as it stands", text.escape_debug());
            findings.add(&QUOTED, view.origin(node), message);
        } else if is_pair(text) {
            let message = format!("'{}' is one argument", text.escape_debug());
            findings.add(&WORDS, view.origin(node), message);
        }
    }
    let texts: Vec<&str> = words.iter().map(|node| node.text().unwrap_or_default()).collect();
    let texts = texts.get(command.begins.saturating_sub(1)..).unwrap_or_default();
    if let Some(behind) = behind_script(texts) {
        let node = &words[(command.begins.saturating_sub(1) + behind).min(words.len() - 1)];
        let message =
            format!("'{}' is no part of the script", node.text().unwrap_or_default().escape_debug());
        findings.add(&SCRIPT, view.origin(node), message);
    }
}

/// Quotes around the whole of it, or a backslash before a blank.
fn quoted(text: &str) -> bool {
    let around = |quote: char| text.len() > 2 && text.starts_with(quote) && text.ends_with(quote);
    around('"') || around('\'') || text.contains("\\ ")
}

/// A path with arguments behind it. A blank may stand in a path, and in the name of an application mostly does.
fn holds_arguments(path: &str) -> bool {
    let Some((program, rest)) = path.trim().split_once(' ') else { return false };
    let folder = program.rsplit('/').nth(1).unwrap_or_default();
    path.starts_with('/') && (rest.trim_start().starts_with('-') || ["bin", "sbin"].contains(&folder))
}

/// An option and its value: `--port 8080`.
fn is_pair(text: &str) -> bool {
    let Some((option, value)) = text.split_once(' ') else { return false };
    let name = option.trim_start_matches('-');
    let dashes = option.len() - name.len();
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (1..=2).contains(&dashes) && !name.is_empty() && letters && !value.is_empty() && !value.contains(' ')
}

/// What launchd does itself.
fn wrapper(view: &View, node: &Node, path: &str, findings: &mut Findings) {
    let name = path.rsplit('/').next().unwrap_or_default();
    let message = match name {
        "sudo" | "su" if view.scope == Scope::System => "launchd becomes the user itself",
        "nohup" => "a job has no terminal that could hang up",
        _ => return,
    };
    findings.add(&WRAPPER, view.origin(node), message);
}
