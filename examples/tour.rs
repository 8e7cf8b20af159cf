//! The main job in one go: a real service is started, ready, looked at, written down for systemd and launchd, and
//! stopped. The service is this program itself, as an echo server on the loopback address.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, io};

fn main() -> io::Result<ExitCode> {
    let own = env::current_exe()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [serve, port] if serve == "serve" => echo(port),
        [] => tour(&own),
        _ => {
            writeln!(io::stderr(), "usage: tour [serve PORT]")?;
            Ok(ExitCode::from(2))
        }
    }
}

/// Answers one connection after the other with what it says.
fn echo(port: &str) -> io::Result<ExitCode> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for connection in listener.incoming() {
        let mut connection = connection?;
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = connection.read(&mut buffer) {
            if connection.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the commands that a person would, and shows them. Whatever happens between, the service is stopped.
fn tour(own: &Path) -> io::Result<ExitCode> {
    // Free a moment ago; if somebody was quicker, the tour says so and can be taken again.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let (ready, own_path) = (format!("tcp:127.0.0.1:{port}"), own.to_string_lossy());
    let service = ["--umask", "027", "--ready", &ready, "--", &own_path, "serve", &port];
    let shown: [&[&str]; 4] = [
        &["run", "--name", "tour"],
        &["status", "tour"],
        &["gen-unit", "--name", "tour"],
        &["gen-plist", "--label", "org.example.tour"],
    ];
    let mut done = true;
    for command in shown {
        let description: &[&str] = if command[0] == "status" { &[] } else { &service };
        done = done && svcadapt(own, &[command, description].concat())?;
    }
    let stopped = svcadapt(own, &["stop", "tour"])?;
    Ok(if done && stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the command, which Cargo puts into the folder above that of its examples.
fn svcadapt(own: &Path, words: &[&str]) -> io::Result<bool> {
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    // A reader that has gone away is no reason to leave the service running.
    let _ = writeln!(io::stdout(), "\n$ svcadapt {}", words.join(" "));
    let status = Command::new(folder.join("svcadapt")).args(words).status()?;
    Ok(status.success())
}
