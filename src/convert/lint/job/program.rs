//! The program, and shell syntax in its arguments.

use std::path::Path;

use svcadapt_spec::boolean;

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::fork_behavior::is_shell;
use crate::lint::rules::key::{NO_PROGRAM, NOT_HERE, RELATIVE, SEARCHED, SHELL};
use crate::plist::Node;

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    let program = view.node("Program");
    let words = view.node("ProgramArguments").map_or(&[][..], Node::items);
    let node = program.or_else(|| words.first());
    match node.map(|node| (node, node.text())) {
        // The program of a bundle is inside the bundle.
        None if view.node("BundleProgram").is_none() => {
            findings.add(&NO_PROGRAM, view.document.whole(), "Program and ProgramArguments are missing");
        }
        // `word` reports quotes.
        Some((_, Some(path))) if path.starts_with(['"', '\'']) => {}
        Some((node, Some(path))) if !path.starts_with('/') => {
            let bare = !path.contains('/') && program.is_none();
            let message = format!("'{}' is not an absolute path", path.escape_debug());
            findings.add(if bare { &SEARCHED } else { &RELATIVE }, view.origin(node), message);
        }
        _ => {}
    }
    let command = command(node, words);
    for (number, node) in words.iter().enumerate().skip(1) {
        let Some(text) = node.text().filter(|_| !findings.is_full()) else { continue };
        if let Some(sign) = shell_sign(text).filter(|sign| !command.understands(number, sign)) {
            let message = format!("launchd does not expand {sign} in '{}'", text.escape_debug());
            findings.add(&SHELL, view.origin(node), message);
        }
    }
    present(view, node, findings);
}

/// Reports files that launchd opens before it starts the program and that do not exist. Only a Mac is checked.
fn present(view: &JobView, program: Option<&Node>, findings: &mut Findings) {
    if !view.machine.has_launchd() || view.node("RootDirectory").is_some() {
        return;
    }
    let needed = [program, view.node("WorkingDirectory"), view.node("StandardInPath")];
    for node in needed.into_iter().flatten() {
        let path = node.text().map(Path::new).filter(|path| path.is_absolute());
        if let Some(path) = path.filter(|path| view.machine.inode(path).is_missing()) {
            findings.add(&NOT_HERE, view.origin(node), format!("'{}' does not exist", path.display()));
        }
    }
}

/// The program that reads the arguments.
pub(super) struct ArgumentReader {
    /// The index of the first word after svcadapt's own options and the program; 0 without svcadapt.
    pub(super) start: usize,
    /// Whether svcadapt expands variables.
    expands: bool,
    /// Whether the program is a shell, which expands its script itself.
    pub(super) shell: bool,
}

pub(super) fn command(program: Option<&Node>, words: &[Node]) -> ArgumentReader {
    let texts: Vec<&str> = words.iter().map(|node| node.text().unwrap_or_default()).collect();
    let program = program.and_then(Node::text).unwrap_or_default();
    let plain = ArgumentReader { start: 0, expands: false, shell: is_interpreter(program) };
    if program.rsplit('/').next() != Some("svcadapt")
        || !texts.get(1).is_some_and(|word| *word == "run" || word.starts_with('-'))
    {
        return plain;
    }
    let Some(end) = texts.iter().position(|word| *word == "--") else { return plain };
    let expands = texts[..end].iter().rev().find_map(|word| {
        let value = word.strip_prefix("--expand-variables")?;
        Some(value.strip_prefix('=').is_none_or(|value| boolean(value) != Some(false)))
    });
    let shell = texts.get(end + 1).is_some_and(|program| is_interpreter(program));
    ArgumentReader { start: end + 2, expands: expands == Some(true), shell }
}

impl ArgumentReader {
    /// Whether the sign has a meaning in the word of this index. An option of svcadapt has a syntax of its own, but does
    /// not expand a `~`.
    fn understands(&self, number: usize, sign: &str) -> bool {
        if number < self.start { sign != "~" } else { self.shell || self.expands && sign == "$" }
    }
}

/// Whether a program is a shell, or has a language of its own in its arguments.
fn is_interpreter(program: &str) -> bool {
    is_shell(program) || program.ends_with("/osascript")
}

/// The sign in an argument that only a shell expands.
fn shell_sign(text: &str) -> Option<&'static str> {
    let variable = text.strip_prefix('$').is_some_and(|name| {
        name.starts_with('{')
            || name.starts_with('(')
            || name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    });
    match text {
        "|" | "||" => Some("|"),
        "&" | "&&" => Some("&"),
        ">" | ">>" | "2>" | "2>&1" | "&>" => Some(">"),
        "<" => Some("<"),
        _ if variable || text.contains("${") || text.contains("/$HOME") || text.contains("=$HOME") => {
            Some("$")
        }
        "~" => Some("~"),
        _ if text.starts_with("~/") || text.contains("=~/") => Some("~"),
        _ if text.starts_with('/') && text.contains('*') => Some("*"),
        _ => None,
    }
}
