//! The contract on every host: a service gets the same, whatever starts it. The test prints the table and compares it with
//! `tests/golden/contract.md`, where a cell that does not hold has its reason.
//!
//! On each host a service is started in the way that is natural there (`hosts/*.sh`): by a generated unit or property list,
//! by `exec svcadapt run` in a run script, as the command of supervisord. The checks look from outside: what the host and
//! `svcadapt status` say, what the processes have written, what a client gets.
//!
//! `UPDATE=1 cargo test --test it -- contract` writes the table again, and leaves the reasons to their author.
//! `SVCADAPT_TEST_HOSTS=PART` selects hosts by name.

mod control;
mod host;
mod install;
mod life;
mod output;
mod readiness;
mod sockets;
mod state;
mod table;

use crate::harness::installed;
use std::io::Write;
use std::time::Instant;
use std::{io, thread};

use host::Host;
use table::{Cell, Table};

/// A row: what holds, and how a host is asked.
type Row = (&'static str, fn(&Host) -> Cell);

const ROWS: [Row; 16] = [
    ("readiness", readiness::readiness),
    ("status text", readiness::status_text),
    ("reload", readiness::reload),
    ("watchdog", readiness::watchdog),
    ("main pid", life::main_pid),
    ("sockets", sockets::sockets),
    ("whole-tree stop", life::whole_tree),
    ("restart", life::restart),
    ("identity", state::identity),
    ("umask, directory, root", state::umask_directory_root),
    ("limits", state::limits),
    ("environment and directories", state::environment_and_directories),
    ("logs", output::logs),
    ("pid file", state::pid_file),
    ("fd store", sockets::descriptor_store),
    ("control", control::control),
];

#[test]
fn contract_on_every_host_holds_as_recorded() {
    if installed("systemd-notify").is_none() {
        return;
    }
    if installed("python3").is_none() {
        return;
    }
    let hosts = host::boot_all();
    if hosts.is_empty() {
        return;
    }
    let mut seen = Table::new(ROWS.map(|(name, _)| name));
    thread::scope(|scope| {
        let columns: Vec<_> = hosts
            .iter()
            .map(|host| (host.name(), scope.spawn(move || ROWS.map(|row| ask(host, row)))))
            .collect();
        for (name, column) in columns {
            seen.add(name, column.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    table::compare(&seen);
}

/// Asks a host for a row, and prints what does not hold.
fn ask(host: &Host, (name, row): Row) -> Cell {
    let begin = Instant::now();
    host.expect(table::is_to_hold(name, host.name()));
    let cell = row(host);
    let line = format!("{}: {name}: {:?}; {:.1?}\n", host.name(), cell.failed(), begin.elapsed());
    let _ = io::stderr().write_all(line.as_bytes());
    cell
}
