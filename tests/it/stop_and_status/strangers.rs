//! A process that is not the service is never taken for it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::fcntl::FcntlArg;
use nix::sys::signal::Signal;
use serde_json::json;

use super::support::{Service, query};
use crate::harness::{Capability, Process, Svc, facts, require, wait_until};

#[test]
fn pid_file_with_a_strangers_pid_is_reported_and_not_followed() {
    let service = Service::started("rewritten", &["--stay"]);
    let main = service.process();
    let stranger = service.stranger();
    service.dir.write("pid", &format!("{}\n", stranger.pid()));
    let reported = "[NAME]: running, process [OLD], since [PID] s\n  program: [DIR]/inspect\n  \
                pid file: [DIR]/pid names process [STRANGER], which is not this service\n";
    for svc in
        [service.status(), Svc::new(&service.dir).args(["status", "--pid-file"]).args([service.pid_file()])]
    {
        svc.name("[NAME]", &service.name)
            .name("[OLD]", main.pid())
            .name("[STRANGER]", stranger.pid())
            .stdout(reported)
            .run();
    }
    assert_eq!(service.query().1["pid_file_names"], json!(stranger.pid()));
    Svc::new(&service.dir)
        .args(["stop", "--pid-file"])
        .args([service.pid_file()])
        .stdout(&format!("{}: stopped (SIGTERM, [ANY] s)\n", service.name))
        .run();
    assert!(!main.is_alive());
    assert!(Process::open(stranger.pid()).unwrap().is_alive());
    // The file no longer belongs to the service, so it stays.
    assert_eq!(service.pid(), stranger.pid());
}

#[test]
fn pid_file_without_a_record_is_not_trusted() {
    let service = Service::new("unproven");
    let stranger = service.stranger();
    service.dir.write("pid", &format!("{}\n", stranger.pid()));
    let ask = |word| Svc::new(&service.dir).args([word, "--pid-file"]).args([service.pid_file()]);
    let why = format!(
        "nothing proves that process {0} is the service\n  hint: a service that svcadapt started has a record; `svcadapt audit {0}` shows what this process is, and --exec PROGRAM proves it\n",
        stranger.pid()
    );
    let shown =
        "  pid file: [DIR]/pid\n  program: [DIR]/sleep\n  host: unknown; svcadapt has not started it\n";
    ask("status").stdout(&format!("[DIR]/pid: unknown, {why}{shown}")).status(4).run();
    ask("stop").stderr(&format!("svcadapt: stop '[DIR]/pid': {why}")).status(1).run();
    assert!(Process::open(stranger.pid()).unwrap().is_alive());
    // Without such a process or a pid, the file is a dead service's.
    let process = Process::open(stranger.pid()).unwrap();
    stranger.signal(Signal::SIGKILL);
    process.wait_gone();
    assert_eq!(query(ask("status")).0, 1);
    service.dir.write("pid", "nonsense\n");
    assert_eq!(query(ask("status")).0, 1);
    ask("stop").stdout("[DIR]/pid: not running\n").run();
    fs::remove_file(service.pid_file()).unwrap();
    assert_eq!(query(ask("status")).0, 3);
}

#[test]
fn record_with_a_reused_pid_is_of_a_dead_service() {
    let service = Service::started("reused", &["--stay"]);
    let process = service.process();
    process.signal(Signal::SIGKILL);
    process.wait_gone();
    let stranger = service.stranger();
    // The stranger may have started in the same clock tick: outside of a test no pid is reused so quickly.
    let record: String = fs::read_to_string(service.record())
        .unwrap()
        .lines()
        .map(|line| match line.split_once('=') {
            Some(("pid", _)) => format!("pid={}\n", stranger.pid()),
            Some(("start", start)) => format!("start={}\n", start.parse::<u64>().unwrap() - 1),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(service.record(), record).unwrap();
    let (status, reported) = service.query();
    assert_eq!((status, &reported["state"]), (1, &json!("dead")));
    service.stop().stdout("[NAME]: not running\n").run();
    assert!(Process::open(stranger.pid()).unwrap().is_alive());
}

#[test]
fn record_forged_through_the_lock_is_ignored() {
    let service = Service::started("forged", &["--stay"]);
    let main = service.process();
    let stranger = service.stranger();
    let start = facts(&stranger.pid().to_string()).unwrap()["start_time"].clone();
    let record: String = fs::read_to_string(service.record())
        .unwrap()
        .lines()
        .map(|line| match line.split_once('=') {
            Some(("pid", _)) => format!("pid={}\n", stranger.pid()),
            Some(("start", _)) => format!("start={start}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    // A program of root's can write it, but it is not read.
    fs::write(service.lock(), record).unwrap();
    assert_eq!(service.query().1["pid"], json!(main.pid()));
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    assert!(!main.is_alive());
    assert!(Process::open(stranger.pid()).unwrap().is_alive());
    assert!(!service.lock().exists() && !service.record().exists());
}

/// A way to lock a file.
type Kind = fn(&libc::flock) -> FcntlArg<'_>;

/// Locks the lock file of a service, as each of its children could through the inherited descriptor; here by its path.
fn locked(service: &Service, kind: Kind) -> fs::File {
    let file = fs::File::open(service.lock()).unwrap();
    let lock = libc::flock {
        l_type: libc::F_RDLCK.try_into().unwrap(),
        l_whence: libc::SEEK_SET.try_into().unwrap(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, kind(&lock)).unwrap();
    file
}

/// A lock of the process, and one of the open file, which children inherit.
#[cfg(target_os = "linux")]
const KINDS: [(&str, Kind); 2] =
    [("child", |lock| FcntlArg::F_SETLK(lock)), ("open", |lock| FcntlArg::F_OFD_SETLK(lock))];
#[cfg(not(target_os = "linux"))]
const KINDS: [(&str, Kind); 1] = [("child", |lock| FcntlArg::F_SETLK(lock))];

#[test]
fn lock_taken_by_a_services_child_does_not_block() {
    if !require(Capability::Root) {
        return;
    }
    for (what, kind) in KINDS {
        assert_does_not_block(what, kind);
    }
}

fn assert_does_not_block(what: &str, kind: Kind) {
    let service = Service::started(what, &["--stay"]);
    let first = locked(&service, kind);
    let main = service.process();
    assert_eq!(service.query().1["pid"], json!(main.pid()));
    let already = format!("already running as process {}\n", main.pid());
    assert!(service.start(&["--stay"]).output().stderr.ends_with(&already));
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    let (status, reported) = service.query();
    assert_eq!((status, &reported["state"]), (1, &json!("dead")));
    // Neither a start nor a stop waits for it.
    service.start(&["--stay"]).run();
    let main = service.process();
    let second = locked(&service, kind);
    assert_eq!(service.query().1["pid"], json!(main.pid()));
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    service.stop().stdout("[NAME]: not running\n").run();
    assert!(!service.lock().exists() && !service.record().exists());
    assert_eq!(service.query().0, 3);
    drop((first, second));
}

#[test]
fn zombie_is_reported_as_dead() {
    let service = Service::new("zombie");
    let words = ["run", "--mode", "classic", "--name", &service.name, "--pid-file"];
    // It adopts the service (PR_SET_CHILD_SUBREAPER survives exec), and does not reap it.
    let mut parent = Command::new("/bin/sh");
    parent.args(["-c", r#""$@" && : > started && read -r _"#, "sh"]);
    parent.arg(service.dir.program("svcadapt")).args(words).arg(service.pid_file()).arg("--");
    parent.arg(service.dir.program("inspect")).arg("--stay");
    parent.stdin(Stdio::piped()).current_dir(service.dir.path());
    // SAFETY: prctl(2) with these arguments changes a flag of the new process; it is async-signal-safe.
    #[allow(unsafe_code, reason = "no door in std to what happens before exec")]
    unsafe {
        parent.pre_exec(|| Ok(nix::sys::prctl::set_child_subreaper(true)?));
    }
    let mut parent = parent.spawn().unwrap();
    wait_until("the start is over", || service.dir.join("started").exists().then_some(()));
    let process = service.process();
    assert_eq!(service.query().0, 0);
    process.signal(Signal::SIGKILL);
    process.wait_gone();
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
    assert!(stat.contains(") Z "), "{stat}");
    let (status, reported) = service.query();
    assert_eq!((status, &reported["state"]), (1, &json!("dead")));
    service.stop().stdout("[NAME]: not running\n").run();
    assert_eq!(service.query().0, 3);
    drop(parent.stdin.take());
    parent.wait().unwrap();
}

#[test]
fn bystander_in_a_shared_session_is_not_ended() {
    let service = Service::new("shared");
    let program = |name| service.dir.program(name);
    let script = r#"setsid sh -c '"$0" 120 & echo $! > bystander; exec "$@"' "$0" "$@""#;
    let started = Svc::new(&service.dir)
        .program("/bin/sh")
        .args(["-c", script])
        .args([program("/bin/sleep"), program("svcadapt")])
        .args(["run", "--mode", "supervised", "--name", &service.name, "--"])
        .args([program("inspect"), "--out".into(), service.dir.join("report"), "--stay".into()])
        .spawn();
    wait_until("the service runs", || service.dir.join("report").exists().then_some(()));
    let bystander: i32 = service.dir.read("bystander").trim().parse().unwrap();
    let bystander = Process::open(bystander).unwrap();
    let session = |pid: &str| facts(pid).unwrap()["sid"].clone();
    let pid = service.query().1["pid"].to_string();
    assert_eq!(session(&pid), session(&bystander.pid().to_string()));
    service.stop().stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    assert!(bystander.is_alive());
    bystander.signal(Signal::SIGKILL);
    drop(started);
}
