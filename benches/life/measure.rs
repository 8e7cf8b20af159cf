//! Measures the supervisors of many services, and a supervisor over many deaths of its service.
//!
//!     cargo bench --bench life -- [--services N] [--deaths N] [--quiet SECONDS]
//!
//! Each service is `sleep`. Memory is the private dirty memory of its supervisor (proc_pid_smaps(5)), a wakeup is a
//! voluntary context switch of it in the quiet time. `SVCADAPT_BENCH_BINARY` names another svcadapt to measure. Tools that
//! are not installed are skipped and listed.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot continue ends")]
#![allow(clippy::print_stdout, reason = "the program prints a table")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Room, binary, number};

/// How long a measurement may take to begin.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn main() {
    let (services, deaths, quiet) =
        (number("--services", 100), number("--deaths", 2000), number("--quiet", 10));
    let quiet = Duration::from_secs(u64::try_from(quiet).unwrap());
    let room = Room::new();
    // A copy: the build may be replaced meanwhile, and its services must be stopped all the same.
    let svcadapt = room.0.join("svcadapt");
    fs::copy(binary(), &svcadapt).unwrap();
    // Pages of a file that is not written yet would count as dirty.
    fs::File::open(&svcadapt).unwrap().sync_all().unwrap();
    println!(
        "{} services, {deaths} deaths, {} quiet seconds; {}\n",
        services,
        quiet.as_secs(),
        binary().display()
    );
    println!("supervisor      KiB private dirty (median, max)   wakeups each   ms a start");
    // One fleet at a time.
    let fleets: [(&str, &dyn Fn() -> Option<Fleet>); 5] = [
        ("svcadapt", &|| Some(svcadapt_fleet(&svcadapt, services))),
        ("s6-supervise", &|| directories(&room, "s6-supervise", services)),
        ("runsv", &|| directories(&room, "runsv", services)),
        ("daemon", &|| daemons(&room, services)),
        ("supervisord", &|| supervisord(&room, services)),
    ];
    for (name, fleet) in fleets {
        match fleet() {
            Some(fleet) => print_fleet(name, &fleet, quiet),
            None => println!("{name:14}  SKIPPED: it is not installed"),
        }
    }
    println!("\nA service that dies at once, with Restart=always and RestartSec=0:");
    print_deaths(&svcadapt, deaths);
}

/// Services that run, each with its supervisor or all with one.
struct Fleet {
    supervisors: Vec<i32>,
    services: usize,
    took: Duration,
    end: Box<dyn FnMut()>,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        (self.end)();
    }
}

fn svcadapt_fleet(svcadapt: &Path, services: usize) -> Fleet {
    let names: Vec<String> = (0..services).map(|at| format!("bench-{}-{at}", std::process::id())).collect();
    let begin = Instant::now();
    for name in &names {
        let options = ["run", "--mode=classic", "--restart=always", "--standard-output=null", "--name", name];
        assert!(
            Command::new(svcadapt)
                .args(options)
                .args(["--", "sleep", "infinity"])
                .status()
                .unwrap()
                .success()
        );
    }
    let took = begin.elapsed();
    let supervisors: Vec<i32> = names.iter().map(|name| status(svcadapt, name, "monitor_pid")).collect();
    let svcadapt = svcadapt.to_owned();
    let end = move || {
        for name in &names {
            let stopped = Command::new(&svcadapt).args(["stop", name]).stdout(Stdio::null()).status();
            if !stopped.is_ok_and(|status| status.success()) {
                println!("NOT STOPPED: {name}");
            }
        }
    };
    Fleet { supervisors, services, took, end: Box::new(end) }
}

/// A number of `svcadapt status --json`.
fn status(svcadapt: &Path, name: &str, field: &str) -> i32 {
    let output = Command::new(svcadapt).args(["status", "--json", name]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    i32::try_from(status[field].as_i64().unwrap()).unwrap()
}

/// A supervisor that takes a directory for each service.
fn directories(room: &Room, supervisor: &str, services: usize) -> Option<Fleet> {
    let folder = room.0.join(supervisor);
    fs::create_dir(&folder).unwrap();
    let begin = Instant::now();
    let mut children: Vec<Child> = Vec::new();
    for at in 0..services {
        let service = folder.join(at.to_string());
        fs::create_dir(&service).unwrap();
        let run = service.join("run");
        fs::write(&run, format!("#!/bin/sh\n: >{}/up\nexec sleep infinity\n", service.display())).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        children.push(Command::new(supervisor).arg(&service).stderr(Stdio::null()).spawn().ok()?);
    }
    let up = |at: usize| folder.join(at.to_string()).join("up").exists();
    wait_until(|| (0..services).all(up));
    let took = begin.elapsed();
    let supervisors: Vec<i32> = children.iter().map(|child| child.id().cast_signed()).collect();
    let end = move || {
        for child in &mut children {
            // Both end their service and themselves.
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
            let _ = child.wait();
        }
    };
    Some(Fleet { supervisors, services, took, end: Box::new(end) })
}

/// daemon(1), which respawns a service each.
fn daemons(room: &Room, services: usize) -> Option<Fleet> {
    let place = room.0.join("daemon");
    fs::create_dir(&place).unwrap();
    let options = |at: usize| {
        let name = format!("--name=bench-{at}");
        ["--noconfig".to_owned(), name, format!("--pidfiles={}", place.display())]
    };
    let begin = Instant::now();
    for at in 0..services {
        let command = ["--respawn", "--", "sleep", "infinity"];
        let started = Command::new("daemon").args(options(at)).args(command).stderr(Stdio::null()).status();
        assert!(started.ok()?.success());
    }
    let took = begin.elapsed();
    let pid = |at: usize| fs::read_to_string(place.join(format!("bench-{at}.pid"))).ok()?.trim().parse().ok();
    wait_until(|| (0..services).all(|at| pid(at).is_some()));
    let supervisors: Vec<i32> = (0..services).filter_map(pid).collect();
    let all: Vec<_> = (0..services).map(options).collect();
    let end = move || {
        for options in &all {
            let _ = Command::new("daemon").args(options).arg("--stop").status();
        }
    };
    Some(Fleet { supervisors, services, took, end: Box::new(end) })
}

/// One supervisord for all services.
fn supervisord(room: &Room, services: usize) -> Option<Fleet> {
    let place = room.0.join("supervisord");
    fs::create_dir(&place).unwrap();
    let shown = place.display();
    let mut text =
        format!("[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={shown}/pid\n");
    for at in 0..services {
        let command = format!("/bin/sh -c ': >{shown}/up.{at}; exec sleep infinity'");
        let files = "stdout_logfile=/dev/null\nstderr_logfile=/dev/null\nstartsecs=0\n";
        text.extend([format!("[program:p{at}]\n"), format!("command={command}\n"), files.to_owned()]);
    }
    let settings = place.join("conf");
    fs::write(&settings, text).unwrap();
    let begin = Instant::now();
    let mut child = Command::new("supervisord")
        .arg("-c")
        .arg(&settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    wait_until(|| (0..services).all(|at| place.join(format!("up.{at}")).exists()));
    let took = begin.elapsed();
    let supervisors = vec![child.id().cast_signed()];
    let end = move || {
        let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
        let _ = child.wait();
    };
    Some(Fleet { supervisors, services, took, end: Box::new(end) })
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "it has not begun");
        pause(Duration::from_millis(20));
    }
}

#[allow(clippy::disallowed_methods, reason = "the quiet time is what is measured")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn print_fleet(name: &str, fleet: &Fleet, quiet: Duration) {
    // The last starts become quiet.
    pause(Duration::from_secs(1));
    let wakeups =
        || fleet.supervisors.iter().map(|pid| of_status(*pid, "voluntary_ctxt_switches:")).sum::<u64>();
    let before = wakeups();
    pause(quiet);
    let woken = wakeups() - before;
    let mut dirty: Vec<u64> = fleet.supervisors.iter().map(|pid| private_dirty(*pid)).collect();
    dirty.sort_unstable();
    let count = fleet.services;
    // What one supervisor of all has is shared among them.
    let share = |memory: u64| memory * u64::try_from(dirty.len()).unwrap() / u64::try_from(count).unwrap();
    let (median, max) = (share(dirty[dirty.len() / 2]), share(dirty[dirty.len() - 1]));
    let each =
        |total: u128| f64::from(u32::try_from(total).unwrap()) / f64::from(u32::try_from(count).unwrap());
    let start = each(fleet.took.as_millis());
    println!("{name:14}  {median:16} {max:16}   {:12.2}   {start:10.2}", each(u128::from(woken)));
}

/// A service that dies again and again: what its monitor takes.
fn print_deaths(svcadapt: &Path, deaths: usize) {
    let name = format!("bench-{}-deaths", std::process::id());
    let options =
        ["run", "--mode=classic", "--restart=always", "--restart-sec=0", "--start-limit-interval-sec=0"];
    let more = ["--standard-output=null", "--standard-error=null", "--name", &name, "--", "true"];
    assert!(Command::new(svcadapt).args(options).args(more).status().unwrap().success());
    let begin = Instant::now();
    let starts = || usize::try_from(status(svcadapt, &name, "starts")).unwrap();
    wait_until(|| starts() > deaths / 10);
    let monitor = status(svcadapt, &name, "monitor_pid");
    let (early, early_files) = (most_dirty(monitor), files(monitor));
    wait_until(|| starts() > deaths);
    let (late, late_files) = (most_dirty(monitor), files(monitor));
    let each = begin.elapsed().as_secs_f64() * 1000.0 / f64::from(u32::try_from(starts()).unwrap());
    let ended = Command::new(svcadapt).args(["stop", &name]).stdout(Stdio::null()).status().unwrap();
    println!("{each:.2} ms a restart; {early} KiB private dirty after a tenth, {late} KiB after all;");
    println!("{early_files} descriptors after a tenth, {late_files} after all; the stop: {ended}");
}

/// The most memory in a few looks: a monitor is large while it restarts.
fn most_dirty(pid: i32) -> u64 {
    (0..50).map(|_| private_dirty(pid)).max().unwrap_or(0)
}

fn files(pid: i32) -> usize {
    (0..50).filter_map(|_| Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())).max().unwrap_or(0)
}

fn private_dirty(pid: i32) -> u64 {
    field(&format!("/proc/{pid}/smaps_rollup"), "Private_Dirty:")
}

fn of_status(pid: i32, name: &str) -> u64 {
    field(&format!("/proc/{pid}/status"), name)
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
