//! An echo server that is a service wherever it is started: `echo PORT`.
//!
//! From a shell it becomes a daemon, and the shell goes on when the port is open; `svcadapt stop example-echo-PORT`
//! ends it. As `ExecStart=` of a `Type=notify` unit, under s6 or in a container it stays, and tells the same there.

#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::{io, thread};

use svcadapt::Daemon;
use svcadapt::daemon::{Service, Signal};

fn main() -> ExitCode {
    let port = std::env::args().nth(1).unwrap_or_else(|| "7007".to_owned());
    // One for each port.
    Daemon::new()
        .name(format!("example-echo-{port}"))
        .umask(0o027)
        .signals([Signal::TERM, Signal::INT])
        .run(|service| serve(service, &port))
}

fn serve(service: &Service, port: &str) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    // Threads only after `enter`: this is.
    thread::spawn(move || listener.incoming().for_each(answer));
    service.status(format!("echoes on port {port}"))?;
    service.ready()?;
    // Both signals mean the end.
    service.signals().iter().next();
    Ok(service.stopping()?)
}

fn answer(connection: io::Result<TcpStream>) {
    thread::spawn(move || -> io::Result<()> {
        let mut connection = connection?;
        let mut buffer = [0; 1024];
        loop {
            match connection.read(&mut buffer)? {
                0 => return Ok(()),
                length => connection.write_all(&buffer[..length])?,
            }
        }
    });
}
