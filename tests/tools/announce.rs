//! A program that speaks sd_notify(3) from its main process, in the order of its arguments.
//!
//! ```text
//! announce LOG WORD...
//! ```
//!
//! Each start appends `start PID` to LOG; what the words append follows. A word that begins with `first:` counts at the
//! first start only, one with `later:` at all others.
//!
//! * `say=LINE,LINE` sends these lines; `@NOW` is the monotonic clock in microseconds
//! * `wait=FIFO` waits for a line there
//! * `signal` waits for SIGHUP, SIGUSR1 or SIGABRT, and appends its number
//! * `beat=MS` sends `WATCHDOG=1` ten times a second for this time, and appends `alive`
//! * `log=NAME` appends the environment variable
//! * `exit=N`, `stay`
//!
//! It ends after two minutes, so that a failed test leaves no process.

#![allow(clippy::disallowed_methods, reason = "it is no part of the command")]

use std::error::Error;
use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::time::{ClockId, clock_gettime};

static SEEN: AtomicI32 = AtomicI32::new(0);

extern "C" fn seen(signal: c_int) {
    SEEN.store(signal, Ordering::Relaxed);
}

fn main() -> Result<(), Box<dyn Error>> {
    nix::unistd::alarm::set(120);
    let mut words = env::args().skip(1);
    let path = words.next().ok_or("no log")?;
    for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGABRT] {
        let action = SigAction::new(SigHandler::Handler(seen), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler only stores into an atomic variable (signal-safety(7)).
        #[allow(unsafe_code, reason = "std has no door to signals")]
        unsafe { sigaction(signal, &action) }?;
    }
    let first = fs::read_to_string(&path).map_or(true, |text| !text.contains("start"));
    let (mine, other) = if first { ("first:", "later:") } else { ("later:", "first:") };
    let mut log = OpenOptions::new().append(true).create(true).open(&path)?;
    log.write_all(format!("start {}\n", process::id()).as_bytes())?;
    for word in words.filter(|word| !word.starts_with(other)) {
        let word = word.strip_prefix(mine).unwrap_or(&word);
        let (verb, value) = word.split_once('=').unwrap_or((word, ""));
        match verb {
            "say" => say(value)?,
            "wait" => drop(BufReader::new(File::open(value)?).lines().next()),
            "signal" => {
                let number = until(|| Some(SEEN.swap(0, Ordering::Relaxed)).filter(|number| *number != 0));
                log.write_all(format!("signal {number}\n").as_bytes())?;
            }
            "beat" => {
                let end = Instant::now() + Duration::from_millis(value.parse()?);
                while Instant::now() < end {
                    say("WATCHDOG=1")?;
                    thread::sleep(Duration::from_millis(100));
                }
                log.write_all(b"alive\n")?;
            }
            "log" => {
                let text = env::var(value).unwrap_or_default();
                log.write_all(format!("{value}={text}\n").as_bytes())?;
            }
            "exit" => process::exit(value.parse()?),
            "stay" => loop {
                nix::unistd::pause();
            },
            _ => return Err(format!("cannot understand {word}").into()),
        }
    }
    Ok(())
}

fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        // A signal does not shorten it.
        thread::sleep(Duration::from_millis(20));
    }
}

fn say(lines: &str) -> Result<(), Box<dyn Error>> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?).as_micros();
    let text = lines.replace(',', "\n").replace("@NOW", &now.to_string());
    UnixDatagram::unbound()?.send_to(text.as_bytes(), env::var("NOTIFY_SOCKET")?)?;
    Ok(())
}
