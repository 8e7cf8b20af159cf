//! The program: its options, and its parts.
//!
//! `file` and `xml` check the files, `keys` and `job` read them; `service` is a loaded job and its lifecycle (`keep_alive`:
//! restarts), `child` the steps between fork and exec (`account`: the identity), `sockets` the listening sockets; `server` is
//! the main loop, `control` the orders, `domain` where jobs are loaded, `log` the events.

mod account;
mod child;
mod control;
mod domain;
mod file;
mod job;
mod keep_alive;
mod keys;
mod log;
mod server;
mod service;
mod sockets;
mod xml;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use log::Log;
use server::Server;

pub(crate) fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    if env::args_os().nth(1).is_some_and(|word| word == "--launchctl") {
        let order: Vec<String> = words.skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        return control::launchctl(&order.join(" "));
    }
    let outcome = if env::args_os().nth(1).is_some_and(|word| word == "--ask") {
        control::ask(&words.nth(1).unwrap_or_default().to_string_lossy())
    } else {
        serve(words)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "launchd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(words: impl Iterator<Item = OsString>) -> Result<(), String> {
    let options = Options::parse(words)?;
    let log = Log::open(&options.log).map_err(|error| format!("{}: {error}", options.log.display()))?;
    Server::start(&options.control, log, options.second)
        .and_then(Server::run)
        .map_err(|error| error.to_string())
}

struct Options {
    log: PathBuf,
    control: PathBuf,
    second: Duration,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut log, mut control) = (None, PathBuf::from(control::SOCKET));
        let mut second = Duration::from_secs(1);
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{} needs a value", option.display()))?;
            match option.to_str() {
                Some("--log") => log = Some(value.into()),
                Some("--control") => control = value.into(),
                Some("--second") => {
                    let milliseconds = value.to_str().and_then(|text| text.parse().ok());
                    second = Duration::from_millis(
                        milliseconds.ok_or_else(|| format!("{} is no number", value.display()))?,
                    );
                }
                _ => return Err(format!("there is no option {}", option.display())),
            }
        }
        Ok(Self { log: log.ok_or("--log is missing")?, control, second })
    }
}
