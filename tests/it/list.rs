//! `svcadapt list --watch` on a terminal.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Dir, Service, Svc};

/// `svcadapt list --watch` on a pseudoterminal.
struct Watch {
    child: Child,
    screen: File,
    seen: String,
}

impl Watch {
    fn start(dir: &Dir) -> Self {
        let size = Winsize { ws_row: 200, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let child = Command::new(dir.program("svcadapt"))
            .args(["list", "--watch"])
            .stdin(Stdio::null())
            .stdout(slave)
            .spawn()
            .unwrap();
        Self { child, screen: master.into(), seen: String::new() }
    }

    /// Reads until the screen has this text.
    fn shows(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut wait = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
            assert_eq!(
                poll(&mut wait, PollTimeout::from(20_000_u16)).unwrap(),
                1,
                "no {text:?} in {:?}",
                self.seen
            );
            let mut piece = [0; 4096];
            let read = self.screen.read(&mut piece).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watched_list_shows_changes_and_restores_the_terminal() {
    let dir = Dir::new();
    let service = Service::new();
    let mut watch = Watch::start(&dir);
    watch.shows("\u{1b}[?1049h\u{1b}[?25l");
    watch.shows("NAME ");
    assert!(!watch.seen.contains(service.name()));
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", service.name(), "--", "/bin/sleep", "1000"])
        .run();
    watch.shows(&format!("{}  running", service.name()));
    // Another size is another screen.
    watch.seen.clear();
    watch.signal(Signal::SIGWINCH);
    watch.shows("NAME ");
    Svc::new(&dir).args(["stop", service.name()]).stdout("[ANY]\n").run();
    watch.seen.clear();
    watch.signal(Signal::SIGINT);
    let status = watch.child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32));
    watch.shows("\u{1b}[?25h\u{1b}[?1049l");
}

#[test]
fn list_is_watched_on_a_terminal_only() {
    let dir = Dir::new();
    Svc::new(&dir)
        .args(["list", "--watch"])
        .stderr("svcadapt: standard output: not a terminal\n  hint: without --watch the table is printed once; `svcadapt wait` waits for one service\n")
        .status(1)
        .run();
}
