//! Programs that become a service by the library under every supervisor: one binary without options behaves correctly
//! under each.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{
    Capability, Dir, Exit, Process, Service, Svc, Systemd, facts, free_port, have, require, wait_until,
};
use crate::supervised::notify_messages::Manager;
use crate::supervised::support::{Unit, children};

/// The command line, the same under each supervisor.
pub(crate) fn line(dir: &Dir, deeds: &[&str]) -> String {
    let program = dir.program("becomes").display().to_string();
    let log = dir.join("log").display().to_string();
    let words = ["--log", &log, "--signal", "TERM=tell", "--signal", "HUP=tell", "enter", "mode", "asked"];
    let all = [&[program.as_str()], &words[..], deeds].concat();
    all.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

pub(crate) fn logged(dir: &Dir, line: &str) {
    let read = || fs::read_to_string(dir.join("log")).unwrap_or_default();
    let is_there = || read().lines().any(|known| known == line);
    let until = Instant::now() + Duration::from_secs(8);
    wait_until("the log has the line, or eight seconds have passed", || {
        (is_there() || Instant::now() > until).then_some(())
    });
    assert!(is_there(), "{line:?} is not in the log:\n{}", read());
}

pub(crate) fn gate(dir: &Dir) -> String {
    format!("wait={}", dir.join("gate").display())
}

#[test]
fn program_started_by_a_shell_daemonizes() {
    let dir = Dir::new();
    let line = line(&dir, &["ready", "signals", "stopping"]);
    Svc::new(&dir).program("/bin/sh").args(["-c", &line]).run();
    logged(&dir, "mode: (\"classic\", \"none\")");
    logged(&dir, "ready: Ok(Launcher)");
    let main = Process::of_program(&dir.program("becomes")).pop().unwrap();
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    logged(&dir, "stopping: Ok(())");
    dir.nothing_left();
}

#[test]
fn systemd_notify_unit_gets_readiness_from_its_main_process() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let deeds = [&gate(&dir), "ready", "status=open", "watchdog", "signals", "stopping"];
    let text =
        format!("[Service]\nType=notify\nWatchdogSec=60\nUMask=0031\nExecStart={}\n", line(&dir, &deeds));
    let unit = Unit::write(systemd, "itself", &text);
    unit.begin();
    logged(&dir, "asked: true");
    assert_eq!(unit.state(&["ActiveState", "SubState"]), "activating start");
    dir.write("gate", "");
    unit.wait_active();
    logged(&dir, "mode: (\"supervised\", \"systemd\")");
    logged(&dir, "ready: Ok(Manager)");
    logged(&dir, "watchdog: Some((60s, Ok(())))");
    let main = unit.main();
    assert_eq!(children(main.pid()), crate::supervised::support::NO_PROCESSES);
    assert_eq!(unit.show("StatusText"), "open");
    let seen = facts(&main.pid().to_string()).unwrap();
    assert_eq!(
        (&seen["umask"], &seen["ppid"]),
        (&"0031".into(), &facts_of_init(&seen)),
        "what systemd has made stays"
    );
    systemd.must(&["kill", "--signal=HUP", &unit.name]);
    logged(&dir, "signal: SIGHUP");
    unit.stop();
    logged(&dir, "stopping: Ok(())");
    assert_eq!(unit.state(&["ActiveState", "Result", "ExecMainStatus"]), "inactive success 0");
    drop(unit);
    dir.nothing_left();
}

/// Its parent is process 1 of its namespace.
fn facts_of_init(seen: &serde_json::Value) -> serde_json::Value {
    let parent = seen["ppid"].as_i64().unwrap();
    assert_eq!(
        facts(&parent.to_string()).unwrap()["argv"][0].as_str().unwrap().rsplit('/').next(),
        Some("systemd")
    );
    parent.into()
}

#[test]
fn systemd_unit_fails_with_the_programs_status() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let unit = Unit::write(
        systemd,
        "itself-fails",
        &format!("[Service]\nType=notify\nExecStart={}\n", line(&dir, &["fail=no bells"])),
    );
    assert_ne!(unit.start().exit, Exit::Status(0));
    assert_eq!(
        unit.state(&["ActiveState", "Result", "ExecMainStatus", "StatusText"]),
        "failed exit-code 1 no bells"
    );
    drop(unit);
    dir.nothing_left();
}

/// A daemonized main process is adopted by its pid file, and the manager's answer says that it has to fork.
#[test]
fn systemd_forking_unit_is_daemonized() {
    let Some(systemd) = Systemd::shared() else { return };
    for (detach, reexecute) in [("yes", "never"), ("auto", "never"), ("auto", "always")] {
        let dir = Dir::new();
        let pid_file = format!("/run/it-itself-{}.pid", std::process::id());
        let program = dir.program("becomes").display().to_string();
        let log = dir.join("log").display().to_string();
        let text = format!(
            "[Service]\nType=forking\nPIDFile={pid_file}\nExecStart={program} --log {log} --detach {detach} \
             --reexecute {reexecute} --set pid-file={pid_file} enter mode ready stay\n"
        );
        let unit = Unit::write(systemd, "itself-forks", &text);
        assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
        assert_eq!(unit.show("ActiveState"), "active");
        logged(&dir, "mode: (\"classic\", \"systemd\")");
        logged(&dir, "ready: Ok(Launcher)");
        let main = unit.main();
        unit.stop();
        main.wait_gone();
        assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
        drop(unit);
        dir.nothing_left();
    }
}

#[test]
fn systemd_socket_is_found_by_name() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let port = free_port();
    let text = format!(
        "[Service]\nType=notify\nExecStart={}\n",
        line(&dir, &["ready", "sh=env | grep -c LISTEN_; ls /proc/self/fd | wc -l", "listeners", "signals"])
    );
    let unit = Unit::write(systemd, "itself-socket", &text);
    systemd.write_unit(
        "it-itself-socket.socket",
        &format!("[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:{port}\nFileDescriptorName=web\n"),
    );
    systemd.must(&["start", "it-itself-socket.socket"]);
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"hello").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    logged(&dir, "listeners: \"web\"");
    // Children inherit neither the variables nor the socket (0 to 2, and the directory that is read).
    logged(&dir, "sh: \"0\\n4\\n\"");
    unit.wait_active();
    systemd.must(&["stop", "it-itself-socket.socket"]);
    unit.stop();
    drop(unit);
    dir.nothing_left();
}

/// systemd-socket-activate(1) is no service manager, but it sets LISTEN_PID to the program's pid, so the sockets reach
/// the daemon.
#[test]
fn systemd_socket_activate_passes_sockets_to_the_daemon() {
    const ACTIVATE: &str = "/usr/bin/systemd-socket-activate";
    if !require(Capability::Systemd) || !std::path::Path::new(ACTIVATE).exists() {
        return;
    }
    let ways = [("yes", "never", "classic"), ("yes", "always", "classic"), ("no", "always", "supervised")];
    for (detach, reexecute, expected_mode) in ways {
        let (dir, port) = (Dir::new(), free_port());
        let program = dir.program("becomes").display().to_string();
        let log = dir.join("log").display().to_string();
        let words = [
            "--log",
            &log,
            "--detach",
            detach,
            "--reexecute",
            reexecute,
            "enter",
            "mode",
            "ready",
            "listeners",
        ];
        let mut running = Svc::new(&dir)
            .program(ACTIVATE)
            .args(["-l", &format!("127.0.0.1:{port}"), "--fdname=web", &program])
            .args(words)
            .spawn();
        running.wait_for("Listening on");
        let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        connection.write_all(b"hello").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "hello");
        assert_eq!(running.finish().exit, Exit::Status(0));
        // With --detach no, a LISTEN_PID that names this process comes from a manager.
        let manager = if expected_mode == "classic" { "none" } else { "other" };
        logged(&dir, &format!("mode: (\"{expected_mode}\", \"{manager}\")"));
        logged(&dir, "listeners: \"web\"");
        wait_until("it has ended", || Process::of_program(&dir.program("becomes")).is_empty().then_some(()));
    }
}

#[test]
fn systemd_credential_is_read() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let text = format!(
        "[Service]\nType=notify\nSetCredential=token:secret\nExecStart={}\n",
        line(&dir, &["credential=token", "ready", "signals"])
    );
    let unit = Unit::write(systemd, "itself-credential", &text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    logged(&dir, "credential: Some(\"secret\")");
    unit.stop();
}

#[test]
fn s6_gets_readiness_on_its_notification_descriptor() {
    if !have("s6-supervise") {
        return;
    }
    let dir = Dir::new();
    let command = |program: &str, words: &[&str]| {
        Svc::new(&dir).program(&format!("/usr/bin/{program}")).args(words).args(["service"]).output()
    };
    fs::create_dir(dir.join("service")).unwrap();
    let text = format!("#!/bin/sh\nexec {}\n", line(&dir, &[&gate(&dir), "ready", "signals", "stopping"]));
    dir.executable("service/run", &text);
    dir.write("service/notification-fd", "3\n");
    let running = Svc::new(&dir).program("/usr/bin/s6-supervise").args(["service"]).spawn();
    logged(&dir, "asked: true");
    // s6 records that the service is up after it has started it.
    let state = || command("s6-svstat", &["-o", "up,ready"]).stdout;
    wait_until("s6 knows that it is up", || (state() != "false false\n").then_some(()));
    assert_eq!(state(), "true false\n");
    dir.write("gate", "");
    assert_eq!(command("s6-svwait", &["-U", "-t", "10000"]).exit, Exit::Status(0));
    logged(&dir, "mode: (\"supervised\", \"s6\")");
    logged(&dir, "ready: Ok(Supervisor)");
    let pid = command("s6-svstat", &["-o", "pid"]).stdout.trim_end().to_owned();
    assert_eq!(Process::of_program(&dir.program("becomes")).pop().unwrap().pid().to_string(), pid);
    assert_eq!(command("s6-svc", &["-dx"]).exit, Exit::Status(0));
    assert_eq!(running.finish().exit, Exit::Status(0));
    logged(&dir, "stopping: Ok(())");
    dir.nothing_left();
}

/// Process 1 stays as an init; the service is its child, and the container ends with it.
#[test]
fn container_init_stays_and_the_service_is_its_child() {
    if !require(Capability::Root) {
        return;
    }
    for (reexecute, end, status) in [("never", "exit=0", 0), ("never", "exit=7", 7), ("always", "exit=7", 7)]
    {
        let dir = Dir::new();
        // Orphans are reaped in the meantime.
        let orphans = "sh=for n in 1 2 3 4 5; do (/bin/true & /bin/true &); done";
        let line = line(&dir, &["--reexecute", reexecute, orphans, "ready", "signals", end]);
        let running = Svc::new(&dir)
            .program("/usr/bin/unshare")
            .args(["-pf", "--mount-proc", "--kill-child", "/bin/sh", "-c", &format!("exec {line}")])
            .spawn();
        logged(&dir, "mode: (\"supervised\", \"container\")");
        logged(&dir, "ready: Ok(Nobody)");
        let all = wait_until("process 1 and the service are there", || {
            let all = Process::of_program(&dir.program("becomes"));
            (all.len() == 2).then_some(all)
        });
        let init = all.iter().find(|one| !children(one.pid()).is_empty()).unwrap();
        wait_until("orphans are reaped", || (children(init.pid()).len() == 1).then_some(()));
        init.signal(Signal::SIGHUP);
        logged(&dir, "signal: SIGHUP");
        init.signal(Signal::SIGTERM);
        assert_eq!(running.finish().exit, Exit::Status(status));
        dir.nothing_left();
    }
}

#[test]
fn notify_messages_to_the_manager_are_exact() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    // systemd waits for nothing here, and NOTIFY_SOCKET is the test's own.
    let text = format!(
        "[Service]\nType=exec\nEnvironment=NOTIFY_SOCKET={}\nExecStart={}\n",
        manager.address,
        line(&dir, &["status=a\u{9}b\u{202e}", "ready", "reloading", "ready", "stopping", "signals"])
    );
    let unit = Unit::write(systemd, "itself-exact", &text);
    unit.begin();
    assert_eq!(manager.next().text, "STATUS=a\\tb\\u{202e}\n");
    assert_eq!(manager.next().text, "READY=1\n");
    let reloading = manager.next().text;
    let time =
        reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
    assert!(time.is_some_and(|time| time.parse::<u64>().is_ok()), "{reloading:?}");
    assert_eq!(manager.next().text, "READY=1\n");
    assert_eq!(manager.next().text, "STOPPING=1\n");
    unit.stop();
}

/// `run` has daemonized the program already. Both may use the same name.
#[test]
fn program_daemonized_by_run_does_not_fork_again() {
    for (options, ready) in [
        (&["--ready", "notify"][..], "ready: Ok(Manager)"),
        (&["--name", "[NAME]", "--ready", "notify"], "ready: Ok(Manager)"),
        (&["--name", "[NAME]"], "ready: Ok(Nobody)"),
        (&["--name", "[NAME]", "--ready", "file:[DIR]/there"], "ready: Ok(Nobody)"),
        (&["--ready", "file:[DIR]/there"], "ready: Ok(Nobody)"),
        (&[], "ready: Ok(Nobody)"),
    ] {
        let options_name_it = options.contains(&"--name");
        for own in [false, true] {
            let (dir, service) = (Dir::new(), Service::new());
            let program = dir.program("becomes").display().to_string();
            let log = dir.join("log").display().to_string();
            let there = format!("report={}", dir.join("there").display());
            let name = format!("name={}", service.name());
            let path = dir.path().display().to_string();
            let options =
                options.iter().map(|word| word.replace("[NAME]", service.name()).replace("[DIR]", &path));
            let own: &[&str] = if own { &["--set", &name] } else { &[] };
            Svc::new(&dir)
                .args(["run", "--mode", "classic"])
                .args(options)
                .args(["--", &program, "--log", &log, "--signal", "TERM=tell"])
                .args(own)
                .args(["enter", "mode", "ready", &there, "signals"])
                .run();
            logged(&dir, "mode: (\"supervised\", \"svcadapt\")");
            logged(&dir, ready);
            let all = Process::of_program(&dir.program("becomes"));
            assert_eq!(all.len(), 1, "{all:?}");
            if let Some(main) = service.running() {
                assert_eq!(main.pid(), all[0].pid());
                let output = Svc::new(&dir).args(["stop", service.name()]).output();
                assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
            } else {
                assert!(own.is_empty() && !options_name_it, "it cannot be found by its name");
                all[0].signal(Signal::SIGTERM);
                all[0].wait_gone();
            }
            // A monitor ends after its program.
            dir.wait_nothing_left();
        }
    }
}

/// It does not fork below a `run` that stays or has become the program: in a container a second daemon would end it,
/// and a shell wants it in the foreground.
#[test]
fn program_below_a_run_that_stays_does_not_fork() {
    let dir = Dir::new();
    let (svcadapt, program) = (dir.program("svcadapt"), dir.program("becomes"));
    let log = dir.join("log").display().to_string();
    for (mode, container, manager, status) in [
        // `run` as process 1 is the init of the program.
        ("auto", true, "init", 7),
        ("supervised", true, "init", 8),
        ("supervised", false, "svcadapt", 9),
    ] {
        if container && !require(Capability::Root) {
            continue;
        }
        let text = format!(
            "exec '{}' run --mode {mode} -- '{}' --log '{log}' enter mode ready 'sh=env | grep -c SVCADAPT_' exit={status}",
            svcadapt.display(),
            program.display()
        );
        let own_pids = ["-pf", "--mount-proc", "--kill-child", "/bin/sh"];
        let (outer, words) =
            if container { ("/usr/bin/unshare", &own_pids[..]) } else { ("/bin/sh", &[][..]) };
        let output = Svc::new(&dir).program(outer).args(words).args(["-c", &text]).output();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(status), ""), "{text}");
        // The program's own children do not inherit the variable.
        logged(&dir, "sh: \"0\\n\"");
        let seen = dir.read("log");
        // While process 1 executes its small image the kernel shows it as `exe`, which is no init.
        let also = if container { "svcadapt" } else { manager };
        let is = |manager: &str| seen.contains(&format!("mode: (\"supervised\", \"{manager}\")\n"));
        assert!(is(manager) || is(also), "{seen}");
        fs::remove_file(&log).unwrap();
        dir.nothing_left();
    }
}

/// A child of the service inherits the descriptor of the lock, but not the lock, and a variable that names another
/// process. Neither a reused number nor a similar variable counts.
#[test]
fn daemon_started_by_a_service_is_independent() {
    for forged in ["", "SVCADAPT_PROCESS=$$:1 ", "SVCADAPT_PROCESS= ", "SVCADAPT_PROCESS=1:1 "] {
        let (dir, service) = (Dir::new(), Service::new());
        let program = dir.program("becomes").display().to_string();
        let log = dir.join("log").display().to_string();
        // The shell becomes the program by exec, so `$$` is its pid.
        let text = format!(
            "/bin/sh -c \"{forged}exec '{program}' --log '{log}' enter mode ready stay\"; echo up > '{log}.up'; exec sleep 60"
        )
        .replace("$$", "\\$\\$");
        Svc::new(&dir)
            .args(["run", "--mode", "classic", "--name", service.name(), "--", "/bin/sh", "-c", &text])
            .run();
        logged(&dir, "mode: (\"classic\", \"none\")");
        logged(&dir, "ready: Ok(Launcher)");
        for process in Process::of_program(&dir.program("becomes")) {
            process.signal(Signal::SIGKILL);
            process.wait_gone();
        }
    }
}

/// In the foreground of a shell, too.
#[test]
fn foreground_service_is_found_and_stopped_by_name() {
    let (dir, service) = (Dir::new(), Service::new());
    let program = dir.program("becomes").display().to_string();
    let log = dir.join("log").display().to_string();
    let name = format!("name={}", service.name());
    let words = [
        "--log",
        &log,
        "--detach",
        "no",
        "--set",
        &name,
        "--signal",
        "TERM=tell",
        "enter",
        "ready",
        "complain=up",
        "signals",
    ];
    let mut running = Svc::new(&dir).program(&program).args(words).spawn();
    running.wait_for("up\n");
    logged(&dir, "ready: Ok(Nobody)");
    assert_eq!(service.main().pid(), running.pid());
    let output = Svc::new(&dir).args(["stop", service.name()]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    assert_eq!(running.finish().exit, Exit::Status(0));
    assert!(!service.lock().exists());
    dir.nothing_left();
}

/// A child of such a service has the descriptor of its lock and is not the service, also after the service has ended.
#[test]
fn leftover_process_of_a_service_can_start_a_daemon() {
    let (dir, service) = (Dir::new(), Service::new());
    let go = dir.join("go").display().to_string();
    let script = format!(
        "(: >{go}.waits; until [ -e {go} ]; do sleep 0.01; done; exec {}) & exec sleep 60",
        line(&dir, &["ready", "signals"])
    );
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", service.name(), "--", "/bin/sh", "-c", &script])
        .run();
    let main = service.main();
    wait_until("its child waits", || dir.join("go.waits").exists().then_some(()));
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    dir.write("go", "");
    logged(&dir, "mode: (\"classic\", \"none\")");
    logged(&dir, "ready: Ok(Launcher)");
}
