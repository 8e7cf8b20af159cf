//! What is started, and words that only a shell would understand.

use std::path::Path;

use crate::check::Findings;
use crate::check::rules::key::NO_PROGRAM;
use crate::check::rules::key::NOT_HERE;
use crate::check::rules::key::RELATIVE;
use crate::check::rules::key::SEARCHED;
use crate::check::rules::key::SHELL;
use crate::format::plist::Node;

use super::View;

pub(super) fn find(view: &View, findings: &mut Findings) {
    let program = view.node("Program");
    let words = view.node("ProgramArguments").map_or(&[][..], Node::items);
    let said = program.or_else(|| words.first());
    match said.map(|node| (node, node.text())) {
        // A bundle's program lies within the bundle.
        None if view.node("BundleProgram").is_none() => {
            findings.add(&NO_PROGRAM, view.document.whole(), "neither Program nor ProgramArguments is there");
        }
        Some((node, Some(path))) if !path.starts_with('/') => {
            let bare = !path.contains('/') && program.is_none();
            let message = format!("'{}' is no absolute path", path.escape_debug());
            findings.add(if bare { &SEARCHED } else { &RELATIVE }, view.origin(node), message);
        }
        _ => {}
    }
    // A shell's script is its own.
    let shell = said.and_then(Node::text).is_some_and(is_shell);
    for node in words.iter().skip(1) {
        let Some(text) = node.text().filter(|_| !shell && !findings.full()) else { continue };
        if let Some(sign) = of_the_shell(text) {
            let message = format!("{sign} in '{}' means nothing to launchd", text.escape_debug());
            findings.add(&SHELL, view.origin(node), message);
        }
    }
    present(view, said, findings);
    for key in ["WorkingDirectory", "StandardOutPath", "StandardErrorPath", "StandardInPath", "RootDirectory"]
    {
        if let Some((node, path)) = view.node(key).and_then(|node| Some((node, node.text()?)))
            && path.starts_with(['~', '$'])
        {
            let message = format!("nobody expands the beginning of '{}'", path.escape_debug());
            findings.add(&SHELL, view.origin(node), message);
        }
    }
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

fn is_shell(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("sh" | "bash" | "zsh" | "dash" | "ksh" | "fish" | "csh" | "tcsh" | "osascript")
    )
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
