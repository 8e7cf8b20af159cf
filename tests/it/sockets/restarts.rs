//! Clients during restarts: the process that stays holds the sockets, so none is refused and none is reset.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use nix::sys::signal::Signal;

use super::{PATIENCE, server, serving};
use crate::harness::{
    Capability, Dir, Exit, Process, Running, Service, Svc, facts, free_port, have, require, wait_until,
};

/// Clients that connect one after another until the test ends them.
struct Clients {
    done: AtomicBool,
    served: AtomicUsize,
}

/// Ends the clients of a test that has failed, too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Clients {
    /// Runs `meanwhile` while clients connect to the port and the path, and goes on until so many were served. Returns what
    /// went wrong for a client.
    fn during(port: u16, path: &Path, count: usize, meanwhile: impl FnOnce()) -> Vec<String> {
        let clients = Self { done: AtomicBool::new(false), served: AtomicUsize::new(0) };
        thread::scope(|scope| {
            let tcp = || clients.connect("3 ", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
            let unix = || clients.connect("4 ", || UnixStream::connect(path));
            let all = [scope.spawn(tcp), scope.spawn(tcp), scope.spawn(unix), scope.spawn(unix)];
            let _stop = Stop(&clients.done);
            meanwhile();
            wait_until("so many clients were served", || {
                let failed = all.iter().any(thread::ScopedJoinHandle::is_finished);
                (failed || clients.served.load(Ordering::Relaxed) >= count).then_some(())
            });
            clients.done.store(true, Ordering::Relaxed);
            all.into_iter().filter_map(|client| client.join().unwrap()).collect()
        })
    }

    fn connect<S: Read>(&self, answer: &str, connect: impl Fn() -> std::io::Result<S>) -> Option<String> {
        while !self.done.load(Ordering::Relaxed) {
            let mut text = String::new();
            let served = connect().and_then(|mut stream| stream.read_to_string(&mut text));
            let number = self.served.fetch_add(1, Ordering::Relaxed);
            match served {
                Ok(_) if text.starts_with(answer) => {}
                Ok(_) => return Some(format!("client {number}: answered by {text:?}")),
                Err(error) => return Some(format!("client {number}: {error}")),
            }
        }
        None
    }
}

/// The program of the service. The record names the monitor between two starts.
fn program(service: &Service) -> Process {
    wait_until("the program is recorded", || {
        let (main, monitor) = (service.running()?, service.monitor()?);
        (main.pid() != monitor.pid()).then_some(main)
    })
}

/// Restarts the service so often, by svcadapt.
fn restart(dir: &Dir, service: &Service, times: usize) {
    for _ in 0..times {
        let before = program(service);
        let text = format!("{}: restarted\n", service.name());
        Svc::new(dir).args(["restart", service.name()]).stdout(&text).deadline(PATIENCE * 3).run();
        let record = fs::read_to_string(service.record());
        assert!(!before.is_alive(), "{} still runs: {record:#?}", before.pid());
    }
}

/// The options of the service and the places of its sockets.
fn options(dir: &Dir, service: &Service) -> (Vec<String>, u16, std::path::PathBuf) {
    let (port, path) = (free_port(), dir.join("s"));
    let options = vec![
        format!("--name={}", service.name()),
        format!("--listen-stream={port}"),
        format!("--listen-stream={}", path.display()),
        "--start-limit-interval-sec=0".to_owned(),
    ];
    (options, port, path)
}

#[test]
fn ten_restarts_of_a_daemon_refuse_no_client_of_ten_thousand() {
    let dir = Dir::new();
    let service = Service::new();
    let (options, port, path) = options(&dir, &service);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    serving(&dir, "classic", &options).run();
    let inode = fs::metadata(&path).unwrap().ino();
    let failed = Clients::during(port, &path, 10_000, || restart(&dir, &service, 10));
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "the socket's file is another one");
    Svc::new(&dir).args(["stop", service.name()]).output();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap_err();
    dir.nothing_left();
}

#[test]
fn crash_of_a_program_refuses_no_client() {
    let dir = Dir::new();
    let service = Service::new();
    let (options, port, path) = options(&dir, &service);
    let mut options: Vec<&str> = options.iter().map(String::as_str).collect();
    options.extend(["--restart=always", "--restart-sec=200ms"]);
    serving(&dir, "classic", &options).run();
    for _ in 0..3 {
        let main = program(&service);
        // It accepts no client before its end, so each waits for the next one.
        main.suspend();
        let waiting = [TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()];
        let other = UnixStream::connect(&path).unwrap();
        main.signal(Signal::SIGKILL);
        for mut stream in waiting {
            let mut text = String::new();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("3 {}.socket\n", service.name()));
        }
        let mut text = String::new();
        { &other }.read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("4 {}.socket\n", service.name()));
    }
    Svc::new(&dir).args(["stop", service.name()]).output();
    dir.nothing_left();
}

#[test]
fn socket_in_the_runtime_directory_stays_over_a_restart() {
    let dir = Dir::new();
    let service = Service::new();
    let path = Path::new("/run").join(service.name()).join("s");
    let options = [
        format!("--name={}", service.name()),
        format!("--runtime-directory={}", service.name()),
        format!("--listen-stream={}", path.display()),
    ];
    if !require(Capability::Root) {
        return;
    }
    serving(&dir, "classic", &options.each_ref().map(String::as_str)).run();
    let inode = fs::metadata(&path).unwrap().ino();
    restart(&dir, &service, 1);
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    assert_eq!(super::unix(&path), format!("3 {}.socket", service.name()));
    Svc::new(&dir).args(["stop", service.name()]).output();
    assert!(!path.exists());
    dir.nothing_left();
}

#[test]
fn restart_by_process_1_of_a_container_refuses_no_client() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let service = Service::new();
    let (options, port, path) = options(&dir, &service);
    let svcadapt = dir.program("svcadapt").display().to_string();
    let running = Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--mount-proc", "--kill-child", &svcadapt, "run"])
        .args(options)
        .args(server(&dir))
        .spawn();
    // A restart may take less than a tick of the clock of start times.
    let reported = |dir: &Dir| {
        let report = dir.awaited_report();
        [report["pid"].clone(), report["start_time"].clone()]
    };
    let init = wait_until("it is there", || match Process::of_program(&dir.join("svcadapt")).as_slice() {
        [_, ..] => Process::of_program(&dir.join("inspect")).pop(),
        [] => None,
    });
    let init = facts(&init.pid().to_string()).unwrap()["ppid"].to_string();
    reported(&dir);
    let failed = Clients::during(port, &path, 1_000, || {
        for _ in 0..3 {
            let before = reported(&dir);
            Svc::new(&dir)
                .program("/usr/bin/nsenter")
                .args(["-t", &init, "-p", "-m", &svcadapt, "restart", service.name()])
                .stdout(&format!("{}: restarted\n", service.name()))
                .run();
            wait_until("another one runs", || (reported(&dir) != before).then_some(()));
        }
    });
    assert!(failed.is_empty(), "{failed:#?}");
    Process::open(init.parse().unwrap()).unwrap().signal(Signal::SIGTERM);
    running.finish();
    dir.nothing_left();
}

/// `svcadapt run` of the service as a line of a run script.
fn run_script(dir: &Dir, options: &[String]) {
    dir.program("svcadapt");
    fs::create_dir(dir.join("service")).unwrap();
    let svcadapt = dir.join("svcadapt").display().to_string();
    let words = [&["exec".to_owned(), svcadapt, "run".to_owned()], options, &server(dir)].concat();
    dir.executable("service/run", &format!("#!/bin/sh\n{}\n", words.join(" ")));
}

#[test]
fn restart_below_a_supervisor_refuses_no_client() {
    for (supervisor, end) in
        [("s6-supervise", ["s6-svc", "-dx", "service"].as_slice()), ("runsv", &["sv", "exit", "./service"])]
    {
        if !have(supervisor) {
            continue;
        }
        let dir = Dir::new();
        let service = Service::new();
        let (options, port, path) = options(&dir, &service);
        run_script(&dir, &options);
        let running: Running =
            Svc::new(&dir).program(&format!("/usr/bin/{supervisor}")).args(["service"]).spawn();
        program(&service);
        let monitor = service.monitor().unwrap();
        let failed = Clients::during(port, &path, 1_000, || restart(&dir, &service, 3));
        assert!(failed.is_empty(), "{supervisor}: {failed:#?}");
        assert!(monitor.is_alive(), "{supervisor} has started another one");
        let ended = Svc::new(&dir).program(&format!("/usr/bin/{}", end[0])).args(&end[1..]).output();
        assert_eq!(ended.exit, Exit::Status(0), "{}", ended.stderr);
        running.finish();
        dir.nothing_left();
    }
}
