//! Paths that launchd opens or watches. It expands nothing in them, and they have to be absolute.

use svcadapt_spec::Origin;

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::rules::key::{RELATIVE_PATH, SHELL};
use crate::plist::Node;

/// Keys whose value is a path.
const PATHS: [&str; 5] =
    ["WorkingDirectory", "StandardOutPath", "StandardErrorPath", "StandardInPath", "RootDirectory"];

/// Keys whose values are lists of paths.
const LISTS: [&str; 2] = ["WatchPaths", "QueueDirectories"];

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    for (key, node) in PATHS.iter().filter_map(|key| Some((*key, view.node(key)?))) {
        if let Some(path) = node.text() {
            one(key, path, view.origin(node), findings);
            if key.starts_with("Standard") && path.len() > 1 && path.ends_with('/') {
                let message = format!("{key}: '{}' is a directory, not a file", path.escape_debug());
                findings.add(&RELATIVE_PATH, view.origin(node), message);
            }
        }
    }
    for (key, list) in LISTS.iter().filter_map(|key| Some((*key, view.node(key)?))) {
        for node in list.items() {
            if findings.is_full() {
                return;
            }
            node.text().into_iter().for_each(|path| one(key, path, view.origin(node), findings));
        }
    }
    let states = view.node("KeepAlive").and_then(|node| node.entry("PathState"));
    for entry in states.map_or(&[][..], Node::entries) {
        one("PathState", &entry.key, view.origin(&entry.node), findings);
    }
    for entry in view.node("Sockets").map_or(&[][..], Node::entries) {
        for node in entry.node.items().iter().filter_map(|socket| socket.entry("SockPathName")) {
            node.text().into_iter().for_each(|path| one("SockPathName", path, view.origin(node), findings));
        }
    }
}

fn one(key: &str, path: &str, origin: Origin, findings: &mut Findings) {
    let shown = path.escape_debug();
    if path.starts_with(['~', '$']) {
        findings.add(&SHELL, origin, format!("launchd does not expand '{shown}'"));
    } else if !path.is_empty() && !path.starts_with('/') {
        findings.add(&RELATIVE_PATH, origin, format!("{key}: '{shown}' is not an absolute path"));
    }
}
