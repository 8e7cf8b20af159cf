//! The process that stays with a service: what it answers, what it ends, and what its own end means.

use std::io::Write;
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use super::support::{Traced, control_socket};
use crate::harness::{Capability, Exit, Svc, require, static_svcadapt, wait_until};

const ALWAYS: [&str; 4] = ["--restart", "always", "--restart-sec", "1ms"];

#[test]
fn restart_by_name_is_another_process_of_the_same_monitor() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    let (monitor, first) = (traced.service.monitor().unwrap(), traced.service.main());
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    first.wait_gone();
    assert_eq!(traced.service.monitor().unwrap().pid(), monitor.pid());
    assert!(traced.service.main().is_alive());
    assert_eq!(traced.wait_for_lines(2), ["program", "program"]);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    monitor.wait_gone();
    traced.dir.nothing_left();
}

#[test]
fn restart_by_name_of_a_service_without_a_monitor_starts_its_stored_spec() {
    let traced = Traced::new();
    let options = ["--environment", "SEEN=a b", "--reload-signal", "USR1"];
    traced.run("classic", &options, "echo $SEEN >>\"$(dirname \"$0\")/log\"; exec sleep 1000").run();
    let first = traced.service.main();
    traced.wait_for_lines(2);
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    first.wait_gone();
    assert_eq!(traced.wait_for_lines(4), ["program", "a b", "program", "a b"]);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn reload_waits_for_its_command_and_reports_its_failure() {
    let traced = Traced::new();
    let file = traced.dir.join("fail").display().to_string();
    let command = format!("/bin/sh -c 'test ! -e {file} && kill -0 $MAINPID'");
    traced.run("classic", &["--exec-reload", &command], "exec sleep 1000").run();
    traced.ask("reload").stdout("[NAME]: reloaded\n").run();
    traced.dir.write("fail", "");
    traced
        .ask("reload")
        .stderr(
            "svcadapt: reload '[NAME]': ExecReload '/bin/sh -c test ! -e [DIR]/fail && kill -0 $MAINPID': the command \
             exited with status 1\n",
        )
        .status(1)
        .run();
    assert!(traced.service.main().is_alive());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn reload_signal_without_a_handler_is_refused() {
    let traced = Traced::new();
    traced.run("classic", &["--reload-signal", "USR1"], "exec sleep 1000").run();
    traced.wait_for_lines(1);
    let main = traced.service.main();
    traced
        .ask("reload")
        .stderr(
            "svcadapt: reload '[NAME]': process [ANY] has no handler for SIGUSR1, which would end it\n  \
             hint: use `svcadapt restart`, or give it --exec-reload COMMAND\n",
        )
        .status(1)
        .run();
    assert!(main.is_alive());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
}

#[test]
fn stop_ends_what_left_the_session_by_a_double_fork() {
    let traced = Traced::new();
    let program = "setsid sh -c 'trap \"\" TERM; sleep 1001 & sleep 1002' & exec sleep 1000";
    traced.run("classic", &[&ALWAYS[..], &["--timeout-stop-sec", "300ms"]].concat(), program).run();
    traced.ask("stop").stdout("[NAME]: stopped ([ANY]\n").run();
    traced.dir.nothing_left();
}

#[test]
fn killed_monitor_takes_the_program_along_and_the_next_start_works() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    let (monitor, main) = (traced.service.monitor().unwrap(), traced.service.main());
    monitor.signal(Signal::SIGKILL);
    main.wait_gone();
    assert!(control_socket(&monitor).is_some());
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    assert!(control_socket(&monitor).is_none());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
    assert!(!traced.service.record().exists());
}

#[test]
fn second_start_is_refused_while_the_service_waits_for_its_restart() {
    let traced = Traced::new();
    traced.run("classic", &["--restart", "always", "--restart-sec", "1000s"], "exec sleep 1000").run();
    traced.service.main().signal(Signal::SIGKILL);
    wait_until("the service waits for its restart", || {
        traced.ask("status").output().stdout.contains(": restarting").then_some(())
    });
    let page = traced.ask("status").output().stdout;
    assert!(page.contains("\n  last exit: SIGKILL\n"), "{page}");
    let output = traced.run("classic", &ALWAYS, "exec sleep 1000").output();
    assert_eq!(output.exit, Exit::Status(250), "{}", output.stderr);
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    assert!(traced.service.main().is_alive());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn client_that_sends_garbage_or_nothing_does_not_disturb_the_service() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    let monitor = traced.service.monitor().unwrap();
    let socket = control_socket(&monitor).unwrap();
    let silent: Vec<_> = (0..40).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    for garbage in [&b"\0\xff\n"[..], b"stop now\n", &vec![b'x'; 70_000], b"signal 99\n"] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // The monitor may close the connection before it has read everything.
        let _ = stream.write_all(garbage);
    }
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    drop(silent);
    assert!(monitor.is_alive() && traced.service.main().is_alive());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn monitor_holds_no_descriptor_of_its_starter() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    let monitor = traced.service.monitor().unwrap();
    // The small image has taken over.
    wait_until("the monitor only watches", || {
        let line = std::fs::read(format!("/proc/{}/cmdline", monitor.pid())).ok()?;
        line.windows(8).any(|word| word == b"%monitor").then_some(())
    });
    let links = std::fs::read_dir(format!("/proc/{}/fd", monitor.pid())).unwrap();
    let links: Vec<_> = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok()).collect();
    let known = |link: &std::path::Path| {
        let text = link.to_string_lossy();
        ["/dev/null", "anon_inode:[signalfd]", "socket:", "/memfd:svcadapt"]
            .iter()
            .any(|known| text.starts_with(known))
            || link == traced.service.lock()
    };
    assert!(links.iter().all(|link| known(link)), "{links:?}");
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn interrupted_start_stops_the_service_and_ends_by_the_signal() {
    let traced = Traced::new();
    let options = [
        "--exec-start-pre=/bin/sh -c 'echo pre >>$0; exec sleep 1000' [D]/log",
        "--exec-stop-post=[T] stop-post",
    ];
    let log = traced.dir.path().display().to_string();
    let options = options.map(|word| word.replace("[D]", &log));
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let running = traced.run("classic", &options, "exec sleep 1000").spawn();
    traced.wait_for_lines(1);
    running.signal(Signal::SIGINT);
    let output = running.finish();
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Signal(Signal::SIGINT as i32), ""));
    assert_eq!(traced.log(), ["pre", "stop-post none success none none 32"]);
    traced.dir.nothing_left();
}

#[test]
fn suspended_monitor_and_program_are_stopped_at_once() {
    let traced = Traced::new();
    traced.run("classic", &ALWAYS, "exec sleep 1000").run();
    for process in [traced.service.monitor().unwrap(), traced.service.main()] {
        process.suspend();
    }
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn watching_monitor_of_the_static_build_holds_little_memory() {
    if !require(Capability::Static) {
        return;
    }
    let traced = Traced::new();
    let svcadapt = traced.dir.program_as(&static_svcadapt().unwrap(), "svcadapt-static");
    traced.run("classic", &ALWAYS, "exec sleep 1000").program(svcadapt.to_str().unwrap()).run();
    let monitor = traced.service.monitor().unwrap();
    // Its own pages: those of the file are shared with every other one.
    let own = || {
        let all = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", monitor.pid())).unwrap();
        let line = all.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u32>().ok()).unwrap()
    };
    wait_until("the small image has taken over", || (own() <= 48).then_some(()));
    traced.wait_for_lines(1);
    // Also after it has started the service again.
    traced.service.main().signal(Signal::SIGKILL);
    traced.wait_for_lines(2);
    wait_until("the small image has taken over again", || (own() <= 48).then_some(()));
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn suspended_monitor_restarts_and_reloads_when_it_is_asked() {
    let traced = Traced::new();
    traced.run("classic", &[&ALWAYS[..], &["--exec-reload=[T] reload"]].concat(), "exec sleep 1000").run();
    let monitor = traced.service.monitor().unwrap();
    for (request, answer) in [("reload", "reloaded"), ("restart", "restarted")] {
        monitor.suspend();
        traced.ask(request).stdout(&format!("[NAME]: {answer}\n")).run();
    }
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn monitor_without_proc_is_found_by_its_lock() {
    if !require(Capability::Root) {
        return;
    }
    let traced = Traced::new();
    let svcadapt = traced.dir.program("svcadapt").display().to_string();
    let name = traced.service.name();
    let script = format!(
        "mount -t tmpfs none /proc
        {svcadapt} run --mode classic --name {name} --restart always --restart-sec 1ms -- /bin/sleep 1000
        {svcadapt} restart {name} && {svcadapt} stop {name}"
    );
    Svc::new(&traced.dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .stdout("[NAME]: restarted\n[NAME]: stopped (SIGTERM, [ANY] s)\n")
        .name("[NAME]", name)
        .run();
    assert!(!traced.service.record().exists());
}
