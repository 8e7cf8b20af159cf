//! What a program says after its start, as long as it lives (sd_notify(3)).

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Dir, Exit, Process, Service, Svc, installed, wait_until};

/// The socket works after READY=1, and what was said is shown until it is replaced, over changes of the monitor's image.
#[test]
fn status_text_is_heard_and_shown_as_long_as_the_program_lives() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let traced = Traced::new();
    let program = "systemd-notify --ready --status='warming up'
        until [ -e \"$(dirname \"$0\")/go\" ]; do sleep 0.01; done
        systemd-notify \"$(printf 'STATUS=100 %% \\342\\200\\256 text=x')\"; exec sleep 1000";
    traced.run("classic", &["--ready", "notify"], program).run();
    let shown = |text: &str| {
        wait_until("the status is shown", || {
            let found = traced.ask("status").output();
            assert_eq!(found.exit, Exit::Status(0));
            found.stdout.contains(&format!("\n  status: {text}\n")).then_some(())
        });
    };
    shown("warming up");
    shown("warming up");
    traced.dir.write("go", "");
    shown("100 % \\u{202e} text=x");
    let found = traced.ask("status").args(["--json"]).output();
    assert!(found.stdout.contains("\"status_text\": \"100 % \\u202e text=x\""), "{}", found.stdout);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn reload_that_a_program_announces_is_shown_until_it_is_ready_again() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let traced = Traced::new();
    let program =
        "systemd-notify --ready; trap 'systemd-notify RELOADING=1' USR1; trap 'systemd-notify READY=1' USR2
        while :; do sleep 0.01; done";
    traced.run("classic", &["--type", "notify"], program).run();
    let main = traced.service.main();
    let is = |word: &str| {
        wait_until("the state is shown", || {
            traced.ask("status").output().stdout.contains(&format!(": {word}, process ")).then_some(())
        });
    };
    is("running");
    main.signal(Signal::SIGUSR1);
    is("reloading");
    main.signal(Signal::SIGUSR2);
    is("running");
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn process_named_by_the_program_is_its_main_process_if_it_is_its_own() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let traced = Traced::new();
    let program = "systemd-notify --ready; sleep 1000 & systemd-notify MAINPID=1; systemd-notify MAINPID=$!
        echo $! >\"$(dirname \"$0\")/second\"; wait";
    traced.run("classic", &["--type", "notify"], program).run();
    let second = wait_until("the second process is known", || {
        let text = std::fs::read_to_string(traced.dir.join("second")).ok()?;
        Process::open(text.trim().parse().ok()?).ok()
    });
    wait_until("it is the main process", || (traced.service.running()?.pid() == second.pid()).then_some(()));
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    second.wait_gone();
    traced.dir.nothing_left();
}

/// A unit means what it says: by its default only the main process is heard.
#[test]
fn process_that_the_unit_excludes_is_not_heard_and_is_named() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let sends = "import os,socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) \
                 .sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])";
    for (access, heard) in [("", "main"), ("NotifyAccess=exec\n", "exec"), ("NotifyAccess=all\n", "")] {
        let (dir, service) = (Dir::new(), Service::new());
        dir.executable("program", &format!("#!/bin/sh\npython3 -c \"{sends}\"\nexec sleep 1000\n"));
        let path = dir.path().display();
        let unit = format!(
            "[Service]\nType=notify\n{access}TimeoutStartSec=2\nStandardOutput=null\nExecStart={path}/program\n"
        );
        dir.write("a.service", &unit);
        let output = Svc::new(&dir)
            .args(["run", "--mode", "classic", "--name", service.name()])
            .args([dir.join("a.service")])
            .output();
        if heard.is_empty() {
            assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
            Svc::new(&dir).args(["stop", service.name()]).output();
        } else {
            assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
            let line = format!(" are ignored (NotifyAccess={heard})\n");
            assert_eq!(output.stderr.matches(&line).count(), 1, "{}", output.stderr);
        }
        dir.wait_nothing_left();
    }
}
