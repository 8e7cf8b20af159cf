//! A program of a service that writes what it sees as one line into a file, and then does what its arguments say.
//!
//! ```text
//! trace LOG WORD ACTION...
//! ```
//!
//! The line has the word, the user, whether `$MAINPID` is the main process, and the variables of systemd.exec(5). Signals
//! that arrive later have a line each. `act` has all actions. It ends after a minute, so that a failed test leaves no process.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, exit};
use std::time::Duration;
use std::{env, fs, process, thread};

use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::{Pid, alarm, getuid, pause, setsid};

type Done = Result<(), Box<dyn Error>>;

struct Trace {
    log: String,
    word: String,
}

fn main() -> Done {
    alarm::set(60);
    let mut words = env::args().skip(1);
    let log = words.next().ok_or("LOG is missing")?;
    let word = words.next().ok_or("WORD is missing")?;
    let trace = Trace { log, word };
    let mut blocked = SigSet::all();
    blocked.remove(Signal::SIGCONT);
    blocked.thread_block()?;
    if trace.is_main() {
        fs::write(trace.beside("pid"), process::id().to_string())?;
    }
    trace.say(&seen(&trace))?;
    let mut words = words.peekable();
    while let Some(action) = words.next() {
        trace.act(&action, &mut || words.next().unwrap_or_default())?;
    }
    Ok(())
}

/// What a program sees of its service.
fn seen(trace: &Trace) -> String {
    let value = |name: &str| variable(name).unwrap_or_else(|| "-".to_owned());
    let own = fs::read_to_string(trace.beside("pid")).unwrap_or_default();
    let main = match variable("MAINPID") {
        Some(pid) if pid == own => "own",
        Some(_) => "other",
        None => "-",
    };
    format!(
        "uid={} main={main} result={} exit={}/{} id={} notify={} watchdog={}",
        getuid(),
        value("SERVICE_RESULT"),
        value("EXIT_CODE"),
        value("EXIT_STATUS"),
        value("INVOCATION_ID").len(),
        env::var_os("NOTIFY_SOCKET").is_some(),
        value("WATCHDOG_USEC"),
    )
}

impl Trace {
    fn act(&self, action: &str, next: &mut dyn FnMut() -> String) -> Done {
        match action {
            "exit" => exit(next().parse()?),
            // By a signal that is not handled.
            "raise" => {
                SigSet::all().thread_unblock()?;
                raise(signal(&next())?)?;
            }
            // Fails until it was started this often.
            "fail-until" => {
                let count: usize = next().parse()?;
                if self.count(&format!("{} uid", self.word)) < count {
                    exit(1);
                }
            }
            "notify" => sd_notify::notify(&[sd_notify::NotifyState::Custom(&next())])?,
            // Signals the main process, and waits for its line.
            "send" => {
                let (name, main) = (next(), variable("MAINPID").ok_or("there is no main process")?);
                kill(Pid::from_raw(main.parse()?), signal(&name)?)?;
                self.wait_for(&format!("main got {name}"))?;
            }
            "await" => self.wait_for(&next())?,
            // A process in a session of its own, which does this.
            "child" => {
                let log = self.beside("child");
                Command::new(env::current_exe()?).args([&log, "child", "leave", &next()]).spawn()?;
                let child = Self { log, word: String::new() };
                child.wait_for("child left")?;
            }
            "leave" => {
                setsid()?;
                self.say("left")?;
            }
            // The main process of a forking program, which does this.
            "fork" => {
                let mut daemon = Command::new(env::current_exe()?);
                daemon.args([&self.log, "daemon", "pid", &next(), &next()]).spawn()?;
                self.wait_for("daemon ready")?;
                exit(0);
            }
            "pid" => {
                let path = next();
                if path != "-" {
                    fs::write(path, format!("{}\n", process::id()))?;
                }
                self.say("ready")?;
            }
            // Ends with the next signals, named in the order of their numbers.
            "gather" => {
                let count: usize = next().parse()?;
                let mut all = (0..count).map(|_| SigSet::all().wait()).collect::<Result<Vec<_>, _>>()?;
                all.sort_by_key(|signal| *signal as i32);
                self.say(&format!("got {all:?}"))?;
                exit(0);
            }
            // Ends with this signal, or SIGTERM.
            "stay" => {
                let name = next();
                self.stay(Some(if name.is_empty() { Signal::SIGTERM } else { signal(&name)? }))?;
            }
            "deaf" => self.stay(None)?,
            "pause" => pause_for(next().parse()?),
            // Creates a file, or reports that it is there.
            "touch" => {
                let made = OpenOptions::new().write(true).create_new(true).open(next()).is_ok();
                self.say(if made { "made it" } else { "found it" })?;
            }
            // Signals have their default actions.
            "default" => {
                SigSet::all().thread_unblock()?;
                pause();
            }
            other => return Err(format!("unknown action {other}").into()),
        }
        Ok(())
    }

    fn stay(&self, last: Option<Signal>) -> Done {
        loop {
            let signal = SigSet::all().wait()?;
            if signal == Signal::SIGALRM {
                exit(99);
            }
            if signal == Signal::SIGCHLD {
                continue;
            }
            self.say(&format!("got {}", signal.as_str().trim_start_matches("SIG")))?;
            if Some(signal) == last {
                return Ok(());
            }
        }
    }

    fn say(&self, text: &str) -> Done {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.log)?;
        file.write_all(format!("{} {text}\n", self.word).as_bytes())?;
        Ok(())
    }

    fn is_main(&self) -> bool {
        matches!(self.word.as_str(), "main" | "daemon")
    }

    /// A file beside the log.
    fn beside(&self, what: &str) -> String {
        format!("{}.{what}", self.log)
    }

    fn count(&self, beginning: &str) -> usize {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter(|line| line.starts_with(beginning)).count()
    }

    fn wait_for(&self, beginning: &str) -> Done {
        // A file that grows gives no event.
        for _ in 0..10_000 {
            if self.count(beginning) > 0 {
                return Ok(());
            }
            pause_for(2);
        }
        Err(format!("waited in vain for {beginning}").into())
    }
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[expect(clippy::disallowed_methods, reason = "this is what the program is to do")]
fn pause_for(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn signal(name: &str) -> Result<Signal, Box<dyn Error>> {
    Ok(format!("SIG{name}").parse()?)
}
