//! Concurrent starts leave one service, and a killed start never blocks the next.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::{fs, thread};

use nix::sys::signal::Signal;

use super::{run, stop};
use crate::harness::{
    Capability, Dir, Exit, Output, Process, Service, killed_at, lock_directory, require, rounds,
};

/// The number of rounds by name, and of those by pid file.
const ROUNDS: usize = 100;
/// The number of starts in each round.
const STARTS: usize = 8;

/// Runs several starts at once, and returns their results.
fn race(dir: &Dir, options: &[&str]) -> Vec<Output> {
    let line = Barrier::new(STARTS);
    thread::scope(|scope| {
        let starts: Vec<_> = (0..STARTS)
            .map(|_| {
                scope.spawn(|| {
                    line.wait();
                    run(dir, options).output()
                })
            })
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    })
}

/// Asserts that one start succeeded and that all others name its process.
fn one_won(outputs: &[Output], what: &str, pid: i32) {
    let lost = format!("svcadapt: start '{what}': already running as process {pid}\n");
    let mut won = 0;
    for output in outputs {
        if output.exit == Exit::Status(0) && output.stderr.is_empty() {
            won += 1;
        } else {
            assert_eq!((output.stderr.as_str(), output.exit), (lost.as_str(), Exit::Status(250)));
        }
    }
    assert_eq!(won, 1, "{outputs:?}");
}

#[test]
fn concurrent_starts_of_one_name_leave_one_service() {
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    dir.program("svcadapt");
    let service = Service::new();
    for _ in 0..rounds(ROUNDS) {
        let outputs = race(&dir, &["--name", service.name(), "--", &sleep, "60"]);
        let process = service.main();
        one_won(&outputs, service.name(), process.pid());
        // The lock of the killed service stays for the next round.
        process.signal(Signal::SIGKILL);
        process.wait_gone();
        dir.nothing_left();
    }
}

#[test]
fn concurrent_starts_with_one_pid_file_leave_one_service() {
    let root = require(Capability::Root);
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    dir.program("svcadapt");
    let place = if root { "/run".to_owned() } else { dir.path().display().to_string() };
    let pid_file = format!("{place}/it-race-{}.pid", std::process::id());
    let option = format!("--pid-file={pid_file}");
    for _ in 0..rounds(ROUNDS) {
        let outputs = race(&dir, &[&option, "--", &sleep, "60"]);
        let text = fs::read_to_string(&pid_file).unwrap();
        let process = Process::open(text.strip_suffix('\n').unwrap().parse().unwrap()).unwrap();
        one_won(&outputs, &pid_file, process.pid());
        process.signal(Signal::SIGKILL);
        process.wait_gone();
        dir.nothing_left();
    }
    let lock = lock_directory(nix::unistd::geteuid().as_raw())
        .join(pid_file.replace('/', ",").replacen(',', ".", 1));
    assert!(lock.exists(), "{} is not the lock", lock.display());
    fs::remove_file(format!("{}%record", lock.display())).unwrap();
    let _ = fs::remove_file(format!("{}%spec", lock.display()));
    fs::remove_file(lock).unwrap();
    fs::remove_file(pid_file).unwrap();
}

/// The calls at which something may be half done. Calls that this machine lacks do not count.
const MOMENTS: [&str; 11] = [
    "fork,clone,clone3,vfork",
    "setsid",
    "prctl",
    "openat",
    "fcntl",
    "flock",
    "fchmod",
    "write",
    "rename,renameat,renameat2",
    "close_range",
    "execve",
];
/// The number of calls of each kind that are tried.
const TIMES: usize = 12;

#[test]
fn start_killed_at_any_call_does_not_block_the_next_start() {
    if !require(Capability::Root) || !require(Capability::Strace) {
        return;
    }
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    let svcadapt = dir.program("svcadapt");
    let mut kills = 0;
    for calls in MOMENTS {
        for number in 1..=TIMES {
            let service = Service::new();
            let pid_file = format!("/run/{}.pid", service.name());
            let option = format!("--pid-file={pid_file}");
            let ready = "--ready=file:/";
            let options = ["--name", service.name(), &option, ready, "--", &sleep, "60"];
            let words = [OsStr::new("run"), "--mode".as_ref(), "classic".as_ref()];
            let words = words.into_iter().chain(options.map(OsStr::new));
            let all = std::iter::once(svcadapt.as_os_str()).chain(words);
            let runs = |program: &Path| !Process::of_program(program).is_empty();
            let settled = || runs(Path::new(&sleep)) && !runs(&svcadapt);
            let trace = killed_at(&dir, all, calls, number, "", settled);
            let killed = trace.contains("+++ killed by SIGKILL");
            kills += usize::from(killed);
            // Processes without a launcher have finished or given up: only the service itself may stay.
            let started = service.running();
            crate::harness::wait_until("the rest of the start ends", || {
                let left = Process::of_program(&svcadapt);
                left.is_empty().then_some(())
            });
            let started = started.or_else(|| service.running());
            let next = run(&dir, &options).output();
            let what = format!("kill at {calls} {number}: {next:?}");
            match &started {
                Some(process) if process.is_alive() => {
                    let line = format!("already running as process {}\n", process.pid());
                    assert!(next.exit == Exit::Status(250) && next.stderr.ends_with(&line), "{what}");
                }
                _ => assert!(next.exit == Exit::Status(0) && next.stderr.is_empty(), "{what}"),
            }
            assert_eq!(Process::of_program(Path::new(&sleep)).len(), 1, "{what}");
            let process = service.main();
            assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", process.pid()), "{what}");
            stop(&process);
            dir.nothing_left();
            fs::remove_file(&pid_file).unwrap();
            if !killed {
                break;
            }
        }
    }
    assert!(kills > 20, "only {kills} starts were killed");
}

#[test]
fn stale_pid_file_and_lock_are_replaced() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    let service = Service::new();
    let pid_file = format!("/run/{}.pid", service.name());
    let option = format!("--pid-file={pid_file}");
    let ended = {
        let mut child = Command::new("/bin/true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    };
    // A zombie counts as ended.
    let mut zombie = Command::new("/bin/true").spawn().unwrap();
    let undead = Process::open(zombie.id().cast_signed()).unwrap();
    undead.wait_gone();
    let own = std::process::id();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let boot = boot.trim();
    let record = |pid: u32, start: u64| {
        format!("pid={pid}\nstart={start}\nboot={boot}\nprogram=/x\npid-file={pid_file}\nstop=1\nend=\n")
    };
    let start_of =
        |pid: u32| crate::harness::facts(&pid.to_string()).unwrap()["start_time"].as_u64().unwrap();
    let garbage = [
        String::new(),
        "\n".to_owned(),
        "garbage".to_owned(),
        "-1\n".to_owned(),
        "999999999999999999999\n".to_owned(),
        format!("{ended}\n"),
        format!("{own}\n"),
        "1\n".to_owned(),
        "\0".repeat(8192),
        "9".repeat(100_000),
        record(ended, 1),
        record(own, 1),
        record(zombie.id(), start_of(zombie.id())),
        record(own, start_of(own)).replace(boot, "another-boot"),
        record(own, start_of(own)).replace("end=\n", "en"),
    ];
    let mut last = None;
    for text in &garbage {
        fs::create_dir_all("/run/svcadapt").unwrap();
        fs::write(&pid_file, text).unwrap();
        fs::write(service.lock(), text).unwrap();
        fs::write(service.record(), text).unwrap();
        run(&dir, &["--name", service.name(), &option, "--", &sleep, "60"]).run();
        let process = service.main();
        assert_ne!(last.replace(process.pid()), Some(process.pid()));
        assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", process.pid()));
        assert!(fs::read_to_string(service.record()).unwrap().starts_with("pid="), "no record");
        stop(&process);
    }
    zombie.wait().unwrap();
    fs::remove_file(&pid_file).unwrap();
    dir.nothing_left();
}

#[test]
fn program_that_closes_the_lock_descriptor_is_still_found() {
    let (dir, service) = (Dir::new(), Service::new());
    let d = dir.path().display();
    let script = format!("exec 32>&- 3>&-; touch {d}/closed; sleep 60 & wait");
    let ready = format!("--ready=file:{d}/closed");
    let options = ["--name", service.name(), &ready, "--", "/bin/bash", "-c", &script];
    run(&dir, &options).run();
    let process = service.main();
    for _ in 0..2 {
        run(&dir, &options)
            .stderr("svcadapt: start '[NAME]': already running as process [MAIN]\n")
            .name("[NAME]", service.name())
            .name("[MAIN]", process.pid())
            .status(250)
            .run();
        // A start that fails before that check must not remove the record either.
        let got = run(&dir, &["--name", service.name(), "--timeout-start-sec=1us", "--", "/bin/sleep", "1"])
            .output();
        assert_ne!(got.exit, Exit::Status(0), "{}", got.stderr);
        assert_eq!(service.main().pid(), process.pid());
    }
    process.signal(Signal::SIGKILL);
    process.wait_gone();
}

#[test]
fn start_beside_leftover_processes_is_refused_until_they_end() {
    let (dir, service) = (Dir::new(), Service::new());
    let d = dir.path().display();
    let sleep = dir.program("/bin/sleep").display().to_string();
    let script = format!("{sleep} 60 & touch {d}/up; wait");
    let ready = format!("--ready=file:{d}/up");
    let options = ["--name", service.name(), &ready, "--", "/bin/sh", "-c", &script];
    run(&dir, &options).run();
    let first = service.main();
    first.signal(Signal::SIGKILL);
    first.wait_gone();
    let orphans = Process::of_program(Path::new(&sleep));
    assert_eq!(orphans.len(), 1, "the orphan has gone too");
    assert_eq!(run(&dir, &options).output().exit, Exit::Status(250));
    stop(&orphans[0]);
    run(&dir, &options).run();
    assert_ne!(service.main().pid(), first.pid());
}
