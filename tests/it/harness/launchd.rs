//! The stand-in for launchd, as process 1 of private pid and mount namespaces.
//!
//! It has its own /proc and an empty /run, and shares everything else with the machine, so a job may run any program in
//! a [`Dir`]. It ends when its standard input is closed (with the value or the test binary), and as process 1 it takes
//! every job along.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use serde_json::Value;

use super::booted::process_inside;
use super::dir::{Dir, example};
use super::process::{PATIENCE, Process, find, wait_until, wait_within};
use super::require::{Capability, missing};

/// The deadline of an event that should come at once; many tests run in parallel.
const EVENT: Duration = Duration::from_secs(20);

/// A running stand-in. Its files are in the directory of the test.
#[derive(Debug)]
pub(crate) struct Launchd<'a> {
    dir: &'a Dir,
    init: Process,
    /// It ends when this is closed.
    lifeline: Option<ChildStdin>,
    unshare: Child,
}

impl<'a> Launchd<'a> {
    /// Starts one with this length of a second, or returns `None` after skipping the test.
    pub(crate) fn start(dir: &'a Dir, second: Duration) -> Option<Self> {
        if !namespaces() {
            return None;
        }
        let mut unshare = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "--mount-proc"])
            .args(["sh", "-c", "mount -t tmpfs -o mode=0755 tmpfs /run && exec \"$@\"", "sh"])
            .arg(example("launchd"))
            .arg("--log")
            .arg(dir.join("events"))
            .args(["--second", &second.as_millis().to_string()])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("launchd.err")).unwrap())
            // Ctrl-C must not end it; it ends with its input.
            .process_group(0)
            .spawn()
            .unwrap();
        let lifeline = unshare.stdin.take();
        let parent = unshare.id().to_string();
        let init = wait_within(EVENT, "the stand-in becomes process 1", || {
            assert!(unshare.try_wait().unwrap().is_none(), "{}", dir.read("launchd.err"));
            let socket = |init: &Process| listens(init).exists();
            find(|proc| parent_of(proc).as_deref() == Some(&parent)).pop().filter(socket)
        });
        Some(Self { dir, init, lifeline, unshare })
    }

    /// Writes `LABEL.plist` with mode 0644 and these keys besides `Label`, and returns its path.
    pub(crate) fn write(&self, label: &str, keys: &str) -> PathBuf {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n\
             <key>Label</key><string>{label}</string>\n{keys}\n</dict>\n</plist>\n"
        );
        self.dir.write(&format!("{label}.plist"), &text)
    }

    /// Writes a job and loads it, which must succeed.
    pub(crate) fn load(&self, label: &str, keys: &str) {
        let path = self.write(label, keys);
        self.must(&format!("bootstrap {}", path.display()));
    }

    /// Gives an order (tests/tools/launchd/control.rs).
    pub(crate) fn ask(&self, order: &str) -> Reply {
        // It begins to listen a little after it is there.
        let mut stream = wait_until("launchd listens", || UnixStream::connect(listens(&self.init)).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(order.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (status, text) = answer.trim_end().split_once(' ').unwrap_or((answer.trim_end(), ""));
        Reply { status: status.parse().unwrap(), text: text.to_owned() }
    }

    /// Gives an order that must succeed, and returns the text of the answer.
    pub(crate) fn must(&self, order: &str) -> String {
        let reply = self.ask(order);
        assert_eq!(reply.status, 0, "{order}: {reply}\n{}", self.dir.read("events"));
        reply.text
    }

    /// The events of a job so far (tests/tools/launchd/log.rs).
    pub(crate) fn events(&self, label: &str) -> Vec<Value> {
        let text = self.dir.read("events");
        // The last line may be incomplete.
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["label"] == label).collect()
    }

    /// Waits for the first event of a kind.
    pub(crate) fn wait(&self, label: &str, event: &str) -> Value {
        self.wait_nth(label, event, 1)
    }

    /// Waits for the event of this number of a kind.
    pub(crate) fn wait_nth(&self, label: &str, event: &str, number: usize) -> Value {
        wait_within(EVENT, &format!("{label}: {event} {number}"), || {
            assert!(self.init.is_alive(), "the stand-in has ended: {}", self.dir.read("launchd.err"));
            let mut events = self.events(label).into_iter().filter(|seen| seen["event"] == event);
            events.nth(number - 1)
        })
    }

    /// The events of a job as words: `loaded spawned exited(0) kept spawned sent(15) exited(-15) removed`. The number
    /// of a fatal signal is negative. Events of the job's own process are left out, because their order is not fixed.
    pub(crate) fn story(&self, label: &str) -> String {
        let words: Vec<String> = self
            .events(label)
            .iter()
            .filter(|event| !matches!(event["event"].as_str(), Some("ignored" | "failed" | "trouble")))
            .map(|event| {
                let word = event["event"].as_str().unwrap();
                match (word, event["status"].as_i64(), event["signal"].as_i64()) {
                    ("exited", Some(status), _) => format!("exited({status})"),
                    ("exited", _, Some(signal)) => format!("exited(-{signal})"),
                    ("sent", _, Some(signal)) => format!("sent({signal})"),
                    _ => word.to_owned(),
                }
            })
            .collect();
        words.join(" ")
    }

    /// Every process in the namespace except the stand-in, by outer pid. Zombies do not count.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let namespace = fs::read_link(format!("/proc/{}/ns/pid", self.init.pid())).unwrap();
        let mut inside = find(|proc| fs::read_link(proc.join("ns/pid")).is_ok_and(|link| link == namespace));
        inside.retain(|process| process.pid() != self.init.pid() && process.is_alive());
        inside
    }

    /// The process with this inner pid.
    pub(crate) fn process(&self, inside: &Value) -> Process {
        let inside = inside.to_string();
        process_inside(&self.init, &inside).unwrap_or_else(|| panic!("there is no process {inside}"))
    }

    /// The outer path of an inner path. (Outside of /run and /proc both are the same.)
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.init.pid()))
    }
}

impl Drop for Launchd<'_> {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let deadline = Instant::now() + PATIENCE;
        while self.init.is_alive() && Instant::now() < deadline {
            let mut wanted = [nix::poll::PollFd::new(self.init.fd(), nix::poll::PollFlags::POLLIN)];
            let _ = nix::poll::poll(&mut wanted, 100u8);
        }
        self.init.signal(Signal::SIGKILL);
        // It waits for process 1, which ends last in its namespace.
        let _ = self.unshare.wait();
    }
}

/// An answer of the stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// 0, or an error number of launchctl.
    pub(crate) status: i32,
    /// Its text.
    pub(crate) text: String,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.text)
    }
}

/// Whether the namespaces can be made. If not, the test is skipped or fails; see [`missing`].
pub(super) fn namespaces() -> bool {
    static ALLOWED: OnceLock<Result<(), String>> = OnceLock::new();
    let allowed = ALLOWED.get_or_init(|| {
        if !geteuid().is_root() {
            return Err("only root can make them".to_owned());
        }
        let tried = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--mount-proc", "true"])
            .output()
            .map_err(|error| format!("unshare: {error}"))?;
        let stderr = String::from_utf8_lossy(&tried.stderr);
        if tried.status.success() { Ok(()) } else { Err(stderr.trim_end().to_owned()) }
    });
    match allowed {
        Ok(()) => true,
        Err(why) => missing(Capability::Namespaces, why),
    }
}

fn listens(init: &Process) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root/run/launchd.sock", init.pid()))
}

fn parent_of(proc: &Path) -> Option<String> {
    let stat = fs::read_to_string(proc.join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1).map(str::to_owned)
}
