//! What a service or another user can do to a lock.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::sync::Barrier;
use std::time::Duration;
use std::{fs, thread};

use nix::sys::signal::Signal;

use super::{run, stop};
use crate::harness::{
    Capability, Dir, Exit, Output, Service, Svc, all_rounds, leave_behind, require, skip, wait_until,
};

#[test]
fn lock_descriptor_of_a_service_is_not_writable() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let d = dir.path().display();
    // Otherwise the service could fill /run, and so the memory.
    let script = format!(
        "cd {d}; echo full >&32 && touch written; : >/proc/self/fd/32 && touch opened; \
         truncate -s 1M /proc/self/fd/32 && touch grown; touch -c /proc/self/fd/32 && touch touched; \
         chmod 666 /proc/self/fd/32 && touch changed; touch tried; exec sleep 60"
    );
    let ready = format!("--ready=file:{d}/tried");
    run(&dir, &["--user=nobody", "--name", service.name(), &ready, "--", "/bin/bash", "-c", &script]).run();
    for done in ["written", "opened", "grown", "touched", "changed"] {
        assert!(!dir.join(done).exists(), "{done}");
    }
    let process = service.main();
    assert_eq!(fs::read_link(format!("/proc/{}/fd/32", process.pid())).unwrap(), service.lock());
    let lock = fs::metadata(service.lock()).unwrap();
    assert_eq!((lock.len(), lock.uid(), lock.mode() & 0o7777), (0, 0, 0o600));
    stop(&process);
}

/// The number of rounds.
const ROUNDS: usize = 25;

#[test]
fn services_with_one_pid_file_run_one_at_a_time() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let sleep = dir.program("/bin/sleep").display().to_string();
    dir.program("svcadapt");
    let services: Vec<Service> = (0..4).map(|_| Service::new()).collect();
    let pid_file = format!("/run/{}.pid", services[0].name());
    // By any path: /var/run is /run.
    let linked = dir.join("link");
    std::os::unix::fs::symlink("/run", &linked).unwrap();
    let alias = format!("{}/{}.pid", linked.display(), services[0].name());
    for _ in 0..ROUNDS {
        let line = Barrier::new(services.len());
        let outputs: Vec<Output> = thread::scope(|scope| {
            let starts: Vec<_> = services
                .iter()
                .enumerate()
                .map(|(number, service)| {
                    let path = if number == 1 { &alias } else { &pid_file };
                    let (line, dir, sleep) = (&line, &dir, &sleep);
                    scope.spawn(move || {
                        let pid_file = format!("--pid-file={path}");
                        line.wait();
                        run(dir, &["--name", service.name(), &pid_file, "--", sleep, "60"]).output()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let alive: Vec<&Service> = services.iter().filter(|service| service.running().is_some()).collect();
        let [winner] = alive.as_slice() else { panic!("{} of them live: {outputs:?}", alive.len()) };
        let process = winner.main();
        assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", process.pid()));
        let lost = format!(" of {}': already running as process {}\n", winner.name(), process.pid());
        for (service, output) in services.iter().zip(&outputs) {
            if service.name() == winner.name() {
                assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
            } else {
                assert!(output.exit == Exit::Status(250) && output.stderr.ends_with(&lost), "{output:?}");
            }
        }
        process.signal(Signal::SIGKILL);
        process.wait_gone();
        dir.nothing_left();
    }
}

#[test]
fn launcher_socket_is_removed_only_when_unused() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let inspect = dir.program("inspect").display().to_string();
    let ready = ["--ready", "notify"];
    let end = |service: &Service| {
        let monitor = service.monitor().unwrap();
        stop(&service.main());
        monitor.wait_gone();
    };
    let start =
        || run(&dir, &["--name", service.name()]).args(ready).args(["--", &inspect, "--stay"]).args(ready);
    start().run();
    end(&service);
    // No process here has these pids, but one of another pid namespace may have the first.
    let [used, left] = [4_194_305_u32, 4_194_306].map(|pid| format!("/run/svcadapt/.notify.{pid}.1"));
    let [answers, killed] = [4_194_305_u32, 4_194_306].map(|pid| format!("/run/svcadapt/.control.{pid}.1"));
    let held = (UnixDatagram::bind(&used).unwrap(), UnixListener::bind(&answers).unwrap());
    leave_behind(UnixDatagram::bind(&left).unwrap(), left.as_ref());
    leave_behind(UnixListener::bind(&killed).unwrap(), killed.as_ref());
    start().run();
    let there = [&used, &answers, &left, &killed].map(|path| fs::symlink_metadata(path).is_ok());
    fs::remove_file(&used).unwrap();
    fs::remove_file(&answers).unwrap();
    assert_eq!(there, [true, true, false, false]);
    drop(held);
    end(&service);
}

#[test]
fn service_in_another_pid_namespace_is_not_reported_dead() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let sleep = dir.program("/bin/sleep");
    let script = r#""$@" && : > started && exec sleep 60"#;
    let container = Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--mount-proc", "--kill-child", "sh", "-c", script, "sh"])
        .args([dir.program("svcadapt")])
        .args(["run", "--mode=classic", "--name", service.name(), "--"])
        .args([sleep.clone(), "60".into()])
        .spawn();
    wait_until("the service runs", || dir.join("started").exists().then_some(()));
    let unknown = "[NAME]: unknown, its process belongs to another pid namespace\n  \
                   hint: run the command in its container\n";
    let status = || Svc::new(&dir).name("[NAME]", service.name()).args(["status", service.name()]);
    status().stdout(unknown).status(4).run();
    // A user who may not open the lock reads the record.
    status().by("nobody").stdout(unknown).status(4).run();
    run(&dir, &["--name", service.name(), "--", "/bin/sleep", "60"])
        .stderr("svcadapt: start '[NAME]': already running in another pid namespace\n")
        .name("[NAME]", service.name())
        .status(250)
        .run();
    container.signal(Signal::SIGKILL);
    drop(container);
    wait_until("the container has gone", || {
        (crate::harness::Process::of_program(&sleep).is_empty()).then_some(())
    });
    // The lock of a process goes after its program.
    wait_until("the service is dead", || (status().output().exit == Exit::Status(1)).then_some(()));
}

#[test]
fn start_lock_held_by_a_stopped_process_times_out() {
    if !require(Capability::Root) {
        return;
    }
    if !all_rounds() {
        return skip("all", "it waits for 30 s");
    }
    let (dir, service) = (Dir::new(), Service::new());
    let svcadapt = dir.program("svcadapt");
    // In a /run of its own, so that no other test has to wait.
    let script = "mount -t tmpfs -o mode=0755 tmpfs /run && mkdir /run/svcadapt && exec 9>/run/svcadapt/%turn && \
                  flock 9 && exec \"$@\"";
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"])
        .args([svcadapt])
        .args(["run", "--mode=supervised", "--name", service.name(), "--", "/bin/sleep", "60"])
        .stderr("svcadapt: lock '[LOCK]': another start or stop has held /run/svcadapt/%turn for 30s\n")
        .deadline(Duration::from_secs(90))
        .name("[LOCK]", service.lock().display())
        .status(251)
        .run();
}
