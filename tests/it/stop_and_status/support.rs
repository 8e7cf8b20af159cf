//! A service of a test, started, queried and stopped by the real binary. It ends with the test.

use std::path::PathBuf;
use std::{fs, process};

use serde_json::Value;
use svcadapt::internal::state_directory;

use crate::harness::{Dir, Exit, Output, Process, Running, Svc};

/// A classic service with a name of its own and a pid file in its directory.
pub(super) struct Service {
    pub(super) dir: Dir,
    pub(super) name: String,
}

impl Service {
    /// Not started yet. Names are unique on the machine, so they contain the test's.
    pub(super) fn new(test: &str) -> Self {
        Self { dir: Dir::new(), name: format!("control-{test}-{}", process::id()) }
    }

    /// Starts `inspect` with these options, and waits until it is ready. No monitor stays with it.
    pub(super) fn started(test: &str, options: &[&str]) -> Self {
        let service = Self::new(test);
        service.start(options).run();
        service
    }

    /// A start of `inspect` with these options.
    pub(super) fn start(&self, options: &[&str]) -> Svc<'_> {
        let inspect = self.dir.program("inspect");
        self.run(&["--ready", "fd:7"]).args([inspect]).args(["--ready", "fd:7"]).args(options)
    }

    /// A start with these options; the program is to be added.
    pub(super) fn run(&self, options: &[&str]) -> Svc<'_> {
        let svc = Svc::new(&self.dir).args(["run", "--mode", "classic", "--name", &self.name, "--pid-file"]);
        svc.args([self.pid_file()]).args(options).args(["--"])
    }

    pub(super) fn status(&self) -> Svc<'_> {
        Svc::new(&self.dir).name("[NAME]", &self.name).args(["status", &self.name])
    }

    pub(super) fn stop(&self) -> Svc<'_> {
        Svc::new(&self.dir).name("[NAME]", &self.name).args(["stop", &self.name])
    }

    /// The exit status of `svcadapt status`, and its JSON.
    pub(super) fn query(&self) -> (i32, Value) {
        query(self.status())
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.dir.join("pid")
    }

    /// The pid in the pid file.
    pub(super) fn pid(&self) -> i32 {
        self.dir.read("pid").trim().parse().unwrap()
    }

    /// The process of the pid file.
    pub(super) fn process(&self) -> Process {
        Process::open(self.pid()).unwrap()
    }

    pub(super) fn lock(&self) -> PathBuf {
        state_directory().join(&self.name)
    }

    pub(super) fn record(&self) -> PathBuf {
        state_directory().join(format!("{}%record", self.name))
    }

    /// An unrelated process.
    pub(super) fn stranger(&self) -> Running {
        Svc::new(&self.dir).program("/bin/sleep").args(["120"]).spawn()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.lock());
        let _ = fs::remove_file(self.record());
        let _ = fs::remove_file(format!("{}%spec", self.lock().display()));
    }
}

/// The exit status and the JSON of a query.
pub(super) fn query(question: Svc<'_>) -> (i32, Value) {
    let Output { stdout, stderr, exit } = question.args(["--json"]).output();
    let Exit::Status(status) = exit else { panic!("it died: {stderr}") };
    (status, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")))
}
