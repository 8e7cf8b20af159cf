//! Starts whose launcher is killed, and the processes that a start leaves to process 1.

use std::fs;

use nix::sys::signal::Signal;

use super::run;
use crate::harness::{Capability, Dir, Exit, Process, Service, Svc, require, wait_until};

/// A start of `daemonic` with these words, which becomes `inspect` and stays.
fn start<'a>(dir: &'a Dir, service: &Service, words: &[&str]) -> Svc<'a> {
    let (daemonic, inspect) = (dir.program("daemonic"), dir.program("inspect"));
    let pid_file = dir.join("its.pid").display().to_string();
    let svc = run(dir, &["--type", "forking", "--pid-file", &pid_file, "--name", service.name(), "--"]);
    let svc = svc.args([daemonic]).args(words).args([inspect]);
    svc.args(["--out"]).args([dir.join("report")]).args(["--stay"])
}

#[test]
fn daemon_of_a_killed_launcher_is_found_by_status_and_stop() {
    // A daemon without the lock's descriptor is found by its environment, as are those with it.
    for words in [&[][..], &["--keep"], &["--forks", "2"]] {
        let (dir, service) = (Dir::new(), Service::new());
        // It writes no pid file, so the launcher keeps waiting.
        let launcher = start(&dir, &service, words).spawn();
        let report = dir.join("report");
        wait_until("the daemon runs", || report.exists().then_some(()));
        let (daemon, _) = dir.reported();
        launcher.signal(Signal::SIGKILL);
        assert_eq!(launcher.finish().exit, Exit::Signal(9));
        assert!(daemon.is_alive());
        let status = Svc::new(&dir).args(["status", service.name()]).output();
        assert_eq!(status.exit, Exit::Status(4));
        assert!(
            status.stdout.contains(&format!("process {} that it left behind", daemon.pid())),
            "{status:?}"
        );
        assert_eq!(start(&dir, &service, words).output().exit, Exit::Status(250));
        let stop = Svc::new(&dir).args(["stop", service.name()]).output();
        assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""));
        daemon.wait_gone();
        dir.nothing_left();
        assert_eq!(Svc::new(&dir).args(["status", service.name()]).output().exit, Exit::Status(3));
    }
}

#[test]
fn program_that_forks_away_before_readiness_ends_with_248_and_a_hint() {
    let (dir, service) = (Dir::new(), Service::new());
    let sleep = dir.program("/bin/sleep").display().to_string();
    let options = ["--name", service.name(), "--ready", "file:/nowhere/at/all", "--"];
    let program = ["/bin/sh", "-c", r#"setsid "$0" 60 & exit 0"#, &sleep];
    let reported = format!(
        "svcadapt: start '{}': the program ended with status 0 before it was ready\n  hint: use --type forking for a program that goes into the background by itself\n",
        service.name()
    );
    run(&dir, &options).args(program).stderr(&reported).status(248).run();
    dir.nothing_left();
    assert!(!service.lock().exists());
}

#[test]
fn start_leaves_no_zombie_to_a_process_1_that_does_not_reap() {
    if !require(Capability::Root) || !require(Capability::Namespaces) || !require(Capability::Python) {
        return;
    }
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    let svcadapt = dir.program("svcadapt").display().to_string();
    // Process 1 reaps only its own children.
    let init = "import glob, subprocess, sys\n\
                for _ in range(30):\n    \
                    subprocess.run([sys.argv[1], 'run', '--mode', 'classic', '--', sys.argv[2], '60'], check=True)\n\
                states = [open(path).read() for path in glob.glob('/proc/[0-9]*/stat')]\n\
                print([state for state in states if ') Z ' in state])\n";
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["--pid", "--fork", "--mount-proc", "/usr/bin/python3", "-c", init, &svcadapt, &sleep])
        .stdout("[]\n")
        .run();
    dir.wait_nothing_left();
}

#[test]
fn slow_intermediate_process_is_killed_by_the_launcher() {
    if !require(Capability::Strace) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let sleep = dir.program("/bin/sleep").display().to_string();
    let svcadapt = dir.program("svcadapt");
    let start = Svc::new(&dir)
        .program("/usr/bin/strace")
        .args(["-f", "-qq", "-o"])
        .args([dir.join("trace")])
        .args(["-e", "inject=exit_group:delay_enter=60000000"])
        .args([&svcadapt])
        .args(["run", "--mode", "classic", "--name", service.name(), "--", &sleep, "60"])
        .spawn();
    wait_until("a process is killed", || {
        fs::read_to_string(dir.join("trace")).ok()?.contains(", SIGKILL").then_some(())
    });
    // Without its tracer it ends at once, and with it the launcher, which has waited for it.
    start.signal(Signal::SIGKILL);
    start.finish();
    wait_until("the launcher has ended", || Process::of_program(&svcadapt).is_empty().then_some(()));
    let main = service.main();
    main.signal(Signal::SIGTERM);
    main.wait_gone();
}
