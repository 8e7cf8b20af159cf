//! What used to be a self-forking daemon with its own init script: `legacy start|stop|restart|status`, on a port that
//! only root can have, with a pid file, as an ordinary user.
//!
//! The old program forked, wrote its number somewhere and hoped. This one keeps its rights until its port is open, gives
//! them up for good, and returns to whoever typed `start` when that is done. Under `Type=notify` the same program needs
//! no pid file and no script: `ExecStart=/usr/sbin/legacy start`.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;

use svcadapt::Daemon;
use svcadapt::daemon::{Runner, Service, Signal};

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // A second word is the port: 13 (daytime) is root's, as all below 1024.
    let port = if words.len() == 2 { words.pop() } else { None };
    let port = port.and_then(|port| port.into_string().ok()).unwrap_or_else(|| "13".to_owned());
    let daemon = Daemon::new()
        .name("example-legacy")
        .pid_file("/run/example-legacy.pid")
        .user("nobody")
        .keep_privileges()
        .signals([Signal::TERM]);
    Runner::new(daemon).run(words, |service| match serve(&service, &port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => service.fail(error),
    })
}

fn serve(service: &Service, port: &str) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    service.drop_privileges()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let _ = writeln!(&connection, "it is later than you think");
        }
    });
    service.ready()?;
    service.signals().iter().next();
    Ok(service.stopping()?)
}
