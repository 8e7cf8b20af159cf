//! Whether a value is what its key takes.

use svcadapt_spec::ValueError;

use super::keys::Shape;
use super::tree::{Node, Value};

/// A value that is not what launchd expects there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) oddity: Oddity,
    pub(super) offset: Option<usize>,
    pub(super) refusal: ValueError,
}

/// How a key or a value is not what launchd expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// It knows no such key.
    Unknown,
    /// The key takes another type.
    Kind,
    /// It does nothing with the key any more.
    Dead,
}

/// Everything in a value that does not fit. `name` is its key, with those above it: `KeepAlive.PathState`.
pub(super) fn misfits(name: &str, node: &Node, shapes: &[Shape]) -> Vec<Misfit> {
    let mut found = Vec::new();
    look(name, node, shapes, &mut found);
    found
}

/// That a key is none, and which was meant.
pub(super) fn unknown<'a>(name: &str, node: &Node, mut known: impl Iterator<Item = &'a str>) -> Misfit {
    let key = name.rsplit_once('.').map_or(name, |(_, key)| key);
    let plain = |key: &str| key.trim_end_matches('s').to_ascii_lowercase();
    let hint = match known.find(|known| plain(known) == plain(key)) {
        Some(meant) => format!("launchd passes over it; '{meant}' is what it knows"),
        None => "launchd passes over it in silence".to_owned(),
    };
    let cause = format!("'{}' is no key of launchd's", name.escape_debug());
    Misfit { oddity: Oddity::Unknown, offset: node.offset, refusal: ValueError::hinted(cause, hint) }
}

fn look(name: &str, node: &Node, shapes: &[Shape], found: &mut Vec<Misfit>) {
    let Some(shape) = shapes.iter().find(|shape| same_kind(shape, &node.value)) else {
        let cause = format!("{} takes {}, not {}", name.escape_debug(), wanted(shapes), node.value.kind());
        let refusal = ValueError::hinted(cause, "launchd passes over it in silence");
        found.push(Misfit { oddity: Oddity::Kind, offset: node.offset, refusal });
        return;
    };
    match (shape, &node.value) {
        (Shape::Array(inner), Value::Array(nodes)) => {
            for (number, node) in nodes.iter().enumerate() {
                look(&format!("{name}[{number}]"), node, inner, found);
            }
        }
        (Shape::Dict(inner), Value::Dictionary(entries)) => {
            for entry in entries {
                look(&format!("{name}.{}", entry.key), &entry.node, inner, found);
            }
        }
        (Shape::Keys(known), Value::Dictionary(entries)) => {
            for entry in entries {
                let name = format!("{name}.{}", entry.key);
                match known.iter().find(|(key, _)| *key == entry.key) {
                    Some((_, shapes)) => look(&name, &entry.node, shapes, found),
                    None => found.push(unknown(&name, &entry.node, known.iter().map(|(key, _)| *key))),
                }
            }
        }
        _ => (),
    }
}

fn same_kind(shape: &Shape, value: &Value) -> bool {
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

/// What is taken, for people.
fn wanted(shapes: &[Shape]) -> String {
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
