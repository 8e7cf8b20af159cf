//! Keys with a fixed set of words, and sessions that a job cannot be in.

use svcadapt_spec::Scope;

use super::view::JobView;
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

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    let mut check_word = |key: &str, node: &Node, words: &[&str]| {
        let Some(text) = node.text() else { return };
        if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            let message = format!("{key} does not accept '{}'", text.escape_debug());
            findings.add_with_hint(
                &CHOICE,
                view.origin(node),
                message,
                format!("use one of {}", words.join(", ")),
            );
        }
    };
    if let Some(node) = view.node("ProcessType") {
        check_word("ProcessType", node, &["Background", "Standard", "Adaptive", "Interactive"]);
    }
    let sessions = view.node("LimitLoadToSessionType").map_or(&[][..], Node::items);
    for node in sessions {
        check_word("LimitLoadToSessionType", node, &SESSIONS);
    }
    for entry in view.node("Sockets").map_or(&[][..], Node::entries) {
        for socket in entry.node.items() {
            for (key, words) in SOCKET {
                socket.entry(key).into_iter().for_each(|node| check_word(key, node, words));
            }
        }
    }
    let is_possible = |node: &Node| {
        node.text().is_none_or(|text| {
            (text == "System") == (view.scope == Scope::System) || !SESSIONS.contains(&text)
        })
    };
    if let Some(node) = sessions.first().filter(|_| !sessions.iter().any(is_possible)) {
        let (kind, session) = match view.scope {
            Scope::System => ("a daemon", "System"),
            Scope::User => ("an agent", "Aqua or Background"),
        };
        let message = format!("{kind} runs in the session {session}");
        findings.add(&SESSION, view.origin(node), message);
    }
}
