//! `svcadapt run` as a classic daemon, seen from outside: one file for each promise.

mod bad_input;
mod concurrent_starts;
mod credentials;
mod dbus;
mod dry_run;
mod dynamic_user;
mod exit_statuses;
mod failed_start;
mod fault_sweep;
mod fields;
mod hostile_starter;
mod interrupted_start;
mod late_reaping;
mod limits;
mod locks;
mod new_names;
mod pid_file_directory;
mod process_settings;
mod readiness;
mod relative_paths;
mod run_directory;
mod scheduling;
mod streams;
mod tolerated_settings;
mod trace;
mod type_forking;
mod unit_file;
mod unit_lookup;
mod untrusted_paths;
mod users_rights;

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::harness::{Dir, Process, Svc};

/// `svcadapt run --mode classic` with these options.
fn run<'a>(dir: &'a Dir, options: &[&str]) -> Svc<'a> {
    Svc::new(dir).args(["run", "--mode", "classic"]).args(options)
}

/// The program that writes `report` and stays; wait for it with `--ready file:`.
fn inspect(dir: &Dir) -> [String; 5] {
    let program = dir.program("inspect").display().to_string();
    ["--".into(), program, "--stay".into(), "--out".into(), dir.join("report").display().to_string()]
}

/// Ends a process, and waits for it.
fn stop(process: &Process) {
    process.signal(Signal::SIGTERM);
    process.wait_gone();
}

/// All files in a directory and below, with their sizes: to see that nothing was added or removed.
fn contents(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let found = entry.metadata().unwrap();
        if found.is_dir() {
            all.push((entry.path(), 0));
            all.extend(contents(&entry.path()));
        } else {
            all.push((entry.path(), found.len()));
        }
    }
    all.sort();
    all
}
