//! The integration tests: one crate, one file a promise. The harness stands in front, and proves itself.

// What is promised here is promised of processes as /proc shows them. For macOS the crate is empty.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod again;
mod argv0;
mod audit;
mod beside;
mod check;
mod control;
mod cost;
mod daemon;
mod detect;
mod directive;
mod exact;
mod fuzzed;
mod gen_plist;
mod gen_unit;
mod harden;
mod harness;
mod hostile_input;
mod house;
mod judge;
mod late;
mod launchd;
mod losses;
mod macos;
mod manual;
mod model;
mod own_directory;
mod read_plist;
mod read_unit;
mod readme;
mod rewrite;
mod run;
mod said;
mod samples;
mod sockets;
mod spec_file;
mod starter;
mod supervised;
mod verify;
