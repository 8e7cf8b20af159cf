//! Measures the time from the moment when a service is ready until the command that waits for it returns.
//!
//!     cargo bench --bench readiness -- [--rounds N] [--delay MILLISECONDS]
//!
//! The service is a Python program: after the delay it listens, or says that it is ready, and writes down the time of the
//! monotonic clock. `SVCADAPT_BENCH_BINARY` names another svcadapt to measure. Tools that are not installed are skipped and
//! listed.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot continue ends")]
#![allow(clippy::print_stdout, reason = "the program prints a table")]

use std::fs;
use std::process::{Command, Stdio};

use nix::time::{ClockId, clock_gettime};

use crate::common::{Room, binary, number};

/// `program.py DELAY KIND ADDRESS FILE`.
const PROGRAM: &str = r#"
import os, socket, sys, time
delay, kind, address, file = float(sys.argv[1]) / 1000, *sys.argv[2:5]
time.sleep(delay)
if kind == "tcp":
    server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(address))); server.listen()
elif kind == "unix":
    server = socket.socket(socket.AF_UNIX); server.bind(address); server.listen()
ready = time.monotonic_ns()
if kind == "notify":
    name = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", name)
elif kind == "fd":
    os.write(int(address), b"\n")
with open(file + ".new", "w") as out: out.write(str(ready))
os.rename(file + ".new", file)
time.sleep(60)
"#;

/// A way to wait for a service.
struct Contender {
    name: &'static str,
    /// How the service becomes ready.
    kind: &'static str,
    /// A shell command that succeeds where it can be measured.
    needs: &'static str,
    /// A shell command that starts `$SERVICE`, and returns when it is ready.
    start: &'static str,
    /// A shell command that stops it.
    stop: &'static str,
}

const RUN: &str =
    "$SVCADAPT run --mode classic --name bench-$ID --standard-output null --ready $PROBE -- $SERVICE";
const STOP: &str = "$SVCADAPT stop bench-$ID >/dev/null";
const END: &str = "kill $(cat pid); while [ -e /proc/$(cat pid) ]; do sleep 0.01; done";

const CONTENDERS: [Contender; 8] = [
    Contender { name: "svcadapt", kind: "notify", needs: "true", start: RUN, stop: STOP },
    Contender { name: "svcadapt", kind: "fd", needs: "true", start: RUN, stop: STOP },
    Contender { name: "svcadapt", kind: "unix", needs: "true", start: RUN, stop: STOP },
    Contender { name: "svcadapt", kind: "tcp", needs: "true", start: RUN, stop: STOP },
    Contender {
        name: "start-stop-daemon",
        kind: "notify",
        needs: "start-stop-daemon --help | grep -q notify-await",
        start: "start-stop-daemon --start --background --notify-await --make-pidfile --pidfile $PWD/pid \
                --startas /usr/bin/env -- $SERVICE",
        stop: END,
    },
    Contender {
        name: "systemd",
        kind: "notify",
        needs: "[ -d /run/systemd/system ]",
        start: "systemd-run --quiet --unit svcadapt-bench-$ID --property Type=notify $SERVICE",
        stop: "systemctl stop svcadapt-bench-$ID",
    },
    Contender {
        name: "s6-svwait",
        kind: "fd",
        needs: "command -v s6-svwait",
        start: "mkdir s6; echo $ADDRESS >s6/notification-fd; printf '#!/bin/sh\nexec %s' \"$SERVICE\" >s6/run
                chmod +x s6/run; s6-supervise s6 >/dev/null & echo $! >pid
                until [ -p s6/supervise/control ]; do :; done; s6-svwait -U -t 30000 s6",
        stop: "s6-svc -xd s6; while [ -e /proc/$(cat pid) ]; do sleep 0.01; done; rm -r s6",
    },
    Contender {
        name: "wait-for-it",
        kind: "tcp",
        needs: "command -v wait-for-it",
        start: "$SERVICE & echo $! >pid; wait-for-it --quiet 127.0.0.1:$ADDRESS",
        stop: END,
    },
];

pub(crate) fn main() {
    let (rounds, delay) = (number("--rounds", 20), number("--delay", 500));
    let room = Room::new();
    fs::write(room.0.join("program.py"), PROGRAM).unwrap();
    println!("{rounds} rounds, ready after {delay} ms; {}\n", binary().display());
    println!("waits by                     ms from ready to known: least, median, most");
    for contender in &CONTENDERS {
        let name = format!("{} ({})", contender.name, contender.kind);
        if !shell(&room, contender.needs, contender.kind, delay) {
            println!("{name:28}  SKIPPED: it is not installed, or does not run");
            continue;
        }
        let mut took: Vec<f64> = (0..rounds).map(|_| measure(&room, contender, delay)).collect();
        took.sort_by(f64::total_cmp);
        println!("{name:28}  {:8.2} {:8.2} {:8.2}", took[0], took[rounds / 2], took[rounds - 1]);
    }
}

/// The milliseconds from the moment when the service was ready.
fn measure(room: &Room, contender: &Contender, delay: usize) -> f64 {
    let at = room.0.join("ready");
    let _ = fs::remove_file(&at);
    let _ = fs::remove_file(room.0.join("socket"));
    assert!(shell(room, contender.start, contender.kind, delay), "{} has not started it", contender.name);
    let known = clock();
    while !at.exists() {
        std::thread::yield_now();
    }
    let ready: i64 = fs::read_to_string(&at).unwrap().parse().unwrap();
    assert!(shell(room, contender.stop, contender.kind, delay), "{} has not stopped it", contender.name);
    f64::from(i32::try_from((known - ready) / 1000).unwrap()) / 1000.0
}

/// The clock of Python's `time.monotonic_ns`.
fn clock() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

fn shell(room: &Room, command: &str, kind: &str, delay: usize) -> bool {
    let (address, probe) = match kind {
        "tcp" => ("20917".to_owned(), "tcp:127.0.0.1:20917".to_owned()),
        "unix" => {
            let path = room.0.join("socket").display().to_string();
            (path.clone(), format!("unix:{path}"))
        }
        "fd" => ("4".to_owned(), "fd:4".to_owned()),
        _ => ("-".to_owned(), kind.to_owned()),
    };
    let place = room.0.display();
    let service = format!("/usr/bin/python3 {place}/program.py {delay} {kind} {address} {place}/ready");
    Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(&room.0)
        .env("ID", std::process::id().to_string())
        .env("SVCADAPT", binary())
        .env("SERVICE", service)
        .env("ADDRESS", address)
        .env("PROBE", probe)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
