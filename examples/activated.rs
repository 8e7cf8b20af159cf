//! A server with socket activation by systemd (`FileDescriptorName=web` in the `.socket`), launchd (`web` in `Sockets`) or
//! systemd-socket-activate(1). Started by hand it binds its socket itself, on the loopback address: `activated PORT`.
//!
//! It sends its mode and its manager to each client, and supports reload, so `Type=notify-reload` works too.

#![forbid(unsafe_code)]

use std::io::Write;
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;

use svcadapt::Daemon;
use svcadapt::daemon::{Service, Signal};

fn main() -> ExitCode {
    Daemon::new().signals([Signal::TERM, Signal::HUP]).run(serve)
}

fn serve(service: &mut Service) -> Result<(), Box<dyn std::error::Error>> {
    let mut passed: Vec<_> = service.listeners_named("web");
    if passed.is_empty() {
        // A single socket is used whatever its name.
        passed = service.listeners();
    }
    let listener = match passed.into_iter().next() {
        Some(socket) => TcpListener::from(socket.into_fd()),
        None => {
            TcpListener::bind(format!("127.0.0.1:{}", std::env::args().nth(1).as_deref().unwrap_or("7081")))?
        }
    };
    // The socket may be in non-blocking mode.
    listener.set_nonblocking(false)?;
    let (mode, manager) = (service.mode().name(), service.manager().name());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // Ignore clients that close the connection early.
            let _ = writeln!(&connection, "{mode}, {manager}");
        }
    });
    service.ready()?;
    for signal in service.signals() {
        if signal == Signal::TERM {
            break;
        }
        // There is no configuration to read, but with Type=notify-reload systemd waits for the notification.
        service.reloading()?;
        service.ready()?;
    }
    Ok(service.stopping()?)
}
