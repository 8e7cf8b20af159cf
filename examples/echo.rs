//! An echo server that is a service on every host: `echo PORT`.
//!
//! From a shell it becomes a daemon, and the shell continues when the port is open; `svcadapt stop example-echo-PORT` stops
//! it. As `ExecStart=` of a `Type=notify` unit, under s6 or in a container it stays in the foreground and notifies its manager.

#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::{io, thread};

use svcadapt::Daemon;
use svcadapt::daemon::{Service, Signal};
use svcadapt::spec::FileMode;

const UMASK: FileMode = FileMode::from_bits(0o027).unwrap();

fn main() -> ExitCode {
    let port = std::env::args().nth(1).unwrap_or_else(|| "7007".to_owned());
    // One service per port.
    Daemon::new()
        .name(format!("example-echo-{port}"))
        .umask(UMASK)
        .signals([Signal::TERM, Signal::INT])
        .run(|service| serve(service, &port))
}

fn serve(service: &Service, port: &str) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    // Threads may be started only after `enter`, as here.
    thread::spawn(move || listener.incoming().for_each(answer));
    service.status(format!("echoes on port {port}"))?;
    service.ready()?;
    // Each of the two signals stops the service.
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
