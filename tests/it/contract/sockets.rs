//! Descriptors that outlive a start: the sockets of a service, and what it stores.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::host::{Host, Service};
use super::table::Cell;
use crate::harness::{all_rounds, free_port};

/// Sockets are handed over, and a restart refuses no client.
pub(super) fn sockets(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let (port, path) = (free_port(), "/run/sockets.socket");
    // launch_activate_socket(3) of the stand-in.
    let shim = if host.is("launchd") {
        format!(" --environment LD_PRELOAD={}", host.at("liblaunch_shim.so"))
    } else {
        String::new()
    };
    // Where svcadapt has the sockets, ten restarts and ten thousand clients; systemd and launchd limit the starts.
    let many = all_rounds() && !host.is("launchd") && !host.is("systemd");
    let limit = if many { " --start-limit-interval-sec 0" } else { "" };
    let options = format!("--listen-stream 127.0.0.1:{port} --listen-stream {path}{shim}{limit}");
    let program = format!("{} --out {} --serve", host.at("inspect"), host.at("sockets.report"));
    host.start(&[Service::new("sockets", options, program)]);
    let tcp = || TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let unix = || UnixStream::connect(host.path(path));
    let both = |first: &str, second: &str| {
        answer(tcp).as_deref() == Some(first) && answer(unix).as_deref() == Some(second)
    };
    Host::wait("the first answer", || answer(tcp));
    cell.check("a port and a path are handed over", both("3", "4"));
    let (restarts, clients) = if many { (10, 10_000) } else { (1, 10) };
    let (served, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let client = |answered: &dyn Fn() -> bool| {
        while !done.load(Ordering::Relaxed) {
            let counter = if answered() { &served } else { &refused };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| client(&|| answer(tcp).is_some()));
            scope.spawn(|| client(&|| answer(unix).is_some()));
        }
        for _ in 0..restarts {
            let before = host.read("sockets.report");
            host.shell("restart_by_holder sockets");
            Host::wait("another one has started", || (host.read("sockets.report") != before).then_some(()));
        }
        let until = (served.load(Ordering::Relaxed) + 10).max(clients);
        Host::wait("clients of the next one", || (served.load(Ordering::Relaxed) >= until).then_some(()));
        done.store(true, Ordering::Relaxed);
    });
    let all_served = refused.load(Ordering::Relaxed) == 0 && served.load(Ordering::Relaxed) >= clients;
    cell.check("a restart refuses no client", all_served);
    cell.check("the next start has them", both("3", "4"));
    host.shell("stop sockets");
    cell
}

/// The number of the descriptor that has answered.
fn answer<S: Read>(connect: impl Fn() -> std::io::Result<S>) -> Option<String> {
    let mut text = String::new();
    connect().ok()?.read_to_string(&mut text).ok()?;
    text.split(' ').next().filter(|number| !number.is_empty()).map(str::to_owned)
}

/// What a program has stored comes back after a crash.
pub(super) fn descriptor_store(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let deeds = host.program(
        "stores.sh",
        "exec [D]/keeper [D]/stores.log 'send:1:FDSTORE=1|FDNAME=first send:1:FDSTORE=1|FDNAME=second barrier crash' stay",
    );
    let options = "--ready notify --file-descriptor-store-max 4 --restart on-failure --restart-sec 10ms";
    host.start(&[Service::new("stores", options, deeds)]);
    let lines = host.lines("stores.log", 2);
    cell.check("the first start has none", lines.first().is_some_and(|line| line == "nothing"));
    let names = lines.get(1).is_some_and(|line| line.contains("first=0") && line.contains("second=0"));
    cell.check("after a crash they come back by name", names);
    host.shell("stop stores");
    cell
}
