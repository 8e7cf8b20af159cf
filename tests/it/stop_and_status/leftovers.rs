//! Leftover processes of a service are found, reported and ended, whatever their number and behaviour.

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use super::support::Service;
use crate::harness::{Capability, Exit, Process, Svc, facts, require, wait_until};

/// A service whose main process is a shell with this script: `$0` is the test's own `sleep`.
fn shell(service: &Service, script: &str) {
    let wd = format!("--working-directory={}", service.dir.path().display());
    let ready = service.dir.join("up");
    let _ = fs::remove_file(&ready);
    let ready = format!("--ready=file:{}", ready.display());
    let sleep = service.dir.program("/bin/sleep");
    service.run(&[&ready, &wd]).args(["/bin/sh", "-c", script]).args([sleep]).run();
}

/// All processes that run the test's `sleep`.
fn sleepers(service: &Service) -> Vec<Process> {
    Process::of_program(&service.dir.program("/bin/sleep"))
}

fn kill_main(service: &Service) {
    let main = service.process();
    main.signal(Signal::SIGKILL);
    main.wait_gone();
}

#[test]
fn orphaned_workers_are_reported_by_status_and_ended_by_stop() {
    let service = Service::new("orphans");
    // In the session or in another one, without the lock's descriptor, or with an empty environment.
    for worker in [
        r#""$0" 120 &"#,
        r#"setsid "$0" 120 &"#,
        r#""$0" 120 32>&- &"#,
        r#"setsid "$0" 120 32>&- &"#,
        r#"env -i setsid "$0" 120 &"#,
    ] {
        shell(&service, &format!("{worker} : > up; wait"));
        wait_until("the worker runs", || (sleepers(&service).len() == 1).then_some(()));
        let worker_pid = sleepers(&service)[0].pid();
        kill_main(&service);
        let (status, reported) = service.query();
        let why =
            format!("its main process has ended, but process {worker_pid} that it left behind still runs");
        assert_eq!(
            (status, &reported["state"], &reported["why"]),
            (4, &json!("unknown"), &json!(why)),
            "{worker}"
        );
        let refused = format!(
            "svcadapt: start '[NAME]': its main process [PID] has ended, but process {worker_pid} that it left behind \
             still runs\n  hint: `svcadapt stop [NAME]` ends what is left; use --type forking for a program that goes into the background by itself\n"
        );
        service.start(&["--stay"]).name("[NAME]", &service.name).stderr(&refused).status(250).run();
        let stopped =
            "[NAME]: stopped; its main process had ended, and a process that it left behind has ended now\n";
        service.stop().stdout(stopped).run();
        service.dir.nothing_left();
        assert_eq!(service.query().0, 3);
    }
}

#[test]
fn killed_stop_is_finished_by_the_next_stop() {
    let service = Service::new("twice");
    let deaf = r#"(trap "" TERM; "$0" 120; "$0" 120) & : > up; exec "$0" 120"#;
    shell(&service, deaf);
    let main = service.process();
    let first = service.stop().args(["--timeout-stop-sec", "infinity"]).spawn();
    main.wait_gone();
    first.signal(Signal::SIGKILL);
    assert_eq!(first.finish().exit, Exit::Signal(9));
    assert_eq!(service.query().0, 4);
    let stop = service.stop().args(["--timeout-stop-sec", "300ms"]).output();
    assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""));
    service.dir.nothing_left();
    assert_eq!(service.query().0, 3);
}

#[test]
fn undeclared_forking_program_is_reported_with_a_hint() {
    let service = Service::new("away");
    let wd = format!("--working-directory={}", service.dir.path().display());
    let sleep = service.dir.program("/bin/sleep");
    service.run(&[&wd]).args(["/bin/sh", "-c", r#"setsid "$0" 120 & exit 0"#]).args([&sleep]).run();
    wait_until("the daemon is alone", || {
        let main = service.pid();
        (!sleepers(&service).is_empty() && facts(&main.to_string()).is_err()).then_some(())
    });
    service
        .status()
        .stdout(
            "[NAME]: unknown, its main process has ended, but process [PID] that it left behind still runs\n  \
             hint: `svcadapt stop` ends what is left; use --type forking for a program that goes into the background by itself\n  program: [ANY]\n  pid file: [ANY]\n",
        )
        .status(4)
        .run();
    assert_eq!(service.start(&["--stay"]).output().exit, Exit::Status(250));
    let stopped =
        "[NAME]: stopped; its main process had ended, and a process that it left behind has ended now\n";
    service.stop().stdout(stopped).run();
    service.dir.nothing_left();
}

#[test]
fn suspended_worker_is_continued_and_ended() {
    let service = Service::new("asleep");
    // The main process waits for the suspended one.
    shell(&service, r#"trap 'kill $!; wait; exit' TERM; "$0" 120 & : > up; wait"#);
    wait_until("the worker runs", || (sleepers(&service).len() == 1).then_some(()));
    sleepers(&service)[0].suspend();
    let stop = service.stop().args(["--timeout-stop-sec", "infinity"]).output();
    assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""));
    service.dir.nothing_left();
    // And one for which the main process does not wait.
    shell(&service, r#""$0" 120 & : > up; exec "$0" 120"#);
    wait_until("both run", || (sleepers(&service).len() == 2).then_some(()));
    let main = service.pid();
    let all = sleepers(&service);
    all.iter().find(|process| process.pid() != main).unwrap().suspend();
    let stop = service.stop().args(["--timeout-stop-sec", "infinity"]).output();
    assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""));
    service.dir.nothing_left();
}

#[test]
fn session_larger_than_the_open_file_limit_is_ended() {
    let service = Service::new("many");
    let many = r#"i=0; while [ $i -lt 300 ]; do "$0" 120 & i=$((i+1)); done; : > up; wait"#;
    shell(&service, many);
    // 64 open files are less than a quarter of the processes.
    let stopped = Svc::new(&service.dir)
        .program("/bin/sh")
        .args(["-c", r#"ulimit -n 64; exec "$0" stop "$1""#])
        .args([service.dir.program("svcadapt")])
        .args([&service.name])
        .deadline(Duration::from_secs(60))
        .output();
    let reported = format!("{}: stopped (SIGTERM, ", service.name);
    assert!(stopped.stdout.starts_with(&reported), "{stopped:?}");
    assert!(stopped.stdout.ends_with("; 300 processes that it left behind have ended too\n"), "{stopped:?}");
    service.dir.nothing_left();
}

#[test]
fn fork_chain_that_ignores_sigterm_is_ended() {
    if !require(Capability::Python) {
        return;
    }
    let service = Service::new("chain");
    // Open for writing as long as a process of the chain runs: /proc cannot be read as fast as it forks.
    let alive = service.dir.join("alive");
    mkfifo(&alive, Mode::from_bits_truncate(0o600)).unwrap();
    let mut reader = fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&alive).unwrap();
    let chain = "import os, signal, sys, time\n\
                 alive = os.open(sys.argv[2], os.O_WRONLY)\n\
                 if os.fork() == 0:\n    \
                     signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    \
                     open(sys.argv[1], 'w').write(str(os.getpgrp()))\n    \
                     end = time.monotonic() + 60\n    \
                     while time.monotonic() < end:\n        \
                         if os.fork(): os._exit(0)\n\
                 time.sleep(120)\n";
    let group = service.dir.join("group");
    let ready = format!("--ready=file:{}", group.display());
    service.run(&[&ready]).args(["/usr/bin/python3", "-c", chain]).args([&group, &alive]).run();
    wait_until("the group is known", || (!service.dir.read("group").is_empty()).then_some(()));
    let group = nix::unistd::Pid::from_raw(service.dir.read("group").parse().unwrap());
    nix::sys::signal::killpg(group, None).unwrap();
    let stop = service.stop().args(["--timeout-stop-sec", "300ms"]).output();
    assert_eq!((stop.exit, stop.stderr.as_str()), (Exit::Status(0), ""));
    wait_until("no process of the chain runs", || matches!(reader.read(&mut [0]), Ok(0)).then_some(()));
}

#[test]
fn session_with_a_reused_number_is_a_stranger() {
    let service = Service::new("session-number");
    service.start(&["--stay"]).run();
    kill_main(&service);
    // Start times are counted in ticks of a hundredth of a second (proc(5)); the next one has to be later.
    let record = fs::read_to_string(service.record()).unwrap();
    let start: f64 = record.lines().find_map(|line| line.strip_prefix("start=")?.parse().ok()).unwrap();
    wait_until("a later tick", || {
        let uptime: f64 = fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
        (uptime * 100.0 >= start + 2.0).then_some(())
    });
    // It has the number of the recorded session, but a later start time.
    let stranger =
        Svc::new(&service.dir).program("/usr/bin/setsid").args(["--wait", "/bin/sleep", "120"]).spawn();
    let leader = wait_until("it leads a session", || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", stranger.pid())).ok()?;
        let leads = |pid: &i64| facts(&pid.to_string()).is_ok_and(|seen| seen["sid"] == json!(pid));
        let own = i64::from(stranger.pid());
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).chain([own]).find(leads)
    });
    let record = fs::read_to_string(service.record()).unwrap();
    let lines = record.lines().map(|line| match line.split_once('=') {
        Some(("session", _)) => format!("session={leader}\n"),
        _ => format!("{line}\n"),
    });
    let record: String = lines.collect();
    assert!(record.contains(&format!("session={leader}\n")), "{record}");
    fs::write(service.record(), record).unwrap();
    assert_eq!(service.query().1["state"], json!("dead"));
    service.stop().stdout("[NAME]: not running\n").run();
    assert!(facts(&leader.to_string()).is_ok());
}
