//! A program that installs itself: `selfmade service install --now`. Each time that it starts it writes a line into the file
//! that it is given.

use std::io::Write;
use std::process::ExitCode;
use std::{env, fs};

use svcadapt::Daemon;
use svcadapt::daemon::{Service, Signal};
use svcadapt_hosts::ProgramService;

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let daemon = Daemon::new().name("selfmade").signals([Signal::TERM]);
    match (words.next(), daemon.spec()) {
        (Some(word), Ok(spec)) if word == "service" => {
            let file = env::var_os("SELFMADE_FILE").unwrap_or_default();
            ProgramService::new(spec).arguments(["serve".into(), file]).run(words)
        }
        _ => daemon.run(|service| serve(service)),
    }
}

fn serve(service: &Service) -> Result<(), Box<dyn std::error::Error>> {
    let file = env::args_os().nth(2).unwrap_or_default();
    writeln!(fs::OpenOptions::new().append(true).create(true).open(file)?, "{}", std::process::id())?;
    service.ready()?;
    service.signals().iter().next();
    Ok(service.stopping()?)
}
