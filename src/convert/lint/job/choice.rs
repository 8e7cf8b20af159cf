//! Words of which launchd knows a few, and sessions that a job is not in.

use svcadapt_spec::Scope;

use super::View;
use crate::lint::Findings;
use crate::lint::rules::key::{CHOICE, SESSION};
use crate::plist::Node;

/// Sessions that a job can be for (launchd.plist(5)).
const SESSIONS: [&str; 5] = ["Aqua", "Background", "LoginWindow", "StandardIO", "System"];

const SOCKET: [(&str, &[&str]); 3] = [
    ("SockType", &["stream", "dgram", "seqpacket"]),
    ("SockFamily", &["IPv4", "IPv6", "IPv4v6", "Unix"]),
    ("SockProtocol", &["TCP", "UDP"]),
];

pub(super) fn find(view: &View, findings: &mut Findings) {
    let mut known = |key: &str, node: &Node, words: &[&str]| {
        let Some(text) = node.text() else { return };
        if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            let message = format!("{key} does not take '{}'", text.escape_debug());
            findings.cured(&CHOICE, view.origin(node), message, words.join(", "));
        }
    };
    if let Some(node) = view.node("ProcessType") {
        known("ProcessType", node, &["Background", "Standard", "Adaptive", "Interactive"]);
    }
    let sessions = view.node("LimitLoadToSessionType").map_or(&[][..], Node::items);
    for node in sessions {
        known("LimitLoadToSessionType", node, &SESSIONS);
    }
    for entry in view.node("Sockets").map_or(&[][..], Node::entries) {
        for socket in entry.node.items() {
            for (key, words) in SOCKET {
                socket.entry(key).into_iter().for_each(|node| known(key, node, words));
            }
        }
    }
    let own = |node: &Node| {
        node.text().is_none_or(|text| {
            (text == "System") == (view.scope == Scope::System) || !SESSIONS.contains(&text)
        })
    };
    if let Some(node) = sessions.first().filter(|_| !sessions.iter().any(own)) {
        let (kind, session) = match view.scope {
            Scope::System => ("a daemon", "System"),
            Scope::User => ("an agent", "Aqua or Background"),
        };
        let message = format!("{kind} is in the session {session}");
        findings.add(&SESSION, view.origin(node), message);
    }
}
