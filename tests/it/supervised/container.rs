//! svcadapt as process 1 of a container stays: it reaps orphans, forwards signals, and exits with its program's status.

use std::fs;

use nix::sys::signal::Signal;

use super::notify_messages::Manager;
use super::support::{Gate, adapters, children, in_container, wait_catches_term};
use crate::harness::{Capability, Dir, Exit, Process, Running, Svc, require, wait_until};

/// svcadapt as process 1, with these words, where `[DIR]` is the directory.
fn container<'a>(dir: &'a Dir, words: &[&str]) -> Svc<'a> {
    dir.program("inspect");
    in_container(dir, &[&["[DIR]/svcadapt", "run"], words].concat())
}

/// Process 1, by its outer pid.
fn init(dir: &Dir) -> Process {
    let alone = wait_until("there is one svcadapt", || match adapters(dir).as_slice() {
        [one] => Some(*one),
        _ => None,
    });
    Process::open(alone).unwrap()
}

fn end(dir: &Dir, running: Running) {
    let init = init(dir);
    wait_catches_term(|| children(init.pid()));
    init.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn init_exit_status_is_the_programs() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    for status in [0, 3, 255] {
        container(&dir, &["--", "[DIR]/inspect", "--exit", &status.to_string()]).status(status).run();
    }
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGKILL, 137), (Signal::SIGSEGV, 139)] {
        let kill = format!("kill -{} $$", signal as i32);
        container(&dir, &["--", "/bin/sh", "-c", &kill]).status(status).run();
        // The same before readiness.
        container(&dir, &["--ready", "file:/nowhere/x", "--", "/bin/sh", "-c", &kill]).status(status).run();
    }
    dir.nothing_left();
}

#[test]
fn program_of_a_container_is_a_child_with_clean_state() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let (svcadapt, inspect) = (dir.program("svcadapt"), dir.program("inspect"));
    let text = format!(
        "exec 3< /dev/null; exec unshare -pf --mount-proc --kill-child '{}' run --umask 027 -- '{}' --out report",
        svcadapt.display(),
        inspect.display()
    );
    let report = dir.join("report").display().to_string();
    Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", &text.replace("--out report", &format!("--out {report}"))])
        .env("LISTEN_PID", "1")
        .env("LISTEN_FDS", "1")
        .env("KEPT", "yes")
        .run();
    let seen = dir.report("report");
    assert_ne!(seen["pid"], 1);
    assert_eq!(seen["ppid"], 1);
    assert_eq!(seen["env"]["LISTEN_PID"], seen["pid"].to_string());
    assert_eq!(seen["env"]["LISTEN_FDS"], "1");
    assert_eq!(seen["env"]["KEPT"], "yes", "what the image says is meant for the program");
    assert_eq!(seen["umask"], "0027");
    assert_eq!(seen["fds"].as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    for set in ["blocked", "ignored", "caught"] {
        assert_eq!(seen["signals"][set], serde_json::json!([]));
    }
    dir.nothing_left();
}

#[test]
fn init_reaps_orphans_while_the_program_runs() {
    if !require(Capability::Root) {
        return;
    }
    for (options, hostile) in [(&[][..], false), (&["--ready", "file:/nowhere/x"], false), (&[], true)] {
        let dir = Dir::new();
        // Each child of the subshell becomes an orphan when the subshell ends.
        let orphans = "for n in 1 2 3 4 5 6 7 8 9 10; do ( /bin/true & /bin/true & ) ; done";
        let text = format!("{orphans}; exec '{}/inspect' --stdout up --stay", dir.path().display());
        let mut svc = container(&dir, &[options, &["--", "/bin/sh", "-c", &text]].concat());
        if hostile {
            svc = svc.via_hostile(&["--only", "ignored,blocked"]);
        }
        let mut running = svc.spawn();
        running.wait_for("up\n");
        let init = init(&dir);
        wait_until("only the program is left", || (children(init.pid()).len() == 1).then_some(()));
        end(&dir, running);
    }
}

#[test]
fn init_forwards_every_signal_each_time() {
    if !require(Capability::Root) {
        return;
    }
    for options in [&[][..], &["--ready", "file:/nowhere/x"]] {
        let dir = Dir::new();
        let text = "for s in HUP INT QUIT USR1 USR2 WINCH; do trap \"echo got $s\" $s; done\n\
                    trap 'n=$((n + 1)); echo term $n; [ $n = 1 ] || exit 3' TERM\n\
                    echo up\nwhile :; do sleep 60 & wait; done";
        let mut running = container(&dir, &[options, &["--", "/bin/sh", "-c", text]].concat()).spawn();
        running.wait_for("up\n");
        let init = init(&dir);
        for signal in [
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGUSR1,
            Signal::SIGUSR2,
            Signal::SIGWINCH,
        ] {
            init.signal(signal);
            running.wait_for(&format!("got {}\n", &signal.as_str()[3..]));
        }
        init.signal(Signal::SIGTERM);
        running.wait_for("term 1\n");
        init.signal(Signal::SIGTERM);
        running.wait_for("term 2\n");
        let output = running.finish();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(3), ""));
        assert_eq!(output.stdout.lines().count(), 9, "{}", output.stdout);
        dir.nothing_left();
    }
}

#[test]
fn container_ends_with_its_program() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let text = "trap '' TERM; (sleep 60 >/dev/null 2>&1 &); exit 5";
    container(&dir, &["--", "/bin/sh", "-c", text]).status(5).run();
    dir.nothing_left();
}

#[test]
fn init_sends_readiness_to_the_outer_manager() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let path = dir.path().display();
    let gate = Gate::before(&dir, &format!(": > '{path}/mark'\nexec '{path}/inspect' --stay"));
    let words = ["--ready", "file:[DIR]/mark", "--", "[DIR]/gated"];
    let running = container(&dir, &words).env("NOTIFY_SOCKET", &manager.address).spawn();
    gate.wait_started();
    assert!(!manager.has());
    gate.open();
    let ready = manager.next();
    assert_eq!((ready.text.as_str(), ready.sender), ("READY=1\n", init(&dir).pid()));
    end(&dir, running);
}

#[test]
fn init_passes_on_the_readiness_of_a_notifying_program() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let gate = Gate::inspect(&dir);
    let words = ["--ready", "notify", "--", "[DIR]/gated", "--ready", "notify", "--stay"];
    let running = container(&dir, &words).env("NOTIFY_SOCKET", &manager.address).spawn();
    gate.wait_started();
    let init = init(&dir);
    assert!(!manager.has(), "told before the program is ready");
    gate.open();
    let ready = manager.next();
    // The manager knows the init, not the program.
    assert_eq!((ready.text.as_str(), ready.sender), ("READY=1\n", init.pid()));
    assert!(!manager.has());
    end(&dir, running);
}

#[test]
fn failed_step_in_a_container_is_reported_and_undone() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    dir.executable("broken", "\x7fELF, or so it says");
    let name = format!("it-container-{}", std::process::id());
    let pid_file = format!("/run/{name}.pid");
    let options = ["--user", "nobody", "--runtime-directory", &name, "--pid-file", &pid_file, "--"];
    container(&dir, &[&options[..], &["[DIR]/broken"]].concat())
        .stderr("svcadapt: exec '[DIR]/broken': exec format error\n")
        .status(203)
        .run();
    let lock = format!("/run/svcadapt/.run,{name}.pid");
    for path in [pid_file.clone(), format!("/run/{name}"), lock] {
        assert!(fs::symlink_metadata(&path).is_err(), "{path} is still there");
    }
    container(&dir, &["--working-directory", "/root", "--user", "nobody", "--", "/bin/true"])
        .stderr("svcadapt: working directory '/root': permission denied\n  hint: [ANY]\n")
        .status(200)
        .run();
}

/// A container is stopped by SIGTERM or by a terminal, but its program may want another signal.
#[test]
fn init_stops_its_program_by_the_kill_signal() {
    if !require(Capability::Root) {
        return;
    }
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let dir = Dir::new();
        let text = "trap 'echo quit; exit 6' QUIT\ntrap 'echo reload' USR1\necho up\nwhile :; do sleep 60 & wait; done";
        let options = ["--kill-signal", "QUIT", "--reload-signal", "USR1", "--", "/bin/sh", "-c", text];
        let mut running = container(&dir, &options).spawn();
        running.wait_for("up\n");
        let init = init(&dir);
        init.signal(Signal::SIGHUP);
        running.wait_for("reload\n");
        init.signal(signal);
        let output = running.finish();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(6), ""));
        dir.nothing_left();
    }
}

#[test]
fn container_ends_with_its_forking_program() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    dir.program("daemonic");
    let pid_file = ["--pid-file", "[DIR]/its.pid"];
    let options =
        [&["--type", "forking"], &pid_file[..], &["--", "[DIR]/daemonic", "--forks", "2"], &pid_file]
            .concat();
    let start = |end: &[&str]| container(&dir, &[&options[..], &["[DIR]/inspect"], end].concat());
    for status in [0, 5] {
        start(&["--exit-after", &format!("1000:{status}")]).status(status).run();
    }
    let words = ["--stdout", "up", "--stay"];
    let mut running = start(&words).spawn();
    running.wait_for("up\n");
    let init = init(&dir);
    wait_until("only the daemon is left", || (children(init.pid()).len() == 1).then_some(()));
    wait_catches_term(|| children(init.pid()));
    init.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}
