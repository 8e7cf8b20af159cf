//! The replacement of a self-forking daemon with its own init script: `legacy start|stop|restart|status`, on a privileged
//! port, with a pid file, as an ordinary user.
//!
//! It keeps root's rights until its port is open, then drops them for good; `start` returns after that. Under `Type=notify`
//! the same program needs neither pid file nor script: `ExecStart=/usr/sbin/legacy start`.

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
    // The second argument is the port. The default, 13 (daytime), needs root, as all ports below 1024.
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
