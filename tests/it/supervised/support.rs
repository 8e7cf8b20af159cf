//! Helpers of the supervised tests: generated units, a program that waits at a gate, and the processes that are left.

use std::ffi::OsStr;
use std::fs;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{Dir, Exit, Output, Process, Svc, Systemd, facts, wait_until};

/// A program that creates a file when it is executed, and then waits for the test: until then the service is not ready.
pub(crate) struct Gate {
    pub(crate) program: PathBuf,
    started: PathBuf,
    path: PathBuf,
}

impl Gate {
    /// A gate before this shell text.
    pub(crate) fn before(dir: &Dir, then: &str) -> Self {
        dir.program("inspect");
        let path = dir.path().display();
        let text = format!("#!/bin/sh\n: > '{path}/started'\nread _ < '{path}/gate'\n{then}\n");
        let program = dir.executable("gated", &text);
        let gate = dir.join("gate");
        mkfifo(&gate, Mode::empty()).unwrap();
        fs::set_permissions(&gate, Permissions::from_mode(0o666)).unwrap();
        Self { program, started: dir.join("started"), path: gate }
    }

    pub(crate) fn inspect(dir: &Dir) -> Self {
        Self::before(dir, &format!("exec '{}' \"$@\"", dir.join("inspect").display()))
    }

    /// Waits until the program runs.
    pub(crate) fn wait_started(&self) {
        wait_until("the program is executed", || self.started.exists().then_some(()));
    }

    /// Opens the gate.
    pub(crate) fn open(&self) {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_NONBLOCK);
        // Without a reader the opening fails.
        let mut gate = wait_until("the program waits", || options.open(&self.path).ok());
        gate.write_all(b"\n").unwrap();
    }
}

/// A unit in the shared systemd, stopped at the end.
pub(crate) struct Unit {
    pub(crate) systemd: &'static Systemd,
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Unit {
    /// The unit that `gen-unit` writes for these words.
    pub(crate) fn generate<S: AsRef<OsStr>>(
        systemd: &'static Systemd,
        dir: &Dir,
        name: &str,
        words: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::generate_for(systemd, dir, name, &dir.program("svcadapt"), words)
    }

    /// The same, with the svcadapt that runs in this systemd (see [`Systemd::svcadapt`]).
    pub(crate) fn generate_for<S: AsRef<OsStr>>(
        systemd: &'static Systemd,
        dir: &Dir,
        name: &str,
        svcadapt: &Path,
        words: impl IntoIterator<Item = S>,
    ) -> Self {
        let output = Svc::new(dir)
            .args(["gen-unit", "--svcadapt"])
            .args([svcadapt])
            .args(words.into_iter().collect::<Vec<_>>())
            .output();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{}", output.stdout);
        Self::write(systemd, name, &output.stdout)
    }

    /// A unit with these settings.
    pub(crate) fn write(systemd: &'static Systemd, name: &str, text: &str) -> Self {
        let name = format!("it-{name}.service");
        systemd.write_unit(&name, text);
        Self { systemd, name, text: text.to_owned() }
    }

    pub(crate) fn show(&self, property: &str) -> String {
        self.systemd.show(&self.name, property)
    }

    /// Several properties, separated by blanks.
    pub(crate) fn state(&self, properties: &[&str]) -> String {
        properties.iter().map(|property| self.show(property)).collect::<Vec<_>>().join(" ")
    }

    /// Starts it, and returns at once.
    pub(crate) fn begin(&self) {
        self.systemd.must(&["start", "--no-block", &self.name]);
    }

    /// Starts it, and waits for the result.
    pub(crate) fn start(&self) -> Output {
        self.systemd.systemctl(["start", &self.name])
    }

    /// Waits until it is active.
    pub(crate) fn wait_active(&self) {
        let mut state = String::new();
        wait_until("the unit is active", || {
            // In this order: a job that has ended has changed the state before.
            let waits = !matches!(self.show("Job").as_str(), "" | "0");
            state = self.show("ActiveState");
            (state != "activating" && !waits).then_some(())
        });
        assert_eq!(state, "active", "{}\n{}", self.text, self.status());
    }

    pub(crate) fn main(&self) -> Process {
        self.systemd.main_process(&self.name)
    }

    pub(crate) fn stop(&self) {
        self.systemd.must(&["stop", &self.name]);
    }

    /// Stops it, and asserts that its main process ends with status 0, that systemd has seen it, and that nothing is
    /// left.
    pub(crate) fn ends_cleanly(self, main: &Process, dir: &Dir) {
        self.stop();
        main.wait_gone();
        assert_eq!(self.state(&["ActiveState", "Result", "ExecMainStatus"]), "inactive success 0");
        drop(self);
        dir.nothing_left();
    }

    /// The status, for failure messages.
    pub(crate) fn status(&self) -> String {
        self.systemd.systemctl(["status", "--no-pager", "--full", &self.name]).stdout
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.systemd.systemctl(["kill", "--signal=SIGKILL", &self.name]);
        self.systemd.systemctl(["stop", &self.name]);
        self.systemd.systemctl(["reset-failed", &self.name]);
        let _ = fs::remove_file(self.systemd.path("/run/systemd/system").join(&self.name));
    }
}

/// The processes that execute the svcadapt of this directory.
pub(crate) fn adapters(dir: &Dir) -> Vec<i32> {
    let program = dir.join("svcadapt");
    pids(|proc| fs::read_link(proc.join("exe")).is_ok_and(|exe| exe == program))
}

/// Waits until no svcadapt is left.
pub(crate) fn wait_no_adapter(dir: &Dir) {
    wait_until("no svcadapt stays behind", || adapters(dir).is_empty().then_some(()));
}

/// The children of a process, zombies too.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    pids(|proc| {
        let stat = fs::read_to_string(proc.join("stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").unwrap_or_default().1;
        fields.split(' ').nth(1) == Some(&pid.to_string())
    })
}

/// Waits until one of these handles SIGTERM: before that the signal would kill it.
pub(crate) fn wait_catches_term(of: impl Fn() -> Vec<i32>) {
    let catches = |pid: i32| {
        let seen = facts(&pid.to_string()).ok()?;
        seen["signals"]["caught"].as_array()?.contains(&15.into()).then_some(())
    };
    wait_until("the program handles SIGTERM", || of().into_iter().find_map(catches));
}

fn pids(passes: impl Fn(&Path) -> bool) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let number = |proc: &PathBuf| proc.file_name()?.to_str()?.parse().ok();
    entries.filter_map(|proc| number(&proc).filter(|_| passes(&proc))).collect()
}

/// No processes.
pub(crate) const NO_PROCESSES: [i32; 0] = [];

/// `run --mode supervised` with these words, in which `[DIR]` is the directory.
pub(crate) fn supervised<'a>(dir: &'a Dir, words: &[&str]) -> Svc<'a> {
    for program in ["svcadapt", "inspect", "daemonic"] {
        dir.program(program);
    }
    let path = dir.path().display().to_string();
    Svc::new(dir)
        .args(["run", "--mode", "supervised"])
        .args(words.iter().map(|word| word.replace("[DIR]", &path)))
}

/// This command as process 1 of a container, where `[DIR]` is the directory.
pub(crate) fn in_container<'a>(dir: &'a Dir, words: &[&str]) -> Svc<'a> {
    dir.program("svcadapt");
    let path = dir.path().display().to_string();
    let words = words.iter().map(|word| word.replace("[DIR]", &path));
    Svc::new(dir).program("/usr/bin/unshare").args(["-pf", "--mount-proc", "--kill-child"]).args(words)
}
