//! What is started, and words that only a shell would understand.

use std::path::Path;

use svcadapt_spec::boolean;

use super::View;
use crate::lint::Findings;
use crate::lint::habit::is_shell;
use crate::lint::rules::key::{NO_PROGRAM, NOT_HERE, RELATIVE, SEARCHED, SHELL};
use crate::plist::Node;

pub(super) fn find(view: &View, findings: &mut Findings) {
    let program = view.node("Program");
    let words = view.node("ProgramArguments").map_or(&[][..], Node::items);
    let said = program.or_else(|| words.first());
    match said.map(|node| (node, node.text())) {
        // A bundle's program lies within the bundle.
        None if view.node("BundleProgram").is_none() => {
            findings.add(&NO_PROGRAM, view.document.whole(), "neither Program nor ProgramArguments is there");
        }
        // Of quotes another finder tells.
        Some((_, Some(path))) if path.starts_with(['"', '\'']) => {}
        Some((node, Some(path))) if !path.starts_with('/') => {
            let bare = !path.contains('/') && program.is_none();
            let message = format!("'{}' is no absolute path", path.escape_debug());
            findings.add(if bare { &SEARCHED } else { &RELATIVE }, view.origin(node), message);
        }
        _ => {}
    }
    let command = command(said, words);
    for (number, node) in words.iter().enumerate().skip(1) {
        let Some(text) = node.text().filter(|_| !findings.full()) else { continue };
        if let Some(sign) = of_the_shell(text).filter(|sign| !command.understands(number, sign)) {
            let message = format!("{sign} in '{}' means nothing to launchd", text.escape_debug());
            findings.add(&SHELL, view.origin(node), message);
        }
    }
    present(view, said, findings);
}

/// Whether what launchd opens before it starts the program is there; on other systems nothing of a Mac is.
fn present(view: &View, program: Option<&Node>, findings: &mut Findings) {
    if !view.machine.has_launchd() || view.node("RootDirectory").is_some() {
        return;
    }
    let needed = [program, view.node("WorkingDirectory"), view.node("StandardInPath")];
    for node in needed.into_iter().flatten() {
        let path = node.text().map(Path::new).filter(|path| path.is_absolute());
        if let Some(path) = path.filter(|path| view.machine.inode(path).missing()) {
            findings.add(&NOT_HERE, view.origin(node), format!("there is no '{}'", path.display()));
        }
    }
}

/// Who reads the arguments.
pub(super) struct Command {
    /// The index of the first word behind svcadapt's own options and the program; 0 where svcadapt is not there.
    pub(super) begins: usize,
    /// Whether svcadapt puts in variables.
    expands: bool,
    /// Whether the program is a shell: its script is its own.
    pub(super) shell: bool,
}

pub(super) fn command(said: Option<&Node>, words: &[Node]) -> Command {
    let texts: Vec<&str> = words.iter().map(|node| node.text().unwrap_or_default()).collect();
    let program = said.and_then(Node::text).unwrap_or_default();
    let plain = Command { begins: 0, expands: false, shell: speaks(program) };
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
    let shell = texts.get(end + 1).is_some_and(|program| speaks(program));
    Command { begins: end + 2, expands: expands == Some(true), shell }
}

impl Command {
    /// Whether the sign means something where a word stands. What an option of svcadapt's says has a language of its
    /// own, in which a ~ is none.
    fn understands(&self, number: usize, sign: &str) -> bool {
        if number < self.begins { sign != "~" } else { self.shell || self.expands && sign == "$" }
    }
}

/// A shell, or what has a language of its own in its arguments.
fn speaks(program: &str) -> bool {
    is_shell(program) || program.ends_with("/osascript")
}

/// The sign in an argument that it takes a shell to understand.
fn of_the_shell(text: &str) -> Option<&'static str> {
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
