//! What has to hold for any bytes at all. Each target is one function: libFuzzer drives it (`fuzz/`), and so does the
//! test suite, with chance of its own (`tests/tools/fuzz.rs`, `tests/it/format/fuzz_targets.rs`).
//!
//! The functions and their seeds lie here and not in `fuzz/`, because that is a package of its own and Cargo packs
//! none of it with this one.

#![allow(clippy::unwrap_used, reason = "a target fails where it cannot go on")]

mod environment_file;
mod json;
mod plist;
mod round_trip;
mod spec;
mod unit;

/// Bytes that something is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// What it is called, as are its seeds and its dictionary.
    pub(crate) name: &'static str,
    /// Panics if a promise is broken; else what came of the bytes, in a word: equal words, equal ways through the
    /// code, more or less.
    pub(crate) body: fn(&[u8]) -> String,
}

/// All of them.
pub(crate) const TARGETS: [Target; 7] = [
    Target { name: "unit", body: unit::any },
    Target { name: "plist", body: plist::any },
    Target { name: "json", body: json::any },
    Target { name: "environment_file", body: environment_file::any },
    Target { name: "unit_round_trip", body: |bytes| of_spec(bytes, round_trip::unit) },
    Target { name: "plist_round_trip", body: |bytes| of_spec(bytes, round_trip::plist) },
    Target { name: "json_round_trip", body: |bytes| of_spec(bytes, round_trip::json) },
];

/// Gives the bytes to the target of this name.
pub(crate) fn run(name: &str, bytes: &[u8]) -> String {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target '{name}'")).body)(bytes)
}

fn of_spec(bytes: &[u8], promise: fn(&svcadapt_spec::ServiceSpec) -> String) -> String {
    spec::made_of(bytes).map_or_else(|word| word, |spec| promise(&spec))
}

/// A message without what is particular to one input: numbers, and what stands in quotes.
fn gist(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let (before, after) = match (line.find('\''), line.rfind('\'')) {
        (Some(first), Some(last)) => (&line[..first], &line[last..]),
        _ => (line, ""),
    };
    let plain = |c: &char| c.is_ascii_alphabetic() || *c == ' ';
    before.chars().chain(after.chars()).filter(plain).take(80).collect()
}

/// The gists of several messages, of each once.
fn gists(messages: impl IntoIterator<Item = impl ToString>) -> String {
    let all: std::collections::BTreeSet<String> =
        messages.into_iter().take(4).map(|message| gist(&message.to_string())).collect();
    all.into_iter().collect::<Vec<_>>().join("|")
}
