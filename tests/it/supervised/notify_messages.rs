//! The messages to the manager, byte for byte, received by a manager of the test's own that reads by systemd's rules.

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};

use super::support::{Gate, NO_PROCESSES, adapters, wait_catches_term, wait_no_adapter};
use crate::harness::{Dir, Exit, Running, Svc, free_port, wait_until};

/// A socket, and its name in the environment.
pub(crate) struct Manager {
    socket: UnixDatagram,
    pub(crate) address: String,
}

pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) sender: i32,
    /// Its user and group.
    pub(crate) user: (u32, u32),
    /// As long as it is open, the sender of a barrier waits.
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Manager {
    pub(crate) fn at_path(dir: &Dir) -> Self {
        let address = dir.join("notify").display().to_string();
        Self::new(UnixDatagram::bind(&address).unwrap(), address)
    }

    fn abstract_name(name: &str) -> Self {
        let name = format!("svcadapt-it-{name}-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Self::new(socket, format!("@{name}"))
    }

    fn new(socket: UnixDatagram, address: String) -> Self {
        setsockopt(&socket, PassCred, &true).unwrap();
        Self { socket, address }
    }

    /// Whether a message is waiting.
    pub(crate) fn has(&self) -> bool {
        let mut wanted = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut wanted, 0_u8).unwrap() > 0
    }

    /// The next message. One that is too long or contains a NUL is ignored, as by systemd.
    pub(crate) fn next(&self) -> Message {
        wait_until("a message arrives", || self.has().then_some(()));
        let mut bytes = vec![0; 4097];
        let mut space = cmsg_space!([i32; 4], [u8; 64]);
        let (mut sender, mut user, mut descriptors) = (0, (0, 0), Vec::new());
        let length = {
            let mut slices = [IoSliceMut::new(&mut bytes)];
            let message = recvmsg::<()>(
                self.socket.as_raw_fd(),
                &mut slices,
                Some(&mut space),
                MsgFlags::MSG_CMSG_CLOEXEC,
            )
            .unwrap();
            for control in message.cmsgs().unwrap() {
                match control {
                    ControlMessageOwned::ScmRights(numbers) => {
                        // SAFETY: the kernel has just made these descriptors for us, and no other code knows them.
                        #[allow(unsafe_code, reason = "nix hands over bare numbers")]
                        descriptors
                            .extend(numbers.iter().map(|&number| unsafe { OwnedFd::from_raw_fd(number) }));
                    }
                    ControlMessageOwned::ScmCredentials(who) => {
                        (sender, user) = (who.pid(), (who.uid(), who.gid()));
                    }
                    other => panic!("{other:?}"),
                }
            }
            message.bytes
        };
        assert!(length <= 4096 && !bytes[..length].contains(&0), "process 1 would drop this message");
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        Message { text, sender, user, descriptors }
    }
}

/// Starts svcadapt as systemd does, with its own pid in the environment.
fn under<'a>(dir: &'a Dir, address: &str, words: &[&str]) -> Svc<'a> {
    dir.program("inspect");
    let path = dir.path().display().to_string();
    Svc::new(dir)
        .program("/bin/sh")
        .args(["-c", "SYSTEMD_EXEC_PID=$$ exec ./svcadapt run \"$@\"", "sh"])
        .args(words.iter().map(|word| word.replace("[DIR]", &path)))
        .env("NOTIFY_SOCKET", address)
}

fn end(dir: &Dir, running: Running) {
    wait_catches_term(|| vec![running.pid()]);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn readiness_is_one_message_and_an_awaited_barrier() {
    for place in ["path", "abstract"] {
        let dir = Dir::new();
        let manager = if place == "path" { Manager::at_path(&dir) } else { Manager::abstract_name("ready") };
        let (gate, port) = (Gate::inspect(&dir), free_port().to_string());
        let probe = format!("tcp:127.0.0.1:{port}");
        let words = ["--ready", &probe, "--", "[DIR]/gated", "--listen", &format!("tcp:{port}"), "--stay"];
        let running = under(&dir, &manager.address, &words).spawn();
        gate.wait_started();
        assert!(!manager.has(), "told before it is ready");
        gate.open();
        let ready = manager.next();
        assert_eq!((ready.text.as_str(), ready.descriptors.len()), ("READY=1\n", 0));
        assert_ne!(ready.sender, running.pid());
        let barrier = manager.next();
        assert_eq!((barrier.text.as_str(), barrier.descriptors.len()), ("BARRIER=1", 1));
        assert_eq!(barrier.sender, ready.sender);
        // The barrier is still open, so the helper exists: systemd checks the sender.
        assert_eq!(adapters(&dir), [ready.sender]);
        drop(barrier);
        wait_no_adapter(&dir);
        assert!(!manager.has());
        end(&dir, running);
    }
}

#[test]
fn programs_own_messages_come_from_the_program() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let words = ["--ready", "notify", "--", "[DIR]/inspect", "--ready", "notify", "--stay"];
    let running = under(&dir, &manager.address, &words).spawn();
    let ready = manager.next();
    assert_eq!((ready.text.trim_end(), ready.sender), ("READY=1", running.pid()));
    assert_eq!(adapters(&dir), NO_PROCESSES);
    end(&dir, running);
}

#[test]
fn helper_gives_up_on_a_manager_that_never_reads() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    filler.connect(&manager.address).unwrap();
    while filler.send(b"full").is_ok() {}
    let begun = Instant::now();
    let words = ["--ready", "file:/", "--", "[DIR]/inspect", "--stdout", "up", "--stay"];
    let mut running = under(&dir, &manager.address, &words).spawn();
    running.wait_for("up\n");
    assert_eq!(adapters(&dir).len(), 1);
    wait_no_adapter(&dir);
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    end(&dir, running);
}

#[test]
fn helper_gives_up_on_a_manager_without_barriers() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let words = ["--ready", "file:/", "--", "[DIR]/inspect", "--stay"];
    let running = under(&dir, &manager.address, &words).spawn();
    assert_eq!(manager.next().text, "READY=1\n");
    let kept = manager.next();
    wait_no_adapter(&dir);
    drop(kept);
    end(&dir, running);
}

#[test]
fn manager_that_has_gone_does_not_disturb_the_program() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let gate = Gate::before(&dir, &format!(": > {0}/mark; exec {0}/inspect --stay", dir.path().display()));
    let words = ["--ready", "file:[DIR]/mark", "--", "[DIR]/gated"];
    let running = under(&dir, &manager.address, &words).spawn();
    gate.wait_started();
    fs::remove_file(&manager.address).unwrap();
    drop(manager);
    gate.open();
    wait_no_adapter(&dir);
    end(&dir, running);
}

#[test]
fn invalid_notify_socket_fails_before_the_program_starts() {
    let dir = Dir::new();
    for address in ["relative/path", "vsock:2", &format!("/{}", "x".repeat(120))] {
        let output =
            under(&dir, address, &["--ready", "file:/", "--", "[DIR]/inspect", "--out", "[DIR]/report"])
                .output();
        assert_eq!(output.exit, Exit::Status(202), "{}", output.stderr);
        assert!(output.stderr.starts_with("svcadapt: notify socket 'NOTIFY_SOCKET': "), "{}", output.stderr);
        assert!(!dir.join("report").exists());
    }
}

#[test]
fn helper_ends_with_the_program_and_sends_nothing() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let words = ["--ready", "file:/nowhere/x", "--", "[DIR]/inspect", "--exit-after", "50:7"];
    let output = under(&dir, &manager.address, &words).output();
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(7), ""));
    wait_no_adapter(&dir);
    assert!(!manager.has());
}

#[test]
fn failed_step_beside_a_helper_leaves_nothing() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    dir.executable("broken", "\x7fELF, or so it says");
    let name = format!("it-undo-helped-{}", std::process::id());
    // The second time the failing process has no right to remove its files.
    for user in [&[][..], &["--user", "nobody"]] {
        let words = [
            "--ready",
            "file:/nowhere/x",
            "--runtime-directory",
            &name,
            "--pid-file",
            &format!("/run/{name}.pid"),
            "--",
        ];
        let output = under(&dir, &manager.address, &[user, &words, &["[DIR]/broken"]].concat()).output();
        assert_eq!(output.exit, Exit::Status(203), "{}", output.stderr);
        wait_no_adapter(&dir);
        for path in
            [format!("/run/{name}"), format!("/run/{name}.pid"), format!("/run/svcadapt/.run,{name}.pid")]
        {
            assert!(fs::symlink_metadata(&path).is_err(), "{path} is still there");
        }
        assert!(!manager.has());
    }
}

#[test]
fn unreachable_manager_is_reported_on_standard_error() {
    let dir = Dir::new();
    let address = dir.join("nowhere").display().to_string();
    let reported = "svcadapt: notify socket '[DIR]/nowhere': no such file or directory\n  hint: the service is running, but its manager does not know that it is ready\n";
    let running = under(&dir, &address, &["--ready", "file:/", "--", "[DIR]/inspect", "--stay"]).spawn();
    wait_catches_term(|| vec![running.pid()]);
    let mut running = running;
    running.wait_for("does not know");
    running.signal(Signal::SIGTERM);
    let output = running.finish();
    assert_eq!(output.exit, Exit::Status(0));
    assert_eq!(output.stderr, reported.replace("[DIR]", &dir.path().display().to_string()));
    dir.nothing_left();
}

/// A probe that counts its tries, and succeeds while a file is there.
const COUNTED: &str = "exec:echo >>[DIR]/tries; test -e [DIR]/good";

#[test]
fn helper_feeds_the_watchdog_while_its_probe_succeeds() {
    for (ready, own) in [("file:/", false), ("notify", true)] {
        let dir = Dir::new();
        let manager = Manager::at_path(&dir);
        dir.write("good", "");
        let options = ["--watchdog-sec=300ms", "--watchdog-probe", COUNTED, "--ready", ready];
        let program = ["--", "[DIR]/inspect", "--ready", "notify", "--stay"];
        let program: Vec<&str> =
            program.into_iter().filter(|word| own || !["--ready", "notify"].contains(word)).collect();
        let running = under(&dir, &manager.address, &[&options[..], &program].concat()).spawn();
        let mut messages: Vec<(String, bool)> = Vec::new();
        let next = || {
            let message = manager.next();
            (message.text.trim_end().to_owned(), message.sender == running.pid())
        };
        // Enough to outlast the watchdog.
        while messages.iter().filter(|(text, _)| text == "WATCHDOG=1").count() < 4 {
            messages.push(next());
        }
        let readiness: Vec<_> = messages.iter().filter(|(text, _)| text == "READY=1").collect();
        assert_eq!(readiness, [&("READY=1".to_owned(), own)]);
        assert!(messages.iter().all(|(text, by_program)| text != "WATCHDOG=1" || !by_program));
        fs::remove_file(dir.join("good")).unwrap();
        let tries = || fs::read_to_string(dir.join("tries")).unwrap().lines().count();
        let before = tries();
        wait_until("it is tried on", || (tries() > before + 3).then_some(()));
        // Of a try that was under way.
        let mut late = 0;
        while manager.has() {
            assert_eq!(next().0, "WATCHDOG=1");
            late += 1;
        }
        assert!(late <= 1, "{late}");
        end(&dir, running);
    }
}
