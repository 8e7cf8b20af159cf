//! The integration tests: one crate, one file a promise. The harness stands in front, and proves itself.

// What is promised here is promised of processes as /proc shows them. For macOS the crate is empty.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod argv0;
mod audit;
mod check;
mod cost;
mod daemon;
mod detect;
mod format;
mod gen_plist;
mod gen_unit;
mod harden;
mod harness;
mod hostile_input;
mod house;
mod launchd;
mod losses;
mod macos;
mod manual;
mod read_plist;
mod read_unit;
mod readme;
mod rewrite;
mod run;
mod samples;
mod sockets;
mod stop_and_status;
mod supervised;
mod support;
