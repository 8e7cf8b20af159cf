//! Sockets that clients cannot find or open.

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::rules::key::{PORT, SOCKET_MODE, SOCKET_OCTAL};
use crate::plist::{Node, Value};

/// Decimal integers that were probably meant as octal.
const OCTAL: [i128; 12] = [600, 640, 644, 660, 664, 666, 700, 750, 755, 770, 775, 777];

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    for entry in view.node("Sockets").map_or(&[][..], Node::entries) {
        for socket in entry.node.items().iter().filter(|node| matches!(node.value, Value::Dictionary(_))) {
            one(view, &entry.key, socket, findings);
        }
    }
}

fn one(view: &JobView, name: &str, socket: &Node, findings: &mut Findings) {
    let name = name.escape_debug();
    let path = ["SockPathName", "SecureSocketWithKey"].iter().any(|key| socket.entry(key).is_some());
    if !path && socket.entry("SockServiceName").is_none() {
        findings.add(&PORT, view.origin(socket), format!("socket '{name}' has no SockServiceName"));
    }
    match socket.entry("SockPathMode") {
        None if socket.entry("SockPathName").is_some() => {
            findings.add(&SOCKET_MODE, view.origin(socket), format!("socket '{name}' has no SockPathMode"));
        }
        Some(node) => {
            if let Value::Integer(integer) = &node.value
                && (OCTAL.contains(&integer.number) || integer.padded && integer.number > 7)
            {
                let message = format!("SockPathMode {} is the mode {:04o}", integer.number, integer.number);
                findings.add(&SOCKET_OCTAL, view.origin(node), message);
            }
        }
        None => {}
    }
}
