//! The integration tests: one crate, with one module for each subcommand or promise. `harness` runs the programs and
//! has tests of its own; `support` reads and writes files.

// The tests read processes in /proc, so on macOS the crate is empty.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod argv0;
mod audit;
mod check;
mod completions;
mod contract;
mod control_group;
mod cost;
mod daemon;
mod detect;
mod english;
mod explain;
mod first_commands;
mod format;
mod gen_plist;
mod gen_scripts;
mod gen_unit;
mod golden;
mod harden;
mod harness;
mod hostile_input;
mod house;
mod init_script;
mod launchd;
mod life;
mod list;
mod logs;
mod losses;
mod macos;
mod manual;
mod probe;
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
mod test_names;
mod unwritable_output;
mod wait_and_notify;
