//! A tour of the main commands: starts a real service, waits until it is ready, prints its status, its unit and its
//! property list, and stops it. The service is this program itself, as an echo server on the loopback address.

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

/// Echoes the data of one connection after the other.
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

/// Prints and runs the commands. The service is stopped even if a command fails.
fn tour(own: &Path) -> io::Result<ExitCode> {
    // The port was free a moment ago; if another process has taken it, the tour fails and can be repeated.
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

/// Runs svcadapt, which Cargo builds into the directory above that of the examples.
fn svcadapt(own: &Path, words: &[&str]) -> io::Result<bool> {
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    // Ignore a closed stdout: the service must be stopped in any case.
    let _ = writeln!(io::stdout(), "\n$ svcadapt {}", words.join(" "));
    let status = Command::new(folder.join("svcadapt")).args(words).status()?;
    Ok(status.success())
}
