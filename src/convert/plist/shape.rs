//! Checks the type of a value against its key.

use svcadapt_spec::ValueError;

use super::keys::Shape;
use super::tree::{Node, Value};

/// A key or a value that launchd does not expect, with its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeMismatch {
    pub(super) kind: MismatchKind,
    pub(super) offset: Option<usize>,
    pub(super) error: ValueError,
}

/// How a key or a value differs from what launchd expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MismatchKind {
    /// launchd does not know the key.
    UnknownKey,
    /// The key needs a value of another type.
    WrongType,
    /// launchd ignores the key: it is obsolete.
    Obsolete,
}

/// All mismatches in a value. `name` is its key with the keys above it: `KeepAlive.PathState`.
pub(super) fn mismatches(name: &str, node: &Node, shapes: &[Shape]) -> Vec<NodeMismatch> {
    let mut found = Vec::new();
    check(name, node, shapes, &mut found);
    found
}

/// The mismatch for an unknown key, with a hint if a known key is similar.
pub(super) fn unknown<'a>(name: &str, node: &Node, mut known: impl Iterator<Item = &'a str>) -> NodeMismatch {
    let key = name.rsplit_once('.').map_or(name, |(_, key)| key);
    let plain = |key: &str| key.trim_end_matches('s').to_ascii_lowercase();
    let hint = match known.find(|known| plain(known) == plain(key)) {
        Some(meant) => format!("launchd ignores it; did you mean '{meant}'?"),
        None => "launchd silently ignores it".to_owned(),
    };
    let cause = format!("unknown key '{}'", name.escape_debug());
    NodeMismatch {
        kind: MismatchKind::UnknownKey,
        offset: node.offset,
        error: ValueError::hinted(cause, hint),
    }
}

fn check(name: &str, node: &Node, shapes: &[Shape], found: &mut Vec<NodeMismatch>) {
    let Some(shape) = shapes.iter().find(|shape| accepts(shape, &node.value)) else {
        let cause =
            format!("{} must be {}, not {}", name.escape_debug(), accepted_types(shapes), node.value.kind());
        let error = ValueError::hinted(cause, "launchd silently ignores it");
        found.push(NodeMismatch { kind: MismatchKind::WrongType, offset: node.offset, error });
        return;
    };
    match (shape, &node.value) {
        (Shape::Array(inner), Value::Array(nodes)) => {
            for (number, node) in nodes.iter().enumerate() {
                check(&format!("{name}[{number}]"), node, inner, found);
            }
        }
        (Shape::Dict(inner), Value::Dictionary(entries)) => {
            for entry in entries {
                check(&format!("{name}.{}", entry.key), &entry.node, inner, found);
            }
        }
        (Shape::Keys(known), Value::Dictionary(entries)) => {
            for entry in entries {
                let name = format!("{name}.{}", entry.key);
                match known.iter().find(|(key, _)| *key == entry.key) {
                    Some((_, shapes)) => check(&name, &entry.node, shapes, found),
                    None => found.push(unknown(&name, &entry.node, known.iter().map(|(key, _)| *key))),
                }
            }
        }
        _ => (),
    }
}

fn accepts(shape: &Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Any, _)
            | (Shape::String, Value::String(_))
            | (Shape::Integer, Value::Integer(_))
            | (Shape::Boolean, Value::Boolean(_))
            | (Shape::Array(_), Value::Array(_))
            | (Shape::Dict(_) | Shape::Keys(_), Value::Dictionary(_))
    )
}

/// The accepted types, for messages.
fn accepted_types(shapes: &[Shape]) -> String {
    let kinds: Vec<_> = shapes
        .iter()
        .map(|shape| match shape {
            Shape::String => "a string",
            Shape::Integer => "an integer",
            Shape::Boolean => "a boolean",
            Shape::Any => "anything",
            Shape::Array(_) => "an array",
            Shape::Dict(_) | Shape::Keys(_) => "a dictionary",
        })
        .collect();
    kinds.join(" or ")
}
