//! A tour: a real service from its start to its stop, a start that fails, and the same service for three managers. The service
//! is this program itself, an echo server on the loopback address.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, io};

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [serve, port] if serve == "serve" => echo(port),
        [] => Tour::begin()?.tell(),
        _ => {
            writeln!(io::stderr(), "usage: tour [serve PORT]")?;
            Ok(ExitCode::from(2))
        }
    }
}

/// Echoes lines, one connection after the other.
fn echo(port: &str) -> io::Result<ExitCode> {
    let listener = match TcpListener::bind(format!("127.0.0.1:{port}")) {
        Ok(listener) => listener,
        Err(error) => {
            writeln!(io::stderr(), "I cannot listen on port {port}: {}", error.kind())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    for connection in listener.incoming() {
        let mut connection = connection?;
        let mut line = String::new();
        while BufReader::new(connection.try_clone()?).read_line(&mut line).is_ok_and(|length| length > 0) {
            if connection.write_all(line.as_bytes()).is_err() {
                break;
            }
            line.clear();
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Tour {
    svcadapt: PathBuf,
    /// This program, as the service.
    program: String,
    port: String,
    probe: String,
}

/// How a command of the tour ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Success,
    Failure,
}

impl Tour {
    fn begin() -> io::Result<Self> {
        let own = env::current_exe()?;
        // Cargo builds svcadapt into the directory above that of the examples.
        let svcadapt = own.parent().and_then(Path::parent).unwrap_or(Path::new("/")).join("svcadapt");
        // The port was free a moment ago; if another process has taken it, the tour fails and can be repeated.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let here = env::current_dir()?;
        let program = own.strip_prefix(&here).map_or(own.clone(), |path| Path::new(".").join(path));
        Ok(Self {
            svcadapt,
            program: program.to_string_lossy().into_owned(),
            probe: format!("tcp:127.0.0.1:{port}"),
            port,
        })
    }

    /// The service is stopped even if a step fails.
    fn tell(&self) -> io::Result<ExitCode> {
        let told = self.story();
        title("6. The stop returns when all its processes have ended.");
        let stopped = self.runs(&["stop", "tour"], End::Success)?;
        say("\nNext: docs/first-steps.md, or svcadapt --help");
        Ok(if told? && stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn story(&self) -> io::Result<bool> {
        let service = ["--ready", &self.probe, "--", &self.program, "serve", &self.port];
        let with = |words: &[&'static str]| -> Vec<&str> { words.iter().copied().chain(service).collect() };

        title("1. A daemon: the command returns when one of its processes listens on the port.");
        if !self.runs(&with(&["run", "--name", "tour"]), End::Success)? {
            return Ok(false);
        }
        say(&format!(
            "(It is asked on port {}: \"hello\". It answers: \"{}\".)",
            self.port,
            self.ask("hello")?
        ));

        title("2. svcadapt finds it by a lock, not by a number in a file.");
        let mut done = self.runs(&["status", "tour"], End::Success)?;

        title("3. A second start with its name is refused.");
        done &= self.runs(&with(&["run", "--name", "tour"]), End::Failure)?;

        title("4. A start that fails says so, with the words of the program. Here the port is taken.");
        done &= self.runs(&with(&["run", "--name", "tour-2"]), End::Failure)?;

        title("5. The same service for systemd, launchd and s6.");
        done &= self.runs(&with(&["gen-unit", "--name", "tour"]), End::Success)?;
        done &= self.runs(&with(&["gen-plist", "--label", "org.example.tour"]), End::Success)?;
        done &= self.runs(&with(&["gen-s6", "--name", "tour"]), End::Success)?;
        Ok(done)
    }

    /// Prints and runs a command. Whether it ends as it should.
    fn runs(&self, words: &[&str], end: End) -> io::Result<bool> {
        say(&format!("$ svcadapt {}", words.join(" ")));
        let status = Command::new(&self.svcadapt).args(words).status()?;
        if let (End::Failure, Some(code)) = (end, status.code()) {
            say(&format!("(exit status {code})"));
        }
        Ok(status.success() == (end == End::Success))
    }

    fn ask(&self, line: &str) -> io::Result<String> {
        let mut connection = TcpStream::connect(format!("127.0.0.1:{}", self.port))?;
        writeln!(connection, "{line}")?;
        let mut answer = String::new();
        BufReader::new(connection).read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }
}

fn title(text: &str) {
    say(&format!("\n{text}\n"));
}

fn say(text: &str) {
    // A closed stdout is ignored: the service must be stopped in any case.
    let _ = writeln!(io::stdout(), "{text}");
}
