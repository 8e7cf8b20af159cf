//! Every failure after the fork reaches the caller, with the right status, and leaves nothing running.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{contents, inspect, run, stop};
use crate::harness::{Capability, Dir, Exit, Process, Service, installed, require, wait_until};

/// The hint where standard error was /dev/null.
const LOST: &str = "  hint: its output went to /dev/null; --standard-error append:PATH keeps it\n";

#[test]
fn program_exit_status_is_the_launchers() {
    let dir = Dir::new();
    let program = dir.program("inspect").display().to_string();
    for status in [1, 2, 3, 99, 127, 203, 250, 255] {
        run(&dir, &["--ready=notify", "--name=own-status-of-nobody", "--standard-output=null", "--", &program, "--exit", &status.to_string()])
            .stderr("svcadapt: start 'own-status-of-nobody': the program ended with status [STATUS] before it was ready\n[LOST]")
            .name("[STATUS]", status)
            .name("[LOST]", LOST)
            .status(status)
            .run();
    }
    run(&dir, &["--ready=notify", "--", &program, "--exit", "0"])
        .stderr("svcadapt: start 'inspect[ANY]': the program ended with status 0 before it was ready\n")
        .name("[LOST]", LOST)
        .status(248)
        .run();
    dir.nothing_left();
}

#[test]
fn signal_that_ended_the_program_ends_the_launcher() {
    let dir = Dir::new();
    for (signal, name) in [
        (Signal::SIGTERM, "SIGTERM"),
        (Signal::SIGKILL, "SIGKILL"),
        (Signal::SIGSEGV, "SIGSEGV"),
        (Signal::SIGHUP, "SIGHUP"),
        (Signal::SIGPIPE, "SIGPIPE"),
    ] {
        let script = format!("kill -{} $$", signal as i32);
        run(&dir, &["--ready=notify", "--", "/bin/sh", "-c", &script])
            .stderr("svcadapt: start 'sh[ANY]': the program ended by [SIGNAL] before it was ready\n")
            .name("[SIGNAL]", name)
            .name("[LOST]", LOST)
            .signal(signal)
            .run();
    }
    let got = run(&dir, &["--ready=notify", "--", "/bin/sh", "-c", "kill -37 $$"]).output();
    assert_eq!(got.exit, Exit::Signal(37), "{}", got.stderr);
    assert!(!dir.join("core").exists(), "the launcher has dumped core");
}

#[test]
fn errno_sent_by_the_program_is_reported() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    run(&dir, &["--ready=notify", "--", "/bin/sh", "-c", "systemd-notify ERRNO=98; exit 1"])
        .stderr("svcadapt: start 'sh[ANY]': the program ended with status 1 before it was ready; reason: address already in use\n")
        .name("[LOST]", LOST)
        .status(1)
        .run();
}

#[test]
fn last_log_lines_are_printed_without_control_characters() {
    let dir = Dir::new();
    let log = dir.write("log", "of yesterday\n");
    let option = format!("--standard-error=append:{}", log.display());
    // Twelve lines, of which the last ten are printed; the last one without a newline and with control characters.
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i >&2; done; printf 'a\\033[2Jb\\rc\\td\\377e' >&2; exit 7";
    run(&dir, &["--ready=notify", &option, "--", "/bin/sh", "-c", script])
        .stderr("svcadapt: start 'sh[ANY]': the program ended with status 7 before it was ready\n  | line 3\n  | line 4\n  | line 5\n  | line 6\n  | line 7\n  | line 8\n  | line 9\n  | line 10\n  | line 11\n  | a\\u{1b}[2Jb\\rc\\td\u{fffd}e\n")
        .status(7)
        .run();
    assert!(
        dir.read_bytes("log").starts_with(b"of yesterday\nline 1\n"),
        "the log itself is as it was written"
    );
    // A program that writes nothing has no excerpt, and yesterday's lines are not its own.
    for how in ["append", "file"] {
        let option = format!("--standard-error={how}:{}", dir.write("log", "of yesterday\n").display());
        run(&dir, &["--ready=notify", &option, "--", "/bin/sh", "-c", "exit 7"])
            .stderr("svcadapt: start 'sh[ANY]': the program ended with status 7 before it was ready\n")
            .status(7)
            .run();
        assert_eq!(dir.read("log"), "of yesterday\n");
    }
    let option = format!("--standard-error=truncate:{}", log.display());
    run(&dir, &["--ready=notify", &option, "--", "/bin/sh", "-c", "echo new >&2; exit 7"])
        .stderr("svcadapt: start 'sh[ANY]': the program ended with status 7 before it was ready\n  | new\n")
        .status(7)
        .run();
    // Output that the caller sees anyway is not repeated.
    run(
        &dir,
        &["--ready=notify", "--standard-error=inherit", "--", "/bin/sh", "-c", "echo here >&2; exit 7"],
    )
    .stderr("here\nsvcadapt: start 'sh[ANY]': the program ended with status 7 before it was ready\n")
    .status(7)
    .run();
}

#[test]
fn program_exit_before_readiness_is_reported_at_once() {
    let dir = Dir::new();
    let program = dir.program("inspect").display().to_string();
    // Without this the report would come after 90 seconds. On a busy machine one of five has to be quick.
    let quick = (0..5).any(|_| {
        let begun = Instant::now();
        let got = run(&dir, &["--ready=notify", "--", &program, "--exit-after", "300:3"]).output();
        assert_eq!(got.exit, Exit::Status(3), "{}", got.stderr);
        begun.elapsed() < Duration::from_secs(1)
    });
    assert!(quick, "no failure was reported within a second");
}

#[test]
fn start_timeout_ends_every_descendant() {
    let (dir, service) = (Dir::new(), Service::new());
    // One in another session, one orphan, and one in the background; all ignore SIGTERM.
    let script =
        "trap '' TERM HUP INT; setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; sleep 303";
    let before = contents(dir.path());
    let mut options = vec!["--ready=notify", "--timeout-start-sec=300ms", "--timeout-stop-sec=200ms"];
    options.extend(["--standard-output=null", "--name", service.name()]);
    run(&dir, &options)
        .args(["--environment", &format!("MARK={}", dir.path().display()), "--", "/bin/sh", "-c", script])
        .stderr("svcadapt: start '[NAME]': not ready after 300ms, still missing: notify\n[LOST]")
        .name("[NAME]", service.name())
        .name("[LOST]", LOST)
        .status(249)
        .run();
    dir.nothing_left();
    assert_eq!(contents(dir.path()).len(), before.len() + 1, "more than our own program is there");
    assert!(!service.lock().exists());
}

#[test]
fn timed_out_program_that_obeys_sigterm_ends_without_delay() {
    let dir = Dir::new();
    let program = dir.program("inspect").display().to_string();
    let begun = Instant::now();
    let got = run(&dir, &["--ready=notify", "--timeout-start-sec=200ms", "--", &program, "--stay"]).output();
    assert_eq!(got.exit, Exit::Status(249), "{}", got.stderr);
    assert!(begun.elapsed() < Duration::from_secs(5), "ended after {:?}", begun.elapsed());
    dir.nothing_left();
}

#[test]
fn signal_to_the_launcher_stops_the_service() {
    let dir = Dir::new();
    let program = dir.program("inspect").display().to_string();
    let report = dir.join("report").display().to_string();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        let service = Service::new();
        let pid_file = Path::new("/run").join(format!("{}.pid", service.name()));
        let mut options = vec!["--ready=notify".to_owned(), format!("--name={}", service.name())];
        if nix::unistd::geteuid().is_root() {
            options.push(format!("--pid-file={}", pid_file.display()));
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let running = run(&dir, &options).args(["--", &program, "--out", &report, "--stay"]).spawn();
        wait_until("the program runs", || fs::metadata(&report).ok());
        let process = service.main();
        running.signal(signal);
        let output = running.finish();
        assert_eq!((output.stderr.as_str(), output.exit), ("", Exit::Signal(signal as i32)));
        assert!(!process.is_alive(), "it still runs after {signal}");
        assert!(!service.lock().exists() && !pid_file.exists());
        fs::remove_file(&report).unwrap();
    }
    assert!(!dir.join("core").exists());
    dir.nothing_left();
}

#[test]
fn unrelated_signals_do_not_disturb_the_launcher() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let d = dir.path().display();
    let script = format!(
        "touch {d}/runs; until [ -e {d}/go ]; do sleep 0.01; done; systemd-notify --ready; exec sleep 60"
    );
    let running = run(&dir, &["--ready=notify", "--", "/bin/sh", "-c", &script]).spawn();
    wait_until("the program runs", || dir.join("runs").exists().then_some(()));
    for signal in [
        Signal::SIGUSR1,
        Signal::SIGCHLD,
        Signal::SIGPIPE,
        Signal::SIGWINCH,
        Signal::SIGCONT,
        Signal::SIGALRM,
    ] {
        running.signal(signal);
    }
    dir.write("go", "");
    let output = running.finish();
    assert_eq!((output.stderr.as_str(), output.exit), ("", Exit::Status(0)));
}

#[test]
fn inherited_child_of_the_launcher_is_not_ended() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let svcadapt = dir.program("svcadapt").display().to_string();
    let sleep = dir.program("/bin/sleep").display().to_string();
    let (stranger, d) = (dir.join("stranger"), dir.path().display());
    // `exec` makes the launcher the parent of an unrelated process.
    let start = |rest: &str| {
        let script = format!(
            "{sleep} 300 >/dev/null 2>&1 & echo $! >{}; exec {svcadapt} run --mode classic --timeout-stop-sec=1s {rest}",
            stranger.display()
        );
        let output = crate::harness::Svc::new(&dir).program("/bin/sh").args(["-c", &script]).output();
        let pid = fs::read_to_string(&stranger).unwrap().trim().parse().unwrap();
        (output, Process::open(pid).unwrap())
    };
    let (output, process) = start("--ready=notify -- /bin/sh -c 'exit 3'");
    assert_eq!(output.exit, Exit::Status(3), "{}", output.stderr);
    assert!(output.stderr.contains("ended with status 3"), "{}", output.stderr);
    assert!(process.is_alive(), "it has been ended with the service");
    stop(&process);
    let (output, process) = start("--ready=notify --timeout-start-sec=200ms -- /bin/sleep 60");
    assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
    assert!(process.is_alive(), "it has been ended with the service");
    stop(&process);
    let (output, process) = start("--ready=notify -- /bin/sh -c 'kill -9 $$'");
    assert_eq!(output.exit, Exit::Signal(9), "{}", output.stderr);
    stop(&process);
    // It cannot make the service ready either.
    let script = format!(
        "(until [ -e {d}/socket ]; do sleep 0.01; done; NOTIFY_SOCKET=$(cat {d}/socket) systemd-notify --ready; touch {d}/said) \
         >/dev/null 2>&1 & exec {svcadapt} run --mode classic --ready=notify --timeout-start-sec=2s -- /bin/sh -c \
         'echo $NOTIFY_SOCKET >{d}/socket.new; mv {d}/socket.new {d}/socket; until [ -e {d}/said ]; do sleep 0.01; done; exit 4'"
    );
    let output = crate::harness::Svc::new(&dir).program("/bin/sh").args(["-c", &script]).output();
    assert_eq!(output.exit, Exit::Status(4), "{}", output.stderr);
}

#[test]
fn failed_step_after_the_fork_is_reported_and_undone() {
    let root = require(Capability::Root);
    let (dir, service) = (Dir::new(), Service::new());
    let program = dir.program("inspect").display().to_string();
    dir.program("svcadapt");
    let private = dir.join("private");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let private = private.display().to_string();
    nix::unistd::mkfifo(&dir.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fifo = format!("--standard-output=append:{}", dir.join("fifo").display());
    let before = contents(dir.path());
    let mut cases = vec![
        (vec![fifo.as_str()], "standard output 'append:[DIR]/fifo': no such device or address\n", 209),
        (
            vec!["--standard-error=append:/proc/nothing"],
            "standard error 'append:/proc/nothing': no such file or directory\n",
            222,
        ),
        (vec!["--files-preserve=200"], "files to preserve '200': no such descriptor is open\n", 202),
    ];
    if root {
        cases.push((
            vec!["--user=nobody", "--working-directory", &private],
            "working directory '[DIR]/private': permission denied\n  hint: the service's user may not enter it\n",
            200,
        ));
    }
    for (options, stderr, status) in cases {
        run(&dir, &options)
            .args(["--name", service.name(), "--", &program, "--stay"])
            .stderr(&format!("svcadapt: {stderr}"))
            .status(status)
            .run();
        assert_eq!(contents(dir.path()), before, "{options:?}");
        assert!(!service.lock().exists(), "{options:?}");
    }
    dir.nothing_left();
}

#[test]
fn files_created_by_a_failed_start_are_removed() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let name = service.name();
    let pid_file = format!("/run/{name}.pid");
    let out = dir.join("out").display().to_string();
    let options = [
        &format!("--runtime-directory={name}/a"),
        &format!("--state-directory={name}"),
        &format!("--cache-directory={name}"),
        &format!("--logs-directory={name}"),
        &format!("--configuration-directory={name}"),
        &format!("--pid-file={pid_file}"),
        &format!("--standard-output=append:{out}"),
        &format!("--name={name}"),
    ];
    let options: Vec<&str> = options.iter().map(|option| option.as_str()).collect();
    let gone = || {
        for base in ["/run", "/var/lib", "/var/cache", "/var/log", "/etc"] {
            let made = Path::new(base).join(name);
            assert!(!made.exists(), "{} is still there", made.display());
        }
        assert!(!Path::new(&pid_file).exists() && !Path::new(&out).exists() && !service.lock().exists());
    };
    // In the last step, after the start, and in the wait.
    let bad = dir.executable("bad", "#!/bin/sh\n");
    fs::write(&bad, "\x7fELF not really").unwrap();
    let got = run(&dir, &options).args(["--user=nobody", "--", bad.to_str().unwrap()]).output();
    assert_eq!(
        (got.stderr.as_str(), got.exit),
        (format!("svcadapt: exec '{}': exec format error\n", bad.display()).as_str(), Exit::Status(203))
    );
    gone();
    let got = run(&dir, &options).args(["--user=nobody", "--ready=notify", "--", "/bin/false"]).output();
    assert_eq!(got.exit, Exit::Status(1), "{}", got.stderr);
    gone();
    let got = run(&dir, &options)
        .args(["--ready=notify", "--timeout-start-sec=100ms", "--", "/bin/sleep", "60"])
        .output();
    assert_eq!(got.exit, Exit::Status(249), "{}", got.stderr);
    gone();
}

#[test]
fn refused_second_start_removes_only_its_own_files() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, winner, loser) = (Dir::new(), Service::new(), Service::new());
    let sleep = dir.program("/bin/sleep").display().to_string();
    let pid_file = format!("/run/{}.pid", winner.name());
    let pid_option = format!("--pid-file={pid_file}");
    run(&dir, &["--name", winner.name(), &pid_option, "--", &sleep, "60"]).run();
    let process = winner.main();
    // Another name, but the same pid file.
    run(
        &dir,
        &["--name", loser.name(), &pid_option, "--runtime-directory", loser.name(), "--", &sleep, "60"],
    )
    .stderr("svcadapt: start '[FILE] of [WINNER]': already running as process [MAIN]\n")
    .name("[FILE]", &pid_file)
    .name("[WINNER]", winner.name())
    .name("[MAIN]", process.pid())
    .status(250)
    .run();
    assert!(!loser.lock().exists(), "the loser has left its lock");
    assert!(!Path::new("/run").join(loser.name()).exists(), "the loser has left its directory");
    assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", process.pid()));
    assert_eq!(winner.main().pid(), process.pid());
    stop(&process);
    fs::remove_file(&pid_file).unwrap();
}

#[test]
fn more_descendants_than_open_files_are_all_ended() {
    let dir = Dir::new();
    let (svcadapt, sleep) = (dir.program("svcadapt"), dir.program("/bin/sleep"));
    let service = format!("trap '' TERM; for n in $(seq 60); do {} 60 & done; exit 3", sleep.display());
    let script = "ulimit -n 40; exec \"$@\"";
    let output = crate::harness::Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", script, "sh"])
        .args([svcadapt])
        .args(["run", "--mode=classic", "--ready=notify", "--timeout-stop-sec=300ms", "--"])
        .args(["/bin/sh", "-c", &service])
        .output();
    assert_eq!(output.exit, Exit::Status(3), "{}", output.stderr);
    dir.nothing_left();
}

/// A shell that becomes the launcher by exec leaves it its children; then another process launches.
#[test]
fn sockets_passed_to_a_wrapper_shell_reach_the_service() {
    let dir = Dir::new();
    let (svcadapt, sleep) = (dir.program("svcadapt"), dir.program("/bin/sleep"));
    let script = format!(
        "'{}' 60 >/dev/null 2>&1 & exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"",
        sleep.display()
    );
    crate::harness::Svc::new(&dir)
        .program("/bin/sh")
        .args(["-c", &script, "sh"])
        .args([svcadapt])
        .args(["run", "--mode=classic", "--ready", &format!("file:{}", dir.join("report").display())])
        .args(inspect(&dir))
        .run();
    let (process, report) = dir.reported();
    assert_eq!(report["env"]["LISTEN_PID"], process.pid().to_string());
    stop(&process);
}
