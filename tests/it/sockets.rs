//! The sockets of a service: opened for it, passed to it, and written to files; seen by clients.

mod accept;
mod descriptor_store;
mod idle_exit;
mod inetd;
mod listen_files;
mod on_demand;
mod options;
mod passing;
mod restarts;
mod socket_paths;
mod systemd_units;
mod unit_commands;
mod unit_file;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{Dir, Process, Running, Svc, facts};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// `svcadapt run` of the program that answers on its sockets; ready when it has reported.
fn serving<'a>(dir: &'a Dir, mode: &str, options: &[&str]) -> Svc<'a> {
    let ready = format!("--ready=file:{}", dir.join("report").display());
    Svc::new(dir).args(["run", "--mode", mode, &ready]).args(options).args(server(dir))
}

/// Starts it: a daemon's launcher returns, any other goes on.
fn started(svc: Svc, mode: &str) -> Option<Running> {
    if mode != "classic" {
        return Some(svc.spawn());
    }
    svc.run();
    None
}

/// That program, after `--`.
fn server(dir: &Dir) -> [String; 5] {
    let (program, report) = (dir.program("inspect"), dir.join("report"));
    [
        "--".into(),
        program.display().to_string(),
        "--out".into(),
        report.display().to_string(),
        "--serve".into(),
    ]
}

/// Ends the program and its monitor, and removes its report.
fn stop(dir: &Dir, process: &Process) {
    end(process);
    fs::remove_file(dir.join("report")).unwrap();
}

/// Ends a program, and waits for the monitor that holds its sockets.
fn end(process: &Process) {
    let monitor = facts(&process.pid().to_string()).unwrap()["ppid"].as_i64().unwrap();
    let monitor = Process::open(i32::try_from(monitor).unwrap()).unwrap();
    process.signal(Signal::SIGTERM);
    process.wait_gone();
    monitor.wait_gone();
}

/// The numbers of the descriptors.
fn numbers(report: &Value) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        report["fds"].as_object().unwrap().keys().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

fn tcp(port: u16) -> String {
    answer(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
}

fn unix(path: &Path) -> String {
    answer(UnixStream::connect(path).unwrap())
}

/// The whole answer of the server.
fn answer(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.trim_end().to_owned()
}

fn udp(port: u16) -> String {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(b"x", (Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut text = [0; 64];
    let length = socket.recv(&mut text).unwrap();
    String::from_utf8_lossy(&text[..length]).trim_end().to_owned()
}

/// Sends a datagram to a path, and returns the answer to a path of our own.
fn datagram(dir: &Dir, path: &Path) -> String {
    let own = dir.join("client");
    let socket = UnixDatagram::bind(&own).unwrap();
    // The program may run as another user.
    fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(b"x", path).unwrap();
    let mut text = [0; 64];
    let length = socket.recv(&mut text).unwrap();
    fs::remove_file(own).unwrap();
    String::from_utf8_lossy(&text[..length]).trim_end().to_owned()
}

/// Sends nothing, and gets an answer.
fn abstract_name(name: &str) -> String {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    let mut stream = UnixStream::connect_addr(&address).unwrap();
    stream.flush().unwrap();
    answer(&stream)
}
