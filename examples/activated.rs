//! A server whose socket somebody else binds: systemd (`FileDescriptorName=web` in the `.socket`), launchd (`web` in
//! `Sockets`) or systemd-socket-activate(1). Started by hand it binds one itself, on the loopback address: `activated PORT`.
//!
//! It says to everybody what it has found out about itself, and takes a reload: so `Type=notify-reload` is fine, too.

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
        // Whatever it is called, if it is the only one.
        passed = service.listeners();
    }
    let listener = match passed.into_iter().next() {
        Some(socket) => TcpListener::from(socket.into_fd()),
        None => {
            TcpListener::bind(format!("127.0.0.1:{}", std::env::args().nth(1).as_deref().unwrap_or("7081")))?
        }
    };
    // systemd hands its sockets over as they are, and some are made not to wait.
    listener.set_nonblocking(false)?;
    let (mode, manager) = (service.mode().name(), service.manager().name());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // Who hangs up before it has read this has not asked for it.
            let _ = writeln!(&connection, "{mode}, {manager}");
        }
    });
    service.ready()?;
    for signal in service.signals() {
        if signal == Signal::TERM {
            break;
        }
        // There is nothing to read again, but systemd waits until it is told so (Type=notify-reload).
        service.reloading()?;
        service.ready()?;
    }
    Ok(service.stopping()?)
}
