//! Asks a macOS kernel what svcadapt takes for granted of it, and writes what it says beside what was expected.
//!
//! ```text
//! probe             all that this user can ask, each in a process of its own
//! probe --list      their names
//! probe NAME        one of them, in this process
//! probe groups-of USER NUMBER    as root: initgroups(3) after setgid(2), in a forked child
//! ```
//!
//! Each line is `name: expected / got`, with `DIFFERS` before it where the two are not the same. What is POSIX's runs on
//! Linux too, so that this program itself is tried there.

#![allow(unsafe_code, reason = "the kernel is asked directly: svcadapt's own doors are what is in question")]
#![allow(clippy::print_stdout, reason = "that is what it is for")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "they are small constants, whose types differ from system to system"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "what a kernel does as time passes, and the environment, are asked about"
)]

#[cfg(target_os = "macos")]
mod darwin;
mod everywhere;

use std::process::{Command, ExitCode};

/// One question: its name, what is expected, and how it is asked. Only root can ask some.
pub(crate) struct Probe {
    name: &'static str,
    root: bool,
    expected: &'static str,
    ask: fn() -> Answer,
}

pub(crate) type Answer = Result<String, Box<dyn std::error::Error>>;

fn probes() -> Vec<Probe> {
    #[cfg(target_os = "macos")]
    return everywhere::probes().into_iter().chain(darwin::probes()).collect();
    #[cfg(not(target_os = "macos"))]
    everywhere::probes()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            for probe in probes() {
                if probe.root && !is_root() {
                    println!("{}: only root can ask", probe.name);
                } else {
                    alone(probe.name);
                }
            }
            ExitCode::SUCCESS
        }
        ["--list"] => {
            for probe in probes() {
                println!("{}", probe.name);
            }
            ExitCode::SUCCESS
        }
        ["groups-of", user, gid] => match gid.parse() {
            Ok(gid) => tell(
                "groups-of",
                "(the group first, and 0 only if id(1) says so)",
                everywhere::groups_of(user, gid),
            ),
            Err(_) => ExitCode::from(2),
        },
        ["held-lock", path] => everywhere::held_lock(path),
        [name] => match probes().into_iter().find(|probe| probe.name == name) {
            Some(probe) => tell(name, probe.expected, (probe.ask)()),
            None => ExitCode::from(2),
        },
        _ => ExitCode::from(2),
    }
}

/// In a process of its own: what one changes must not be there for the next.
fn alone(name: &str) {
    let program = std::env::current_exe().unwrap_or_else(|_| "probe".into());
    match Command::new(program).arg(name).output() {
        Ok(output) if output.status.success() => print!("{}", String::from_utf8_lossy(&output.stdout)),
        Ok(output) => {
            println!("{name}: ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Err(error) => println!("{name}: {error}"),
    }
}

fn tell(name: &str, expected: &str, answer: Answer) -> ExitCode {
    let got = answer.unwrap_or_else(|error| format!("error: {error}"));
    // What stands in brackets depends on the machine.
    let same = expected.starts_with('(') || expected == got;
    println!("{}{name}: {expected} / {got}", if same { "" } else { "DIFFERS " });
    ExitCode::SUCCESS
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
