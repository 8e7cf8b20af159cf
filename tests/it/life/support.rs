//! A service whose commands and program write what they see into one file.

use std::fs;
use std::path::PathBuf;

use nix::unistd::geteuid;

use crate::harness::{Dir, Process, Service, Svc, lock_directory, wait_until};

/// The control socket of a service, if it is there.
pub(super) fn control_socket(monitor: &Process) -> Option<PathBuf> {
    let begin = format!(".control.{}.", monitor.pid());
    let names = fs::read_dir(lock_directory(geteuid().as_raw())).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&begin))
}

/// What a program writes before it goes on.
const TRACE: &str = r#"#!/bin/sh
main=${MAINPID:+main}
echo "$1 ${main:-none} ${SERVICE_RESULT:-none} ${EXIT_CODE:-none} ${EXIT_STATUS:-none} ${#INVOCATION_ID}" >>"$(dirname "$0")/log"
exit "${2:-0}"
"#;

/// A service with a log of its commands.
pub(super) struct Traced {
    pub(super) service: Service,
    pub(super) dir: Dir,
}

impl Traced {
    pub(super) fn new() -> Self {
        let dir = Dir::new();
        dir.executable("trace", TRACE);
        // The program: what it writes, then what it does.
        dir.executable("program", "#!/bin/sh\necho program >>\"$(dirname \"$0\")/log\"\neval \"$1\"\n");
        dir.write("log", "");
        Self { service: Service::new(), dir }
    }

    /// `run` in this mode with these options. `[T]` is the tracing command.
    pub(super) fn run<'a>(&'a self, mode: &str, options: &[&str], program: &str) -> Svc<'a> {
        let trace = self.dir.join("trace").display().to_string();
        let options = options.iter().map(|word| word.replace("[T]", &trace));
        let words = ["run", "--name", self.service.name(), "--mode", mode].map(str::to_owned);
        let command = ["--".to_owned(), self.dir.join("program").display().to_string(), program.to_owned()];
        Svc::new(&self.dir)
            .args(words.into_iter().chain(options).chain(command))
            .name("[NAME]", self.service.name())
    }

    /// `svcadapt COMMAND NAME`.
    pub(super) fn ask<'a>(&'a self, command: &str) -> Svc<'a> {
        Svc::new(&self.dir).args([command, self.service.name()]).name("[NAME]", self.service.name())
    }

    /// The lines that were written so far.
    pub(super) fn log(&self) -> Vec<String> {
        self.dir.read("log").lines().map(str::to_owned).collect()
    }

    /// Waits for this number of lines.
    pub(super) fn wait_for_lines(&self, count: usize) -> Vec<String> {
        wait_until("the log has its lines", || {
            let log = self.log();
            (log.len() >= count).then_some(log)
        })
    }
}
