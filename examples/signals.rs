//! A program that is controlled by signals: `signals FILE` appends a line to FILE for each signal.
//!
//! SIGHUP reloads the configuration, SIGUSR1 counts, SIGUSR2 is ignored, SIGTERM stops the program.

#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use svcadapt::Daemon;
use svcadapt::daemon::{Disposition, Service, Signal};

fn main() -> ExitCode {
    Daemon::new()
        .signal_map([
            (Signal::HUP, Disposition::Deliver),
            (Signal::USR1, Disposition::Deliver),
            (Signal::USR2, Disposition::Ignore),
            (Signal::TERM, Disposition::Deliver),
        ])
        .run(live)
}

fn live(service: &mut Service) -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: signals FILE")?;
    let mut log = OpenOptions::new().append(true).create(true).open(path)?;
    service.ready()?;
    let mut count = 0;
    loop {
        // A manager with a watchdog needs regular keep-alive notifications; without one wait for a signal only.
        let pause = service.watchdog().map_or(Duration::from_secs(3600), |watchdog| watchdog.interval());
        match service.signals().wait(Some(pause))? {
            None => {}
            Some(Signal::TERM) => break,
            Some(Signal::HUP) => {
                service.reloading()?;
                writeln!(log, "read again")?;
                service.ready()?;
            }
            Some(signal) => {
                count += 1;
                writeln!(log, "{signal} {count}")?;
            }
        }
        if let Some(watchdog) = service.watchdog() {
            watchdog.ping()?;
        }
    }
    writeln!(log, "end")?;
    Ok(service.stopping()?)
}
