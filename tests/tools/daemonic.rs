//! A program that forks into the background, as classic daemons do, and then executes another program. The tests run it
//! as the program of a `Type=forking` service.
//!
//! ```text
//! daemonic [--forks N] [--first-exit N] [--first-waits MS] [--middle-waits MS] [--die] [--keep]
//!          [--pid-file PATH] [--pid-after MS] [--pid-text TEXT] PROGRAM ARGUMENT...
//! ```
//!
//! It forks N times (default 1). The first process exits with the status of `--first-exit` (default 0) after
//! `--first-waits`; the intermediate ones exit with 0 after a busy loop of `--middle-waits`. The last process is the leader
//! of a session, or a child of it. With `--die` it is killed there; else it waits for `--pid-after`, writes TEXT (`{}` is
//! its pid, without a newline) to PATH with mode 0600, closes all descriptors above 2 (unless `--keep`), and executes
//! PROGRAM.

use std::ffi::CString;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use nix::poll::{PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::unistd::{ForkResult, execv, fork, setsid};

struct Orders {
    forks: u32,
    first_exit: i32,
    first_waits: Duration,
    middle_waits: Duration,
    die: bool,
    keep: bool,
    pid_file: Option<PathBuf>,
    pid_after: Duration,
    pid_text: String,
    command: Vec<String>,
}

fn main() {
    if let Err(error) = Orders::parse(env::args().skip(1)).map_err(io::Error::other).and_then(Orders::obey) {
        let _ = writeln!(io::stderr(), "daemonic: {error}");
        process::exit(99);
    }
}

impl Orders {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut orders = Self {
            forks: 1,
            first_exit: 0,
            first_waits: Duration::ZERO,
            middle_waits: Duration::ZERO,
            die: false,
            keep: false,
            pid_file: None,
            pid_after: Duration::ZERO,
            pid_text: "{}".to_owned(),
            command: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--die" => orders.die = true,
                "--keep" => orders.keep = true,
                option if option.starts_with("--") => {
                    let value = words.next().ok_or_else(|| format!("{option} needs a value"))?;
                    orders.take(option, value).ok_or_else(|| format!("cannot understand {option}"))?;
                }
                _ => {
                    orders.command.push(word);
                    orders.command.extend(words);
                    return Ok(orders);
                }
            }
        }
        Err("no program".to_owned())
    }

    fn take(&mut self, option: &str, value: String) -> Option<()> {
        let milliseconds = || value.parse().ok().map(Duration::from_millis);
        match option {
            "--forks" => self.forks = value.parse().ok()?,
            "--first-exit" => self.first_exit = value.parse().ok()?,
            "--first-waits" => self.first_waits = milliseconds()?,
            "--middle-waits" => self.middle_waits = milliseconds()?,
            "--pid-file" => self.pid_file = Some(value.into()),
            "--pid-after" => self.pid_after = milliseconds()?,
            "--pid-text" => self.pid_text = value,
            _ => return None,
        }
        Some(())
    }

    fn obey(self) -> io::Result<()> {
        for round in 0..self.forks {
            // SAFETY: this process has one thread, so the child may call any function.
            #[allow(unsafe_code, reason = "to fork itself is what this program is for")]
            let forked = unsafe { fork() }?;
            match forked {
                ForkResult::Parent { .. } if round == 0 => {
                    pause(self.first_waits);
                    process::exit(self.first_exit);
                }
                ForkResult::Parent { .. } => {
                    let begun = Instant::now();
                    while begun.elapsed() < self.middle_waits {
                        std::hint::spin_loop();
                    }
                    process::exit(0);
                }
                ForkResult::Child if round == 0 => drop(setsid()?),
                ForkResult::Child => {}
            }
        }
        if self.die {
            raise(Signal::SIGKILL)?;
        }
        pause(self.pid_after);
        if let Some(path) = &self.pid_file {
            let mut file =
                fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
            file.write_all(self.pid_text.replace("{}", &process::id().to_string()).as_bytes())?;
        }
        if !self.keep {
            for number in 3..1024 {
                let _ = nix::unistd::close(number);
            }
        }
        let words: Vec<_> = self.command.into_iter().map(CString::new).collect::<Result<_, _>>()?;
        execv(&words[0], &words)?;
        Ok(())
    }
}

/// Sleeps.
fn pause(time: Duration) {
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    let _ = poll(&mut [], timeout);
}
