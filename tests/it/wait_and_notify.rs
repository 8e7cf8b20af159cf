//! `svcadapt wait` and `svcadapt notify`.

use nix::sys::signal::Signal;

use crate::harness::{Capability, Dir, Exit, Output, Running, Service, Svc, require, wait_until};
use crate::supervised::notify_messages::Manager;

/// A service that is ready when the file `go` exists, and the launcher that waits for it.
fn start(dir: &Dir, service: &Service, options: &[&str], command: &str) -> Running {
    let ready = format!("file:{}", dir.join("go").display());
    let running = Svc::new(dir)
        .args(["run", "--mode=classic", "--name", service.name(), "--ready", &ready])
        .args(options)
        .args(["--", "/bin/sh", "-c", command])
        .spawn();
    wait_until("it starts", || state(dir, service).contains("starting").then_some(()));
    running
}

/// How often a process has waited.
fn pauses(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

fn state(dir: &Dir, service: &Service) -> String {
    Svc::new(dir).args(["status", service.name()]).output().stdout
}

fn wait<'a>(dir: &'a Dir, service: &Service, options: &[&str]) -> Svc<'a> {
    Svc::new(dir).args(["wait", service.name()]).args(options)
}

fn stop(dir: &Dir, service: &Service) {
    assert_eq!(Svc::new(dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
}

#[test]
fn wait_ends_when_the_service_is_ready_with_and_without_a_monitor() {
    for options in [&[][..], &["--restart=always"]] {
        let (dir, service) = (Dir::new(), Service::new());
        let running = start(&dir, &service, options, "exec sleep 60");
        let name = service.name();
        wait(&dir, &service, &["--ready", "--timeout=50ms"])
            .stderr(&format!("svcadapt: wait '{name}': not in time; it is starting\n"))
            .status(1)
            .run();
        let waiting = wait(&dir, &service, &["--ready"]).spawn();
        dir.write("go", "");
        assert_eq!(waiting.finish().exit, Exit::Status(0), "{options:?}");
        assert_eq!(running.finish().exit, Exit::Status(0), "{options:?}");
        assert!(state(&dir, &service).contains(": running, "));
        stop(&dir, &service);
    }
}

#[test]
fn service_is_never_ready_before_its_start_is_marked() {
    if !require(Capability::Strace) {
        return;
    }
    for mode in ["classic", "supervised"] {
        let (dir, service) = (Dir::new(), Service::new());
        let mark = format!("{}%starting", service.lock().display());
        let ready = format!("--ready=file:{}", dir.join("go").display());
        // The file of the mark is made half a second late.
        let words =
            ["-f", "-qq", "-o", "/dev/null", "-P", &mark, "-e", "inject=openat,open:delay_enter=500000"];
        let running = Svc::new(&dir)
            .program("/usr/bin/strace")
            .args(words)
            .args([dir.program("svcadapt")])
            .args(["run", "--mode", mode, "--name", service.name(), &ready, "--", "/bin/sleep", "600"])
            .spawn();
        let first = wait_until("it runs", || {
            let state = state(&dir, &service);
            (!state.contains("not running")).then_some(state)
        });
        assert!(first.contains("starting"), "{mode}: {first}");
        std::fs::write(dir.join("go"), "").unwrap();
        wait(&dir, &service, &["--ready"]).run();
        stop(&dir, &service);
        drop(running);
        dir.wait_nothing_left();
    }
}

#[test]
fn wait_for_readiness_fails_if_the_service_ends_before() {
    let (dir, service) = (Dir::new(), Service::new());
    let running = start(&dir, &service, &[], "until [ -e end ]; do sleep 0.01; done; exit 3");
    let waiting = wait(&dir, &service, &["--ready"]).spawn();
    // It waits a few milliseconds between two looks.
    wait_until("it has looked", || (pauses(waiting.pid()) > 20).then_some(()));
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Signal(Signal::SIGTERM as i32));
    let output = waiting.finish();
    let why = format!("svcadapt: wait '{}': it has ended before it was ready\n", service.name());
    assert_eq!((output.exit, output.stderr), (Exit::Status(1), why));
}

#[test]
fn wait_for_the_stop_ends_when_the_service_has_ended() {
    let (dir, service) = (Dir::new(), Service::new());
    wait(&dir, &service, &["--stopped"]).run();
    Svc::new(&dir).args(["run", "--mode=classic", "--name", service.name(), "--", "sleep", "60"]).run();
    let waiting = wait(&dir, &service, &["--stopped"]).spawn();
    wait(&dir, &service, &["--stopped", "--timeout=20ms"])
        .stderr(&format!("svcadapt: wait '{}': not in time; it is running\n", service.name()))
        .status(1)
        .run();
    assert!(waiting.runs());
    stop(&dir, &service);
    assert_eq!(waiting.finish().exit, Exit::Status(0));
}

#[test]
fn script_is_ready_by_its_notification() {
    let (dir, service) = (Dir::new(), Service::new());
    let svcadapt = dir.program("svcadapt");
    let script = format!(
        "until [ -e {0}/go ]; do sleep 0.01; done; {1} notify --status 'at last' --pid --ready || exit 9; exec sleep 60",
        dir.path().display(),
        svcadapt.display()
    );
    let running = Svc::new(&dir)
        .args([
            "run",
            "--mode=classic",
            "--name",
            service.name(),
            "--ready=notify",
            "--",
            "/bin/sh",
            "-c",
            &script,
        ])
        .spawn();
    wait_until("it starts", || state(&dir, &service).contains("starting").then_some(()));
    assert!(running.runs());
    dir.write("go", "");
    assert_eq!(running.finish().exit, Exit::Status(0));
    stop(&dir, &service);
}

/// What `svcadapt notify` sends with these words: each message, the number of its descriptors, and its sender.
fn sent(dir: &Dir, script: &str) -> (Vec<(String, usize, i32)>, Output) {
    let manager = Manager::at_path(dir);
    let svcadapt = dir.program("svcadapt").display().to_string();
    let running = Svc::new(dir)
        .program("/bin/sh")
        .args(["-c", &script.replace("[NOTIFY]", &format!("{svcadapt} notify"))])
        .env("NOTIFY_SOCKET", &manager.address)
        .spawn();
    let mut all = Vec::new();
    while running.runs() || manager.has() {
        if manager.has() {
            let message = manager.next();
            all.push((message.text, message.descriptors.len(), message.sender));
        }
    }
    (all, running.finish())
}

#[test]
fn descriptors_are_stored_with_the_manager_under_a_name() {
    let dir = Dir::new();
    let (all, output) = sent(&dir, "[NOTIFY] --ready --fd=4 --fd 5 --fdname='a b' X=1 4</dev/null 5</");
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    let texts: Vec<(&str, usize)> = all.iter().map(|(text, count, _)| (text.as_str(), *count)).collect();
    let expected = [("READY=1\n", 0), ("FDSTORE=1\nFDNAME=a b\n", 2), ("X=1\n", 0), ("BARRIER=1", 1)];
    assert_eq!(texts, expected);
    for (words, why) in [
        ("--fd=9", "fd '9': bad file number"),
        ("--fd=-1", "fd '-1': not the number of a descriptor"),
        ("--fd=x", "fd 'x': not the number of a descriptor"),
        ("--fd=0 --fdname=a:b", "fdname 'a:b': not at most 255 printable ASCII characters without ':'"),
    ] {
        let (all, output) = sent(&Dir::new(), &format!("exec [NOTIFY] --ready {words}"));
        assert_eq!((all, output.stderr), (Vec::new(), format!("svcadapt: {why}\n")), "{words}");
        assert_eq!(output.exit, Exit::Status(2));
    }
}

#[test]
fn command_is_executed_in_place_after_its_notification() {
    for words in [
        "--exec --ready --pid=self --no-block A=b ';' sh -c 'echo $$ -x; exit 3'",
        "--exec --ready --pid=self --no-block -- A=b sh -c 'echo $$ -x; exit 3'",
    ] {
        let dir = Dir::new();
        let (all, output) = sent(&dir, &format!("exec [NOTIFY] {words}"));
        let pid: i32 = output.stdout.trim_end().trim_end_matches(" -x").parse().unwrap();
        let expected = [format!("MAINPID={pid}\nREADY=1\n"), "A=b\n".to_owned()];
        assert_eq!(all, expected.map(|text| (text, 0, pid)), "{words}");
        assert_eq!(output.exit, Exit::Status(3));
    }
    let dir = Dir::new();
    let (all, output) = sent(&dir, "exec [NOTIFY] --exec --ready --no-block ';' /nowhere/x");
    assert_eq!((all.len(), output.exit), (1, Exit::Status(1)));
    assert_eq!(output.stderr, "svcadapt: exec '/nowhere/x': no such file or directory\n");
    let (all, output) = sent(&Dir::new(), "exec [NOTIFY] --exec --ready");
    assert_eq!((all.len(), output.exit), (0, Exit::Status(2)));
    assert!(output.stderr.starts_with("svcadapt: notify: --exec has no command\n"), "{}", output.stderr);
}

/// The statuses are those of systemd-notify(1) 262.
#[test]
fn forked_command_is_left_running_when_it_is_ready() {
    let dir = Dir::new();
    let svcadapt = dir.program("svcadapt").display().to_string();
    let run = |words: &str| {
        let script = format!("exec {svcadapt} notify {words}").replace("[S]", &svcadapt);
        Svc::new(&dir).program("/bin/sh").args(["-c", &script]).output()
    };
    let output = run("--fork -- sh -c '[S] notify --ready; exec sleep 600 2>/dev/null'");
    assert_eq!((output.stderr.as_str(), output.exit), ("", Exit::Status(0)));
    let pid: i32 = output.stdout.trim_end().parse().unwrap();
    let pid = nix::unistd::Pid::from_raw(pid);
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
    assert_eq!(String::from_utf8_lossy(&command), ["sleep", "600", ""].join("\0"));
    for (words, status, error) in [
        ("--fork -q -- sh -c 'echo lost; exit 3'", 3, ""),
        ("--fork -q -- true", 0, ""),
        ("--fork -q -- /nowhere/x", 203, "svcadapt: exec '/nowhere/x': no such file or directory\n"),
        (
            "--fork -q -- sh -c 'kill -9 $$'",
            1,
            "svcadapt: notify 'sh': signal 9 has ended it before it was ready\n",
        ),
    ] {
        let output = run(words);
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str(), output.exit),
            ("", error, Exit::Status(status)),
            "{words}"
        );
    }
    assert_eq!(run("--fork").exit, Exit::Status(2));
    assert_eq!(run("--fork --ready -- true").exit, Exit::Status(2));
    dir.nothing_left();
}

#[test]
fn notification_of_another_user_has_its_credentials() {
    let dir = Dir::new();
    let manager = Manager::at_path(&dir);
    let notify = |user: &str| {
        Svc::new(&dir)
            .args(["notify", "--ready", "--no-block", "--uid", user])
            .args(["--exec", ";", "/bin/sh", "-c", "id -ru; id -rg"])
            .env("NOTIFY_SOCKET", &manager.address)
            .output()
    };
    if require(Capability::Root) {
        for user in ["4711", "nobody"] {
            let expected = if user == "4711" {
                (4711, 0)
            } else {
                let found = nix::unistd::User::from_name(user).unwrap().unwrap();
                (found.uid.as_raw(), found.gid.as_raw())
            };
            // The command that follows runs as before.
            let output = notify(user);
            assert_eq!(
                (output.stdout.as_str(), output.exit),
                ("0\n0\n", Exit::Status(0)),
                "{}",
                output.stderr
            );
            let message = manager.next();
            assert_eq!((message.text.as_str(), message.user), ("READY=1\n", expected));
        }
    }
    let output = notify("nouser-svcadapt");
    let expected = "svcadapt: notify 'nouser-svcadapt': no such user\n";
    assert_eq!((output.stderr.as_str(), output.exit), (expected, Exit::Status(1)));
    assert!(!manager.has());
}

#[test]
fn supervisor_that_waits_for_a_newline_gets_it_by_number_or_variable() {
    let dir = Dir::new();
    let svcadapt = dir.program("svcadapt").display().to_string();
    let run = |script: &str| {
        let script = script.replace("[S]", &svcadapt).replace("[D]", &dir.path().display().to_string());
        Svc::new(&dir).program("/bin/sh").args(["-c", &script]).env("READY_FD", "7").output()
    };
    for script in [
        "[S] notify --ready --notification-fd 7 7>out && od -c out",
        "[S] notify --ready --notification-fd READY_FD 7>out && od -c out",
        // As below dinit: `ready-notification = pipevar:READY_FD`.
        "[S] run --mode supervised --notification-fd READY_FD --ready file:/ -- sh -c \
         'until [ -s [D]/out ]; do :; done; od -c [D]/out' 7>out",
    ] {
        let output = run(script);
        assert_eq!(
            (output.stdout.as_str(), output.exit),
            ("0000000  \\n\n0000001\n", Exit::Status(0)),
            "{script}"
        );
    }
    for (words, why) in [
        ("--ready --notification-fd 7", "'7': bad file number"),
        ("--ready --notification-fd NOWHERE", "'NOWHERE': neither a number nor a variable that has one"),
        ("--status=x --notification-fd 1", "'1': a descriptor takes readiness alone: --ready"),
    ] {
        let output = run(&format!("[S] notify {words}"));
        assert_eq!((output.stderr, output.exit), (format!("svcadapt: notify {why}\n"), Exit::Status(1)));
    }
}

#[test]
fn notification_without_a_manager_or_with_two_lines_is_refused() {
    let dir = Dir::new();
    let notify = |arguments: &[&str]| Svc::new(&dir).args(["notify"]).args(arguments);
    notify(&["--ready"])
        .stderr(
            "svcadapt: notify: no manager waits for notifications here: NOTIFY_SOCKET is not set\n  \
             hint: start the service with Type=notify, or with `svcadapt run --ready notify`\n",
        )
        .status(1)
        .run();
    notify(&["--ready"])
        .env("NOTIFY_SOCKET", "x")
        .stderr("svcadapt: notify 'x': neither a path nor an abstract name\n")
        .status(1)
        .run();
    for (word, why) in [
        ("A=b\nREADY=1", "'A=b\\nREADY=1': one assignment has one line"),
        ("A", "'A': not VARIABLE=VALUE"),
        ("A b=c", "'A b=c': not the name of a variable"),
    ] {
        notify(&[word]).stderr(&format!("svcadapt: notify {why}\n")).status(2).run();
    }
    notify(&[])
        .stderr("svcadapt: notify: nothing to send\n  hint: give --ready, --status TEXT or VARIABLE=VALUE\n")
        .status(2)
        .run();
}
