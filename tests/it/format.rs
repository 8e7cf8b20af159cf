//! The readers and writers of units, property lists and JSON.

mod directive_tables;
mod fuzz_targets;
mod json;
mod round_trip;
