//! A reload ends when the probes of the service hold again.

use std::{fs, thread};

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Exit, Process, wait_until};

/// On SIGHUP it writes a line, waits for the file `gate`, and is ready when it has written the file `ready`.
const PROGRAM: &str = "cd \"$(dirname \"$0\")\"; trap 'echo reloading >>log; until rm gate; do sleep 0.01; done 2>/dev/null; \
    echo again; echo >ready' HUP; echo >ready; echo again; while :; do sleep 0.01; done";

/// With and without a process that stays.
const KEPT: [&[&str]; 2] = [&[], &["--restart", "always"]];

fn start(traced: &Traced, probe: &str, more: &[&str]) {
    let dir = traced.dir.path().display().to_string();
    let reload = format!("/bin/sh -c 'rm {dir}/ready; kill -HUP $MAINPID'");
    let probe = probe.replace("[DIR]", &dir);
    let options = [&["--ready", probe.as_str(), "--exec-reload", reload.as_str()], more].concat();
    traced.run("classic", &options, PROGRAM).run();
}

/// The program may remove it at once.
fn open_gate(traced: &Traced) {
    fs::write(traced.dir.join("gate"), "").unwrap();
}

fn stop(traced: &Traced) {
    assert_eq!(traced.ask("stop").output().exit, Exit::Status(0));
    traced.dir.nothing_left();
}

#[test]
fn reload_ends_when_the_probes_hold_again() {
    for (probe, kept) in ["file:[DIR]/ready", "exec:test -e [DIR]/ready"]
        .into_iter()
        .flat_map(|probe| KEPT.map(|kept| (probe, kept)))
    {
        let traced = Traced::new();
        start(&traced, probe, kept);
        assert_eq!(traced.service.monitor().is_some(), !kept.is_empty());
        thread::scope(|scope| {
            let reload = scope.spawn(|| traced.ask("reload").stdout("[NAME]: reloaded\n").run());
            assert_eq!(traced.wait_for_lines(2), ["program", "reloading"]);
            assert!(!reload.is_finished(), "{probe} {kept:?}");
            open_gate(&traced);
            reload.join().unwrap();
        });
        assert!(traced.dir.join("ready").exists());
        stop(&traced);
    }
}

#[test]
fn reload_after_which_a_probe_does_not_hold_fails_and_names_it() {
    for kept in KEPT {
        let traced = Traced::new();
        start(&traced, "file:[DIR]/ready", &[&["--timeout-start-sec=300ms"], kept].concat());
        let main = traced.service.main();
        let missing = "svcadapt: reload '[NAME]': not ready again in time, still missing: file:[DIR]/ready\n  hint: it goes on; \
            `svcadapt logs` shows what it says\n";
        traced.ask("reload").stderr(missing).status(1).run();
        assert!(main.is_alive());
        assert!(traced.ask("status").output().stdout.contains(": running, "));
        open_gate(&traced);
        wait_until("it is ready again", || traced.dir.join("ready").exists().then_some(()));
        open_gate(&traced);
        traced.ask("reload").stdout("[NAME]: reloaded\n").run();
        assert_eq!(traced.service.main().pid(), main.pid());
        stop(&traced);
    }
}

/// A program need not print it at each reload.
#[test]
fn line_of_the_start_is_not_awaited_again() {
    for kept in KEPT {
        let traced = Traced::new();
        let output = format!("append:{}", traced.dir.join("output").display());
        let options =
            [&["--ready", "log:^up$", "--reload-signal", "HUP", "--standard-output", &output], kept].concat();
        traced.run("classic", &options, "trap : HUP; echo up; while :; do sleep 0.05; done").run();
        traced.ask("reload").stdout("[NAME]: reloaded\n").run();
        stop(&traced);
    }
}

#[test]
fn probe_that_hangs_after_a_reload_leaves_no_process() {
    for kept in KEPT {
        let traced = Traced::new();
        let hang = "#!/bin/sh\necho $$ >\"$(dirname \"$0\")/hung\"\nwhile :; do sleep 0.1; done\n";
        let hang = traced.dir.executable("hang", hang).display().to_string();
        let probe = format!("exec:test -e [DIR]/ready || {{ test -e [DIR]/hangs && {hang}; false; }}");
        start(&traced, &probe, &[&["--timeout-start-sec=500ms"], kept].concat());
        traced.dir.write("hangs", "");
        assert_eq!(traced.ask("reload").output().exit, Exit::Status(1));
        let hung: i32 = traced.dir.read("hung").trim().parse().unwrap();
        wait_until("the probe's command is gone", || Process::open(hung).is_err().then_some(()));
        stop(&traced);
    }
}

/// A monitor passes SIGCONT on, so the program of one would not stay suspended.
#[test]
fn program_that_does_not_take_the_signal_is_not_reloaded() {
    let traced = Traced::new();
    let ready = format!("file:{}", traced.dir.join("ready").display());
    let options = ["--ready", &ready, "--reload-signal=HUP", "--timeout-start-sec=300ms"];
    traced.run("classic", &options, PROGRAM).run();
    let main = traced.service.main();
    main.signal(Signal::SIGSTOP);
    let state = || fs::read_to_string(format!("/proc/{}/stat", main.pid())).unwrap().contains(" T ");
    wait_until("it is suspended", || state().then_some(()));
    let output = traced.ask("reload").output();
    assert!(output.stderr.contains("still missing: the program has not taken SIGHUP"), "{}", output.stderr);
    assert_eq!(output.exit, Exit::Status(1));
    main.signal(Signal::SIGCONT);
    traced.wait_for_lines(2);
    stop(&traced);
}

#[test]
fn program_that_ends_during_a_reload_has_not_reloaded() {
    for kept in KEPT {
        let traced = Traced::new();
        start(&traced, "file:[DIR]/ready", kept);
        let main = traced.service.main();
        thread::scope(|scope| {
            let reload = scope.spawn(|| traced.ask("reload").output());
            traced.wait_for_lines(2);
            main.signal(Signal::SIGKILL);
            let output = reload.join().unwrap();
            assert_eq!(output.exit, Exit::Status(1), "{}", output.stdout);
            assert!(output.stderr.contains("the service has not done it"), "{}", output.stderr);
        });
        if !kept.is_empty() {
            wait_until("it is started again", || traced.dir.join("ready").exists().then_some(()));
            stop(&traced);
        }
        fs::remove_file(traced.dir.join("ready")).ok();
    }
}
