//! A small HTTP server with tokio: `http PORT`. First the program becomes a service, then it starts the runtime's threads.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use svcadapt::Daemon;
use svcadapt::daemon::{Service, Signal, Signals};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::net::{TcpListener, TcpStream};

// Not `#[tokio::main]`: it would start threads before `enter`, which would then fail.
fn main() -> ExitCode {
    let port = std::env::args().nth(1).unwrap_or_else(|| "7080".to_owned());
    let daemon =
        Daemon::new().name(format!("example-http-{port}")).signals([Signal::TERM, Signal::INT, Signal::HUP]);
    daemon.run(|service| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
        runtime.block_on(serve(service, &port))
    })
}

async fn serve(service: &Service, port: &str) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    service.ready()?;
    let server = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    let mut reloads = 0;
    let signals = service.signals();
    let bell = Receiver::from_owned_fd(signals.as_fd().try_clone_to_owned()?)?;
    while next(signals, &bell).await? == Signal::HUP {
        reloads += 1;
        service.reloading()?;
        service.status(format!("read the configuration {reloads} times"))?;
        service.ready()?;
    }
    service.stopping()?;
    server.abort();
    Ok(())
}

/// The next signal. The descriptor is the reading end of a self-pipe: its bytes only mean that a signal may be pending, so
/// they can be discarded.
async fn next(signals: &Signals, bell: &Receiver) -> io::Result<Signal> {
    loop {
        if let Some(signal) = signals.next_now()? {
            return Ok(signal);
        }
        bell.readable().await?;
        // An error means that the bytes have already been read.
        let _ = bell.try_read(&mut [0; 64]);
    }
}

async fn answer(mut connection: TcpStream) -> io::Result<()> {
    let mut request = [0; 4096];
    let length = connection.read(&mut request).await?;
    let line = String::from_utf8_lossy(&request[..length]);
    let line = line.lines().next().unwrap_or_default();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", line.len());
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(line.as_bytes()).await
}
