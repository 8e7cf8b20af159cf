//! A program that forks into the background is a service like any other: the launcher finds its main process, reports
//! truly, and leaves nothing of a failed one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::run;
use crate::harness::{
    Capability, Dir, Exit, Process, Running, Service, Svc, all_at_once, require, skip, wait_until,
};

/// A start of `daemonic` with these words, which becomes `inspect` and reports.
fn start<'a>(dir: &'a Dir, service: &Service, options: &[&str], words: &[&str]) -> Svc<'a> {
    let (daemonic, inspect) = (dir.program("daemonic"), dir.program("inspect"));
    let svc = run(dir, &["--type", "forking", "--name", service.name()]).args(options).args(["--"]);
    let report = dir.join("report");
    svc.args([daemonic]).args(words).args([inspect]).args(["--out"]).args([report]).args(["--stay"])
}

fn pid_file(dir: &Dir) -> String {
    dir.join("its.pid").display().to_string()
}

fn status(dir: &Dir, words: &[&str]) -> (Exit, String) {
    let output = Svc::new(dir).args(["status"]).args(words).output();
    (output.exit, output.stdout)
}

/// Asserts the promises for a running service and for its end.
fn runs_and_stops(dir: &Dir, service: &Service, pid_file: Option<&str>) {
    let report = dir.join("report");
    wait_until("the program reports", || report.exists().then_some(()));
    let (process, _) = dir.reported();
    assert_eq!(service.main().pid(), process.pid());
    let runs = format!("running, process {}", process.pid());
    let (exit, printed) = status(dir, &[service.name()]);
    assert_eq!(exit, Exit::Status(0));
    assert!(printed.contains(&runs), "{printed}");
    if let Some(path) = pid_file {
        assert!(status(dir, &["--pid-file", path]).1.contains(&runs));
    }
    let reported =
        format!("svcadapt: start '{}': already running as process {}\n", service.name(), process.pid());
    start(dir, service, &[], &[]).stderr(&reported).status(250).run();
    if let Some(path) = pid_file {
        let other = Service::new();
        let reported = format!(
            "svcadapt: start '{path} of {}': already running as process {}\n",
            service.name(),
            process.pid()
        );
        start(dir, &other, &["--pid-file", path], &[]).stderr(&reported).status(250).run();
    }
    let stopped = Svc::new(dir).args(["stop", service.name()]).output();
    assert_eq!((stopped.exit, stopped.stderr.as_str()), (Exit::Status(0), ""));
    process.wait_gone();
    assert_nothing_left(dir, service);
}

/// Asserts that nothing is left of the service.
fn assert_nothing_left(dir: &Dir, service: &Service) {
    assert!(!service.lock().exists());
    // A program killed between creating and writing its pid file leaves an empty one, which is nobody's.
    let path = pid_file(dir);
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), "");
    let _ = fs::remove_file(&path);
    dir.nothing_left();
}

#[test]
fn pid_file_in_any_format_identifies_the_main_process() {
    for words in [
        &["--pid-text", "{}\n"][..],
        &["--pid-text", "{}", "--pid-after", "150"],
        &["--pid-text", " {} \n/var/lib/data\nanything \u{e4}\n"],
        &["--forks", "2", "--middle-waits", "30"],
        &["--forks", "3", "--first-waits", "50", "--keep"],
    ] {
        let (dir, service) = (Dir::new(), Service::new());
        let path = pid_file(&dir);
        let words = [&["--pid-file", path.as_str()], words].concat();
        start(&dir, &service, &["--pid-file", &path], &words).run();
        runs_and_stops(&dir, &service, Some(&path));
    }
}

#[test]
fn main_process_without_a_pid_file_is_the_only_one_left() {
    for words in [
        &[][..],
        &["--forks", "2"],
        &["--forks", "2", "--middle-waits", "150"],
        &["--forks", "3", "--middle-waits", "60"],
        &["--pid-after", "200"],
    ] {
        let (dir, service) = (Dir::new(), Service::new());
        start(&dir, &service, &[], words).run();
        runs_and_stops(&dir, &service, None);
    }
}

#[test]
fn forking_service_of_an_ordinary_user_starts() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let service = Service::of(65_534);
    let path = pid_file(&dir);
    let words = ["--pid-file", path.as_str()];
    start(&dir, &service, &words, &words).by("nobody").run();
    wait_until("the program reports", || dir.join("report").exists().then_some(()));
    let (process, seen) = dir.reported();
    assert_eq!(service.main().pid(), process.pid());
    assert_eq!(seen["uid"]["real"], 65_534);
    Svc::new(&dir).by("nobody").args(["stop", "--pid-file", &path]).output();
    process.wait_gone();
    assert_nothing_left(&dir, &service);
}

/// A pid file written by the service's user is accepted: only the service's own processes count.
#[test]
fn pid_file_owned_by_the_service_user_is_accepted() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let path = pid_file(&dir);
    let options = ["--user", "nobody", "--pid-file", path.as_str()];
    start(&dir, &service, &options, &["--pid-file", &path, "--pid-after", "50"]).run();
    runs_and_stops(&dir, &service, Some(&path));
}

#[test]
fn readiness_probe_applies_to_the_main_process() {
    let (dir, service) = (Dir::new(), Service::new());
    let (daemonic, inspect) = (dir.program("daemonic"), dir.program("inspect"));
    let path = pid_file(&dir);
    let socket = dir.join("socket").display().to_string();
    let ready = format!("unix:{socket}");
    let options = ["--type", "forking", "--name", service.name(), "--pid-file", &path];
    run(&dir, &options)
        .args(["--ready", &ready, "--ready", "notify", "--"])
        .args([daemonic])
        .args(["--pid-file", &path, "--pid-after", "20"])
        .args([inspect])
        .args(["--ready-after", "100", "--listen", &ready, "--ready", "notify", "--stay"])
        .run();
    assert!(Path::new(&socket).exists());
    let main = service.main();
    assert_eq!(fs::read_to_string(&path).unwrap(), main.pid().to_string());
    Svc::new(&dir).args(["stop", service.name()]).output();
    main.wait_gone();
    assert_nothing_left(&dir, &service);
}

#[test]
fn failed_forking_start_is_reported_and_leaves_nothing() {
    let short = ["--timeout-start-sec", "2s"];
    let by = |dir: &Dir, words: &[&str]| -> Vec<String> {
        words.iter().map(|word| word.replace("[PID]", &pid_file(dir))).collect()
    };
    let cases = [
        (&[][..], &["--first-exit", "3"][..], Exit::Status(3), "ended with status 3 before"),
        (&["--pid-file", "[PID]"], &["--die"], Exit::Signal(9), "ended by SIGKILL before"),
        (&[], &["--die"], Exit::Signal(9), "ended by SIGKILL before"),
        (&[], &["--forks", "2", "--die"], Exit::Signal(9), "ended by SIGKILL before"),
        (&["--pid-file", "[PID]"], &[], Exit::Status(249), "its pid file [PID]: it is not there"),
        (
            &["--pid-file", "[PID]"],
            &["--pid-file", "[PID]", "--pid-text", "soon"],
            Exit::Status(249),
            "its pid file [PID]: it contains no number",
        ),
        (
            &["--pid-file", "[PID]"],
            &["--pid-file", "[PID]", "--pid-text", "1\n"],
            Exit::Status(249),
            "its pid file [PID]: it names process 1, which is not a running process of the program",
        ),
        (
            &[],
            &["--forks", "0"],
            Exit::Status(249),
            "the end of its first process\n  hint: use --type exec for a program that stays",
        ),
        (&[], &["--first-waits", "60000"], Exit::Status(249), "the end of its first process"),
        (&["--ready", "file:/nowhere/x"], &[], Exit::Status(249), "still missing: file:/nowhere/x"),
    ];
    // Most of them wait for the timeout.
    all_at_once(cases, |(options, words, exit, reported)| {
        let (dir, service) = (Dir::new(), Service::new());
        let (options, words) = (by(&dir, options), by(&dir, words));
        let options: Vec<&str> = short.into_iter().chain(options.iter().map(String::as_str)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = start(&dir, &service, &options, &words).output();
        let reported = reported.replace("[PID]", &pid_file(&dir));
        assert_eq!(output.exit, exit, "{words:?}: {}", output.stderr);
        assert!(output.stderr.contains(&reported), "{words:?}: {}", output.stderr);
        // A file without a pid of the service is not removed.
        let _ = fs::remove_file(pid_file(&dir));
        assert_nothing_left(&dir, &service);
    });
}

#[test]
fn exit_with_success_without_a_daemon_is_a_failure() {
    let (dir, service) = (Dir::new(), Service::new());
    let daemonic = dir.program("daemonic");
    run(&dir, &["--type", "forking", "--standard-output=null", "--name", service.name(), "--"])
        .args([daemonic])
        .args(["/bin/true"])
        .stderr(&format!(
            "svcadapt: start '{}': the program ended with status 0 before it was ready\n  hint: [ANY]\n",
            service.name()
        ))
        .status(248)
        .run();
    assert_nothing_left(&dir, &service);
}

#[test]
fn main_process_among_several_candidates_is_not_guessed() {
    let (dir, service) = (Dir::new(), Service::new());
    dir.program("/bin/sleep");
    let sleep = dir.join("sleep").display().to_string();
    let text = format!("'{sleep}' 60 & '{sleep}' 60 &");
    let output = run(&dir, &["--type", "forking", "--name", service.name(), "--timeout-start-sec", "300ms"])
        .args(["--", "/bin/sh", "-c", &text])
        .output();
    assert_eq!(output.exit, Exit::Status(249));
    assert!(output.stderr.contains("its main process: it may be any of "), "{}", output.stderr);
    assert!(output.stderr.contains("\n  hint: use --pid-file for the file"), "{}", output.stderr);
    assert_nothing_left(&dir, &service);
}

/// The pid in the old file belongs to another process by now.
#[test]
fn stale_pid_file_is_ignored_until_the_program_writes_it() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir);
    for stale in [std::process::id().to_string(), "1".to_owned(), "999999999".to_owned(), String::new()] {
        fs::write(&path, stale).unwrap();
        let words = ["--pid-file", path.as_str(), "--pid-after", "100"];
        start(&dir, &service, &words[..2], &words).run();
        runs_and_stops(&dir, &service, Some(&path));
        fs::remove_file(dir.join("report")).unwrap();
    }
}

#[test]
fn killed_forking_service_is_reported_dead_and_restarts() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir);
    let words = ["--pid-file", path.as_str()];
    start(&dir, &service, &words, &words).run();
    let first = service.main();
    first.signal(Signal::SIGKILL);
    first.wait_gone();
    assert_eq!(status(&dir, &[service.name()]).0, Exit::Status(1));
    let _ = fs::remove_file(dir.join("report"));
    start(&dir, &service, &words, &words).run();
    runs_and_stops(&dir, &service, Some(&path));
}

/// The pid of the dead service is reused: that process is neither the service nor stopped for it.
#[test]
fn reused_pid_of_a_dead_service_is_a_stranger() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    for program in ["svcadapt", "daemonic", "inspect", "/bin/sleep"] {
        dir.program(program);
    }
    let text = "cd \"$1\"; start() { ./svcadapt run --mode classic --type forking --name $2 --pid-file $1/its.pid -- \
                $1/daemonic --pid-file $1/its.pid --pid-after 50 $1/inspect --stay; }\n\
                start $1 $2 || exit 10; pid=$(cat its.pid); kill -9 $pid\n\
                while ./svcadapt status $2 | grep -q running; do :; done\n\
                tries=0; until [ \"$got\" = $pid ]; do tries=$((tries + 1)); [ $tries -lt 99 ] || exit 11\n\
                echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid; ./sleep 60 & got=$!; done\n\
                ./svcadapt status $2 > status; echo status $?; ./svcadapt stop $2 > /dev/null; echo stop $?\n\
                echo $pid > its.pid; start $1 $2; echo start $?\n\
                kill -0 $pid && [ $(cat its.pid) != $pid ] && echo another; ./svcadapt stop $2 > /dev/null; echo stop $?";
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["-pf", "--mount-proc", "--kill-child", "/bin/sh", "-c", text, "sh"])
        .args([dir.path()])
        .args([service.name()])
        .stdout("status 1\nstop 0\nstart 0\nanother\nstop 0\n")
        .run();
    assert_nothing_left(&dir, &service);
}

/// Until the main process is known, the record names the launcher.
#[test]
fn stop_during_a_forking_start_leaves_nothing() {
    for (words, file) in [
        (&["--forks", "0"][..], false),
        (&["--first-waits", "60000"], false),
        (&["--pid-after", "60000"], true),
        (&[], true),
    ] {
        for by_command in [false, true] {
            let (dir, service) = (Dir::new(), Service::new());
            let path = pid_file(&dir);
            let given: &[&str] = if file { &["--pid-file", &path] } else { &[] };
            let running = start(
                &dir,
                &service,
                &[given, &["--ready", "file:/nowhere/x"]].concat(),
                &[given, words].concat(),
            )
            .spawn();
            wait_until("it is being started", || service.running());
            if by_command {
                let output = Svc::new(&dir).args(["stop", service.name()]).output();
                assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
            } else {
                running.signal(Signal::SIGTERM);
            }
            let output = running.finish();
            assert!(
                output.exit == Exit::Signal(15) || output.exit == Exit::Status(248) && by_command,
                "{words:?}: {output:?}"
            );
            assert_nothing_left(&dir, &service);
        }
    }
}

/// Killed at any moment between its fork and its readiness, the daemon's death is reported at once.
#[test]
fn daemon_killed_before_readiness_fails_the_start() {
    for round in 0..20_u64 {
        let (dir, service) = (Dir::new(), Service::new());
        let path = pid_file(&dir);
        let words = ["--pid-file", path.as_str(), "--pid-after", "3"];
        let begun = Instant::now();
        let running =
            start(&dir, &service, &[&words[..2], &["--ready", "file:/nowhere/x"]].concat(), &words).spawn();
        let launcher = running.pid();
        let victim = wait_until("it has forked itself away", || daemons(&dir, launcher).pop());
        let end = Instant::now() + Duration::from_micros(400 * round);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        victim.signal(Signal::SIGKILL);
        let output = running.finish();
        assert_eq!(output.exit, Exit::Signal(9), "round {round}: {output:?}");
        assert!(begun.elapsed() < Duration::from_secs(15));
        assert_nothing_left(&dir, &service);
    }
}

/// The processes of `daemonic` and its successors that the launcher has adopted.
fn daemons(dir: &Dir, launcher: i32) -> Vec<Process> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let exe = fs::read_link(entry.path().join("exe")).unwrap_or_default();
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(") ").unwrap_or_default().1.split(' ');
        let parent = fields.nth(1).and_then(|parent| parent.parse().ok());
        let session = fields.nth(1).and_then(|session| session.parse().ok());
        let its: [PathBuf; 2] = [dir.join("daemonic"), dir.join("inspect")];
        if its.contains(&exe) && parent == Some(launcher) && session == Some(pid) {
            all.extend(Process::open(pid));
        }
    }
    all
}

#[test]
fn concurrent_forking_starts_leave_one_service() {
    for _ in 0..5 {
        let (dir, service) = (Dir::new(), Service::new());
        let path = pid_file(&dir);
        let words = ["--pid-file", path.as_str(), "--pid-after", "10"];
        let all: Vec<_> = (0..8).map(|_| start(&dir, &service, &words[..2], &words).spawn()).collect();
        let ends: Vec<_> = all.into_iter().map(Running::finish).collect();
        let count = |exit| ends.iter().filter(|end| end.exit == exit).count();
        assert_eq!((count(Exit::Status(0)), count(Exit::Status(250))), (1, 7), "{ends:?}");
        runs_and_stops(&dir, &service, Some(&path));
    }
}

/// Real daemons with the options of their packages, each on a port of its own and with all files in the directory.
#[test]
fn packaged_daemons_run_with_their_own_options() {
    if !require(Capability::Root) {
        return;
    }
    for (program, words) in [
        ("/usr/bin/memcached", "-d -u root -l 127.0.0.1 -p [PORT] -U 0 -P [DIR]/its.pid"),
        ("/usr/sbin/lighttpd", "-f [DIR]/conf"),
        ("/usr/sbin/nginx", "-p [DIR]/ -c [DIR]/conf -e [DIR]/log"),
        (
            "/usr/sbin/dnsmasq",
            "--conf-file=/dev/null --port=[PORT] --listen-address=127.0.0.1 --bind-interfaces -u root \
             --pid-file=[DIR]/its.pid",
        ),
    ] {
        if !Path::new(program).exists() {
            skip(program, "it is not installed");
            continue;
        }
        for with_file in [true, false] {
            let (dir, service) = (Dir::new(), Service::new());
            let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            let path = dir.path().display().to_string();
            let conf = if program.ends_with("nginx") {
                format!(
                    "user root; pid {path}/its.pid; events {{}} http {{ access_log off; \
                     client_body_temp_path {path}/1; proxy_temp_path {path}/2; fastcgi_temp_path {path}/3; \
                     uwsgi_temp_path {path}/4; scgi_temp_path {path}/5; server {{ listen 127.0.0.1:{port}; }} }}"
                )
            } else {
                format!(
                    "server.document-root = \"{path}\"\nserver.port = {port}\nserver.bind = \"127.0.0.1\"\n\
                     server.pid-file = \"{path}/its.pid\"\nserver.errorlog = \"{path}/log\"\n"
                )
            };
            dir.write("conf", &conf);
            let file = pid_file(&dir);
            let ready = format!("tcp:127.0.0.1:{port}");
            let given: &[&str] = if with_file { &["--pid-file", &file] } else { &[] };
            run(&dir, &["--type", "forking", "--name", service.name(), "--ready", &ready])
                .args(given)
                .args(["--", program])
                .args(
                    words.split(' ').map(|w| w.replace("[DIR]", &path).replace("[PORT]", &port.to_string())),
                )
                .run();
            let main = service.main();
            assert_eq!(dir.read("its.pid").trim(), main.pid().to_string(), "{program}");
            assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
            let output = Svc::new(&dir).args(["stop", service.name()]).output();
            assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
            main.wait_gone();
            assert!(!with_file || !Path::new(&file).exists(), "{program} has left its pid file");
            assert!(!service.lock().exists());
            dir.nothing_left();
        }
    }
}
