//! The launcher returns when the service is ready, and not before.
//!
//! The order is proved by files, not by clocks: the program creates `marker` just before it becomes ready, so a
//! launcher that returns without a marker was too early.

use std::fs;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use super::{run, stop};
use crate::harness::{
    Capability, Dir, Exit, Process, Running, Service, Svc, facts, free_port, installed, require,
    this_process, wait_until, world,
};

/// A shell program that writes its pid to `pid`, waits until the test creates `go`, and then runs the rest; `$DIR` is
/// the directory.
fn gated_script(dir: &Dir, rest: &str) -> String {
    let dir = dir.path().display();
    format!(
        "export DIR={dir}; echo $$ >$DIR/pid.new; mv $DIR/pid.new $DIR/pid; until [ -e $DIR/go ]; do sleep 0.01; done; {rest}"
    )
}

/// Starts such a program, and returns when it waits for `go`.
fn start(dir: &Dir, options: &[&str], rest: &str) -> (Running, Process) {
    let script = gated_script(dir, rest);
    let running = run(dir, options).args(["--", "/bin/sh", "-c", &script]).spawn();
    let pid = wait_until("the program tells its number", || fs::read_to_string(dir.join("pid")).ok());
    (running, Process::open(pid.trim().parse().unwrap()).unwrap())
}

/// Lets the program become ready, and asserts that the launcher returned after that with 0.
fn assert_ready_after_go(dir: &Dir, running: Running, process: &Process) {
    assert!(running.runs(), "the launcher came back before the program was ready");
    dir.write("go", "");
    assert_ready(dir, running, process);
}

/// Asserts that the launcher returns with 0 after the program has become ready, and ends the program.
fn assert_ready(dir: &Dir, running: Running, process: &Process) {
    let output = running.finish();
    assert!(dir.join("marker").exists(), "the launcher came back before the program was ready: {output:?}");
    assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.exit), ("", "", Exit::Status(0)));
    assert!(process.is_alive(), "the program has ended");
    // The helper of its message may still be ending.
    let children = format!("/proc/{0}/task/{0}/children", process.pid());
    wait_until("the program is alone", || fs::read_to_string(&children).unwrap().is_empty().then_some(()));
    process.signal(nix::sys::signal::Signal::SIGKILL);
    process.wait_gone();
    // A monitor ends after its program.
    dir.wait_nothing_left();
}

/// A variable in the environment of a process.
fn variable(process: &Process, name: &str) -> String {
    facts(&process.pid().to_string()).unwrap()["env"][name].as_str().unwrap().to_owned()
}

/// Sends a message to the notify socket from an unrelated process.
fn send_as_stranger(process: &Process, message: &[u8]) {
    let address = variable(process, "NOTIFY_SOCKET");
    UnixDatagram::unbound().unwrap().send_to(message, address).unwrap();
}

#[test]
fn start_without_a_probe_is_ready_at_the_exec() {
    let (dir, service) = (Dir::new(), Service::new());
    let program = dir.program("/bin/sleep").display().to_string();
    run(&dir, &["--name", service.name(), "--", &program, "60"]).run();
    let process = service.main();
    let seen = facts(&process.pid().to_string()).unwrap();
    assert_eq!(seen["exe"], serde_json::json!(program), "it came back before the exec");
    stop(&process);
}

#[test]
fn notify_probe_is_ready_at_the_programs_message() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let rest = ": > $DIR/marker; systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready", "notify"], rest);
    let socket = PathBuf::from(variable(&process, "NOTIFY_SOCKET"));
    let found = fs::metadata(&socket).unwrap();
    let mode = if geteuid().is_root() { 0o666 } else { 0o600 };
    assert!(found.file_type().is_socket() && found.permissions().mode() & 0o777 == mode);
    assert_ready_after_go(&dir, running, &process);
    assert!(!socket.exists(), "the socket is still there");
}

#[test]
fn type_notify_implies_the_notify_probe() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let rest = ": > $DIR/marker; systemd-notify --ready --status=up; exec sleep 60";
    let (running, process) = start(&dir, &["--type", "notify"], rest);
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn notify_probe_works_for_an_ordinary_user() {
    if installed("systemd-notify").is_none() {
        return;
    }
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let script = gated_script(&dir, ": > $DIR/marker; systemd-notify --ready; exec sleep 60");
    let svc = run(&dir, &["--ready=notify", "--", "/bin/sh", "-c", &script]).by("nobody");
    let running = svc.spawn();
    let pid = wait_until("the program tells its number", || fs::read_to_string(dir.join("pid")).ok());
    let process = Process::open(pid.trim().parse().unwrap()).unwrap();
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn program_that_changes_its_user_itself_can_report_readiness() {
    if installed("systemd-notify").is_none() {
        return;
    }
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let rest = ": > $DIR/marker; exec setpriv --reuid=nobody --regid=nogroup --clear-groups \
                sh -c 'systemd-notify --ready; exec sleep 60'";
    let (running, process) = start(&dir, &["--ready=notify"], rest);
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn notify_socket_belongs_to_the_service_user() {
    if installed("systemd-notify").is_none() {
        return;
    }
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let rest = ": > $DIR/marker; systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready=notify", "--user=nobody"], rest);
    let socket = fs::metadata(variable(&process, "NOTIFY_SOCKET")).unwrap();
    assert_eq!(socket.uid(), User::from_name("nobody").unwrap().unwrap().uid.as_raw());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn notify_message_of_a_stranger_is_ignored() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let rest = ": > $DIR/marker; systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready=notify"], rest);
    send_as_stranger(&process, b"READY=1");
    send_as_stranger(&process, b"READY=1\nMAINPID=1\nSTATUS=ready\n");
    read_by_launcher(&running);
    assert!(running.runs(), "a stranger's word has counted");
    assert_ready_after_go(&dir, running, &process);
}

/// Waits until the launcher has read all messages so far, or has ended: it sleeps again only when nothing is left to
/// read.
fn read_by_launcher(running: &Running) {
    wait_until("the launcher reads its socket", || {
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", running.pid())) else { return Some(()) };
        if !running.runs() {
            return Some(());
        }
        stat.rsplit_once(") ").unwrap().1.starts_with('S').then_some(())
    });
}

#[test]
fn notify_message_without_a_ready_line_is_ignored() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let junk = "systemd-notify --no-block 'STATUS=READY=1' XREADY=1 READY=11; systemd-notify STATUS=READY=1; \
                python3 -c 'import os,socket; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); \
                s.setsockopt(socket.SOL_SOCKET,socket.SO_SNDBUF,1<<20); s.connect(os.environ[\"NOTIFY_SOCKET\"]); \
                s.send(b\"READY=1\\n\"+b\"x\"*65536); s.send(b\"READY=1\\0\"); s.send(b\"\"); s.send(b\"\\xff\\xfe\\n=\\n\")'; \
                systemd-notify STATUS=junk-was-sent; touch $DIR/junk; \
                until [ -e $DIR/second ]; do sleep 0.01; done; : > $DIR/marker; systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready=notify"], junk);
    dir.write("go", "");
    // systemd-notify ends with BARRIER=1, so the junk has been read when it returns.
    wait_until("the junk is sent", || dir.join("junk").exists().then_some(()));
    assert!(running.runs(), "junk has counted as ready");
    dir.write("second", "");
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn fd_probe_is_ready_at_a_newline() {
    for (option, number) in
        [("--ready=fd", 3), ("--ready=fd:3", 3), ("--ready=fd:9", 9), ("--ready=fd:77", 77)]
    {
        let dir = Dir::new();
        let write = "/proc/self/fd/".to_owned() + &number.to_string();
        let rest = format!(
            "printf half >{write}; touch $DIR/half; until [ -e $DIR/second ]; do sleep 0.01; done; \
                            : > $DIR/marker; echo >{write}; exec sleep 60"
        );
        let (running, process) = start(&dir, &[option], &rest);
        let fds = facts(&process.pid().to_string()).unwrap()["fds"].as_object().unwrap().clone();
        assert_eq!(
            fds.keys().map(String::as_str).filter(|n| !["10", "32"].contains(n)).collect::<Vec<_>>(),
            ["0", "1", "2", &number.to_string()]
        );
        dir.write("go", "");
        wait_until("half a line is written", || dir.join("half").exists().then_some(()));
        assert!(running.runs(), "{option}: half a line has counted");
        dir.write("second", "");
        assert_ready(&dir, running, &process);
    }
}

#[test]
fn tcp_probe_is_ready_when_the_service_listens() {
    for host in ["", "127.0.0.1:", "localhost:"] {
        let (dir, port) = (Dir::new(), free_port());
        let rest =
            format!(": > $DIR/marker; exec {} --listen tcp:{port} --stay", dir.program("inspect").display());
        let (running, process) = start(&dir, &[&format!("--ready=tcp:{host}{port}")], &rest);
        assert_ready_after_go(&dir, running, &process);
    }
}

#[test]
fn tcp_probe_ignores_a_strangers_listener() {
    let dir = Dir::new();
    let stranger = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    let ready = format!("--ready=tcp:{port}");
    let script = gated_script(&dir, "exec sleep 60");
    run(&dir, &["--timeout-start-sec=300ms", &ready, "--", "/bin/sh", "-c", &script])
        .stderr(&format!("svcadapt: start 'sh[ANY]': not ready after 300ms, still missing: tcp:[PORT] ({} listens there, which is not of this service)\n  hint: raise --timeout-start-sec\n", this_process()))
        .name("[PORT]", port)
        .status(249)
        .run();
    drop(stranger);
    dir.nothing_left();
}

#[test]
fn unix_probe_is_ready_when_the_service_listens() {
    let dir = Dir::new();
    let path = dir.join("socket").display().to_string();
    let rest =
        format!(": > $DIR/marker; exec {} --listen unix:{path} --stay", dir.program("inspect").display());
    let (running, process) = start(&dir, &[&format!("--ready=unix:{path}")], &rest);
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn unix_probe_ignores_a_strangers_and_a_stale_socket() {
    let dir = Dir::new();
    let stranger = UnixListener::bind(dir.join("strange")).unwrap();
    drop(UnixListener::bind(dir.join("stale")).unwrap());
    dir.write("file", "");
    for name in ["strange", "stale", "file", "missing"] {
        let path = dir.join(name).display().to_string();
        let ready = format!("--ready=unix:{path}");
        let got = run(&dir, &["--timeout-start-sec=200ms", &ready, "--", "/bin/sleep", "60"]).output();
        assert_eq!(got.exit, Exit::Status(249), "{name}: {}", got.stderr);
        let stranger = match name {
            "strange" => format!(" ({} listens there, which is not of this service)", this_process()),
            _ => String::new(),
        };
        let missing = format!("still missing: unix:{path}{stranger}\n");
        assert!(got.stderr.contains(&missing), "{name}: {}", got.stderr);
    }
    assert!(stranger.as_raw_fd() > 2);
}

#[test]
fn file_probe_is_ready_when_the_file_exists() {
    let dir = Dir::new();
    let ready = format!("--ready=file:{}", dir.join("up").display());
    let (running, process) = start(&dir, &[&ready], ": > $DIR/marker; : > $DIR/up; exec sleep 60");
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn exec_probe_runs_as_the_service_user() {
    let root = require(Capability::Root);
    let dir = if root { Dir::new().owned_by("nobody") } else { Dir::new() };
    let d = dir.path().display();
    let ready = format!("--ready=exec:id -u >{d}/who; pwd >{d}/where; env >{d}/env; test -e {d}/up");
    let mut options = vec!["--clean-environment", "--environment=A=b c", ready.as_str()];
    if root {
        options.push("--user=nobody");
    }
    let (running, process) = start(&dir, &options, ": > $DIR/marker; : > $DIR/up; exec sleep 60");
    wait_until("the command has run once", || dir.join("env").exists().then_some(()));
    assert_ready_after_go(&dir, running, &process);
    if root {
        assert_eq!(dir.read("who"), format!("{}\n", User::from_name("nobody").unwrap().unwrap().uid));
    }
    assert_eq!(dir.read("where"), "/\n");
    assert!(dir.read("env").lines().any(|line| line == "A=b c"));
}

#[test]
fn several_probes_must_all_succeed() {
    let dir = Dir::new();
    let ready = format!("--ready=file:{}", dir.join("up").display());
    let rest = ": > $DIR/up; touch $DIR/first; until [ -e $DIR/second ]; do sleep 0.01; done; \
                : > $DIR/marker; echo >/proc/self/fd/3; exec sleep 60";
    let (running, process) = start(&dir, &[&ready, "--ready=fd"], rest);
    dir.write("go", "");
    wait_until("the first sign is there", || dir.join("first").exists().then_some(()));
    assert!(running.runs(), "one of two has counted as all");
    dir.write("second", "");
    assert_ready_after_go(&dir, running, &process);
}

#[test]
fn extended_timeout_counts_from_its_request() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    // At 1.2 of 2 seconds it asks for 1.9 more, and is ready at 2.4.
    let rest = "sleep 1.2; systemd-notify EXTEND_TIMEOUT_USEC=1900000; sleep 1.2; : > $DIR/marker; \
                systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready=notify", "--timeout-start-sec=2s"], rest);
    dir.write("go", "");
    assert_ready_after_go(&dir, running, &process);
    // Microseconds, not milliseconds: 1500 are no extension.
    let dir = Dir::new();
    let script = "systemd-notify EXTEND_TIMEOUT_USEC=1500 'STATUS=warming up'; exec sleep 60";
    run(&dir, &["--ready=notify", "--timeout-start-sec=300ms", "--", "/bin/sh", "-c", script])
        .stderr("svcadapt: start 'sh[ANY]': not ready after 300ms, still missing: notify; its status: warming up\n  hint: raise --timeout-start-sec\n")
        .status(249)
        .run();
}

#[test]
fn program_text_is_printed_without_control_characters() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let script = r#"printf 'cut \342\200\256 \302\233 \033[31m\n' >&2
        systemd-notify "$(printf 'STATUS=re \342\200\256 versed \342\201\246 \302\205')"; exec sleep 60"#;
    let log = format!("--standard-error=append:{}", dir.join("log").display());
    run(
        &dir,
        &["--ready=notify", "--timeout-start-sec=3s", &log, "--name=bidi", "--", "/bin/sh", "-c", script],
    )
    .stderr(
        "svcadapt: start 'bidi': not ready after 3s, still missing: notify; its status: \
             re \\u{202e} versed \\u{2066} \\u{85}\n  | cut \\u{202e} \\u{9b} \\u{1b}[31m\n  hint: raise --timeout-start-sec\n",
    )
    .status(249)
    .run();
}

#[test]
fn path_and_name_in_an_error_are_printed_without_control_characters() {
    let dir = Dir::new();
    let path = dir.join("x\u{202e}\u{85}");
    run(&dir, &["--working-directory", path.to_str().unwrap(), "--", "/bin/true"])
        .stderr("svcadapt: working directory '[DIR]/x\\u{202e}\\u{85}': no such file or directory\n")
        .status(200)
        .run();
    run(&dir, &["--standard-output", &format!("file:{}/y", path.display()), "--", "/bin/true"])
        .stderr("svcadapt: standard output 'file:[DIR]/x\\u{202e}\\u{85}/y': its directory: no such file or directory\n")
        .status(209)
        .run();
    Svc::new(&dir)
        .args(["status", "--pid-file"])
        .args([path.join("a")])
        .stdout("[DIR]/x\\u{202e}\\u{85}/a: not running\n")
        .status(3)
        .run();
}

#[test]
fn oneshot_is_ready_when_it_has_ended() {
    let dir = Dir::new();
    let d = dir.path().display();
    let script = format!("until [ -e {d}/go ]; do sleep 0.01; done; touch {d}/marker");
    let running = run(&dir, &["--type=oneshot", "--", "/bin/sh", "-c", &script]).spawn();
    assert!(running.runs());
    dir.write("go", "");
    let output = running.finish();
    assert_eq!((output.stderr.as_str(), output.exit), ("", Exit::Status(0)));
    assert!(dir.join("marker").exists());
    dir.nothing_left();
}

/// For example a program that its user may execute but not read.
#[test]
fn program_hidden_by_proc_is_started_and_ended_in_time() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let (svcadapt, sleep) = (dir.program("svcadapt"), dir.own_copy(Path::new("/bin/sleep"), 0o711));
    let script = "mount -t proc -o hidepid=invisible proc /proc && \
                  exec setpriv --reuid nobody --regid nogroup --clear-groups \"$@\"";
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"])
        .args([svcadapt])
        .args(["run", "--mode=classic", "--timeout-start-sec=5s", "--timeout-stop-sec=1s"])
        .args(["--standard-output=null", "--"])
        .args([sleep.as_os_str(), "60".as_ref()])
        .run();
    drop(dir);
    // It does not outlive a failed start either.
    let dir = Dir::new().owned_by("nobody");
    let (svcadapt, sleep) = (dir.program("svcadapt"), dir.own_copy(Path::new("/bin/sleep"), 0o711));
    let output = Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"])
        .args([svcadapt])
        .args(["run", "--mode=classic", "--ready=notify", "--timeout-start-sec=100ms", "--"])
        .args([sleep.as_os_str(), "60".as_ref()])
        .output();
    assert_eq!(output.exit, Exit::Status(249), "{}", output.stderr);
    dir.nothing_left();
}

/// The device number of stat(2) is there not that of the file which the socket is bound to.
#[test]
fn unix_probe_finds_a_socket_on_an_overlay() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    for bound in ["/opt/web.sock", "../../../../../../opt/web.sock"] {
        let script = format!(
            "svcadapt run --mode classic --name overlay --ready unix:/opt/web.sock -e /dev/stderr --timeout-start-sec 20 -- \
             {inspect} --listen unix:{bound} --stay && svcadapt stop overlay >/dev/null\n"
        );
        world(&dir, &script).run();
    }
    dir.wait_nothing_left();
}

#[test]
fn notify_messages_with_many_descriptors_are_survived() {
    if installed("systemd-notify").is_none() {
        return;
    }
    let dir = Dir::new();
    let own = "python3 -c 'import os,socket; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); \
               s.connect(os.environ[\"NOTIFY_SOCKET\"]); \
               [socket.send_fds(s,[b\"FDSTORE=1\"],[0]*n) for n in (17,253)]'; \
               : > $DIR/marker; systemd-notify --ready; exec sleep 60";
    let (running, process) = start(&dir, &["--ready=notify"], own);
    // First from an unrelated process.
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(variable(&process, "NOTIFY_SOCKET")).unwrap();
    let null = fs::File::open("/dev/null").unwrap();
    let numbers = [null.as_raw_fd(); 253];
    for count in [17, 253] {
        nix::sys::socket::sendmsg::<()>(
            socket.as_raw_fd(),
            &[std::io::IoSlice::new(b"READY=1")],
            &[nix::sys::socket::ControlMessage::ScmRights(&numbers[..count])],
            nix::sys::socket::MsgFlags::empty(),
            None,
        )
        .unwrap();
    }
    read_by_launcher(&running);
    assert!(running.runs(), "the start has ended");
    let open = facts(&running.pid().to_string()).unwrap()["fds"].as_object().unwrap().len();
    assert!(open < 17, "{open} descriptors are open");
    assert_ready_after_go(&dir, running, &process);
}
