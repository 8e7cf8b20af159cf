//! The standard streams of the program: terminals, sockets and data.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::unistd::ttyname;

use crate::harness::{Capability, Dir, Process, Svc, have, require};

/// A pseudoterminal: what a service writes to it can be read.
struct Pty {
    screen: File,
    _held: OwnedFd,
    path: PathBuf,
}

impl Pty {
    fn new() -> Self {
        let pty = openpty(None, None).unwrap();
        let path = ttyname(&pty.slave).unwrap();
        Self { screen: pty.master.into(), _held: pty.slave, path }
    }

    fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// What is on the screen after this text was written.
    fn shown(&mut self, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            let mut wait = [PollFd::new(std::os::fd::AsFd::as_fd(&self.screen), PollFlags::POLLIN)];
            assert_eq!(poll(&mut wait, PollTimeout::from(20_000_u16)).unwrap(), 1, "no {text:?} in {all:?}");
            let mut piece = [0; 4096];
            let read = self.screen.read(&mut piece).unwrap();
            all.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        all.replace('\r', "")
    }
}

/// svcadapt as a supervisor starts it: it leads no process group.
fn apart(dir: &Dir) -> Svc<'_> {
    let svcadapt = dir.program("svcadapt");
    Svc::new(dir).program("/usr/bin/setsid").args(["-w"]).args([svcadapt])
}

/// The size, the modes and the controlling terminal, as the program has them.
const LOOK: &str = "stty size; stty -a | grep -o -- '-\\?icanon'; : </dev/tty && echo controls; \
                    test /dev/fd/0 -ef \"$TTY\" && test /dev/fd/1 -ef \"$TTY\" && test /dev/fd/2 -ef \"$TTY\" && echo same; echo end";

#[test]
fn service_with_a_terminal_controls_it_on_all_its_streams() {
    let dir = Dir::new();
    for mode in ["classic", "supervised"] {
        let mut pty = Pty::new();
        let raw = std::process::Command::new("stty").args(["-F", &pty.path(), "raw"]).status().unwrap();
        assert!(raw.success());
        let tty = format!("TTY={}", pty.path());
        apart(&dir)
            .args(["run", "--mode", mode, "--type", "oneshot", "--standard-input", "tty", "--tty-path"])
            .args([pty.path().as_str(), "--tty-reset", "--tty-rows", "7", "--tty-columns", "33"])
            .args(["--environment", &tty, "--", "/bin/sh", "-c", LOOK])
            .run();
        assert_eq!(pty.shown("end"), "7 33\nicanon\ncontrols\nsame\nend\n", "{mode}");
    }
    dir.nothing_left();
}

#[test]
fn terminal_of_another_session_is_refused_waited_for_or_taken() {
    if !require(Capability::Root) || !have("setsid") {
        return;
    }
    let dir = Dir::new();
    let mut pty = Pty::new();
    let words = |claim: &'static str, path: &str| {
        ["run", "--mode", "supervised", "--standard-input", claim, "--tty-path", path]
            .map(str::to_owned)
            .into_iter()
            .chain(["--", "/bin/sh", "-c", "echo has it"].map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let pid = dir.join("pid").display().to_string();
    let script = format!("exec 3<>{}; echo $$ >{pid}; echo holds >&3; exec sleep 60 >&3 2>&3", pty.path());
    let owner = Svc::new(&dir).program("/usr/bin/setsid").args(["-w", "/bin/sh", "-c", &script]).spawn();
    pty.shown("holds");
    let holder = Process::open(dir.read("pid").trim().parse().unwrap()).unwrap();
    let refused = "svcadapt: standard input 'tty-fail': another session has this terminal\n  \
                   hint: --standard-input tty waits for it, tty-force takes it\n";
    apart(&dir).args(words("tty-fail", &pty.path())).stderr(refused).status(208).run();
    let waits = apart(&dir).args(words("tty", &pty.path())).spawn();
    apart(&dir).args(words("tty-force", &pty.path())).run();
    pty.shown("has it");
    assert_eq!(waits.finish().stderr, "");
    pty.shown("has it");
    holder.signal(Signal::SIGKILL);
    drop(owner);
}

#[test]
fn path_without_a_terminal_is_refused_with_the_status_of_its_stream() {
    let dir = Dir::new();
    for (option, value, status, stage) in [
        ("--standard-input", "tty", 208, "standard input"),
        ("--standard-output", "tty", 209, "standard output"),
        ("--standard-error", "tty", 222, "standard error"),
    ] {
        for mode in ["classic", "supervised"] {
            let words = ["run", "--mode", mode, option, value, "--tty-path", "/dev/null", "--", "/bin/true"];
            let stderr = format!("svcadapt: {stage} 'tty': it is not a terminal\n  hint: [ANY]\n");
            Svc::new(&dir).args(words).stderr(&stderr).status(status).run();
        }
    }
    dir.nothing_left();
}

#[test]
fn data_is_read_from_a_file_that_cannot_be_changed() {
    let dir = Dir::new();
    let out = format!("--standard-output=truncate:{}", dir.join("out").display());
    for mode in ["classic", "supervised"] {
        Svc::new(&dir)
            .args(["run", "--mode", mode, "--type", "oneshot", &out, "--standard-input-text", "a b"])
            .args(["--standard-input-data", "AP8K", "--"])
            .args(["/bin/sh", "-c", "cat | od -An -c; (echo x >&0) 2>/dev/null || echo fixed"])
            .run();
        assert_eq!(dir.read("out"), "   a       b  \\n  \\0 377  \\n\nfixed\n", "{mode}");
    }
    // Lines of a unit: escapes and specifiers, and `inherit` is no way to write into the data.
    let unit = format!(
        "[Service]\nType=oneshot\nStandardInputText=dropped\nStandardInputText=\nStandardInputText=a\\x41\\t%N\n\
         StandardInputData=Zm9v Cg==\nExecStart=/bin/sh -c \"cat >{}; readlink /proc/$$$$/fd/2 >>{0}; :\"\n\
         StandardOutput=inherit\n",
        dir.join("out").display()
    );
    let file = dir.write("fed.service", &unit).display().to_string();
    Svc::new(&dir).args(["run", "--mode", "classic", &file]).run();
    assert_eq!(dir.read("out"), "aA\tfed\nfoo\n/dev/null\n");
}

#[test]
fn socket_as_a_stream_is_not_passed_otherwise_and_a_named_one_is() {
    let dir = Dir::new();
    let (out, socket) = (dir.join("out").display().to_string(), dir.join("socket").display().to_string());
    let show = format!(
        "exec >{out}.1; for fd in 0 1 2 3; do readlink /proc/$$/fd/$fd; done | sed 's/[0-9][0-9]*/N/' ; \
         echo \"${{LISTEN_FDS-none}}\"; \
         [ /proc/self/fd/0 -ef /proc/self/fd/2 ] && echo one; mv {out}.1 {out}"
    );
    for mode in ["classic", "supervised"] {
        let run = |input: &str, more: &[&str]| {
            let words = ["run", "--mode", mode, "--type", "oneshot", "--listen-stream", &socket];
            Svc::new(&dir)
                .args(words)
                .args(["--standard-input", input])
                .args(more)
                .args(["--", "/bin/sh", "-c", &show])
                .run();
            // A monitor, which holds the socket, ends after the launcher.
            dir.wait_nothing_left();
            let shown = dir.read("out");
            std::fs::remove_file(dir.join("out")).unwrap();
            shown
        };
        let plain = |text: &str| text.replace(&format!("{out}.1"), "OUT");
        assert!(run("socket", &[]).starts_with("socket:[N]\n"), "{mode}");
        assert!(run("socket", &[]).ends_with("\nnone\none\n"), "{mode}: {}", plain(&run("socket", &[])));
        let named = run("fd:web", &["--file-descriptor-name", "web"]);
        assert!(named.ends_with("socket:[N]\n1\none\n"), "{mode}: {}", plain(&named));
    }
}

#[test]
fn stream_without_its_socket_is_refused_before_anything_is_made() {
    let dir = Dir::new();
    let hint = "  hint: --listen-stream makes a socket, --file-descriptor-name names it\n";
    let refused = |words: &[&str], stderr: &str, status| {
        let words = [&["run", "--mode", "classic"], words, &["--", "/bin/true"]].concat();
        Svc::new(&dir).args(words).stderr(&format!("{stderr}{hint}")).status(status).run();
    };
    refused(
        &["--standard-input", "socket"],
        "svcadapt: standard input 'socket': the service has no socket\n",
        208,
    );
    refused(
        &["--standard-output", "socket", "--listen-stream", "@a", "--listen-stream", "@b"],
        "svcadapt: standard output 'socket': the service has 2 sockets, not one\n",
        209,
    );
    refused(
        &["--standard-error", "fd:x", "--listen-stream", "@a"],
        "svcadapt: standard error 'fd:x': no socket of the service has this name\n",
        222,
    );
    dir.nothing_left();
}
