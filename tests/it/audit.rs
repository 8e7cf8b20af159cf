//! `svcadapt audit` of real processes, good and bad ones.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails where it cannot go on, and says what it skips"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Daemon, Running, Table, is_asleep, state, svcadapt, until_asleep};

use crate::harness::{Capability, Dir, installed, require, skip, wait_until, world};

const NOBODY: u32 = 65534;

#[test]
fn child_of_a_shell_is_audited_by_daemon_rules() {
    let mut shell = Running::start(
        Command::new("setsid").args(["sh", "-c", "sleep 60 & echo $! >&2; wait"]).stderr(Stdio::piped()),
    );
    let pid = shell.first_number_on_stderr();
    let _sleep = Daemon(pid);
    until_asleep(pid);

    let table = Table::of(pid);
    let leader = format!("that of {} (sh)", shell.pid());
    assert_eq!(table.status, 1);
    assert_eq!(table.row("session"), ("no", vec![leader]));
    assert_eq!(table.row("session leader"), ("ok", vec!["no".to_owned()]));
    assert_eq!(table.row("parent"), ("no", vec![format!("still the child of {} (sh)", shell.pid())]));
    // POSIX: a shell without job control starts background jobs with these two ignored.
    assert_eq!(table.verdict("signal dispositions"), "no");
    table.assert_found("signal dispositions", "SIGINT SIGQUIT");
    assert!(table.found("standard streams")[0].starts_with("0 /dev/null"));
}

#[test]
fn ignored_and_blocked_signals_and_leaked_descriptor_are_reported() {
    let process = Running::start(
        Command::new("env")
            .args(["--block-signal=TERM", "--ignore-signal=RTMIN+3", "LD_BOGUS=secret", "SSH_CLIENT=secret"])
            .args(["sh", "-c", "trap '' HUP; umask 027; exec 7</etc/passwd; exec sleep 60"]),
    );
    until_asleep(process.pid());

    let table = Table::of(process.pid());
    assert_eq!(table.status, 1);
    table.assert_found("descriptors", "7 /etc/passwd for reading");
    assert_eq!(table.verdict("signal dispositions"), "no");
    table.assert_found("signal dispositions", "SIGHUP");
    table.assert_found("signal dispositions", "SIGRTMIN+3");
    assert_eq!(table.row("signal mask"), ("no", vec!["blocks SIGTERM".to_owned()]));
    assert_eq!(table.verdict("environment"), "no");
    table.assert_found("environment", "LD_BOGUS: can change which code it runs");
    table.assert_found("environment", "SSH_CLIENT");
    assert_eq!(table.row("umask"), ("ok", vec!["0027".to_owned()]));
    assert!(!table.text.contains("secret"), "a value of the environment was shown:\n{}", table.text);
}

#[test]
fn closed_and_swapped_standard_streams_are_reported() {
    let process = Running::start(
        Command::new("sh").args(["-c", "exec sleep 60 0>/dev/null 1</dev/null 2>&-"]).stderr(Stdio::null()),
    );
    until_asleep(process.pid());
    let expected = ["0 /dev/null: not open for reading", "1 /dev/null: not open for writing", "2 closed"];
    assert_eq!(Table::of(process.pid()).row("standard streams"), ("no", expected.map(str::to_owned).into()));
}

#[test]
fn file_opened_by_root_is_reported_as_a_leak() {
    if !require(Capability::Root) {
        return;
    }
    let drop = "exec 7</etc/shadow; exec setpriv --reuid=65534 --regid=65534 --clear-groups sleep 60";
    let process = Running::start(Command::new("sh").args(["-c", drop]));
    until_asleep(process.pid());
    let table = Table::of(process.pid());
    assert_eq!(table.verdict("descriptors"), "no");
    table.assert_found("descriptors", "7 /etc/shadow for reading: owner 0");
    table.assert_found("descriptors", "not accessible with its own rights");
    assert_eq!(table.verdict("user"), "ok");
    assert_eq!(table.verdict("groups"), "ok");
    assert_eq!(table.row("capabilities"), ("ok", vec!["none".to_owned()]));
}

#[test]
fn properties_hidden_from_a_user_are_unknown() {
    if !require(Capability::Root) {
        return;
    }
    let directory = Dir::new();
    let program = directory.program("svcadapt");
    let process = Running::start(Command::new("sleep").arg("60"));

    let as_user = |json: bool| {
        let mut command = Command::new(&program);
        command.arg("audit").arg(process.pid().to_string()).args(json.then_some("--json"));
        command.uid(NOBODY).gid(NOBODY).current_dir("/").output().unwrap()
    };
    let table = Table::from(&as_user(false), &as_user(true));
    for name in ["descriptors", "environment", "standard streams", "working directory", "root directory"] {
        assert_eq!(table.row(name), ("unknown", vec!["not permitted to look".to_owned()]));
    }
    assert_eq!(table.verdict("umask"), "ok");
    assert_eq!(table.verdict("user"), "note");
    // The wrong parent outweighs what could not be seen.
    assert_eq!(table.status, 1);
}

#[test]
fn daemonize_leftovers_are_reported() {
    let Some(program) = installed("daemonize") else { return };
    if !require(Capability::Root) {
        return;
    }
    let directory = Dir::new();
    let pid_file = directory.path().join("x.pid");
    let daemon = hostile_start(&[
        program.as_os_str(),
        "-p".as_ref(),
        pid_file.as_ref(),
        "-u".as_ref(),
        "nobody".as_ref(),
        "/bin/sleep".as_ref(),
        "60".as_ref(),
    ]);
    assert!(daemon.success());
    let daemon = Daemon::named_by(&pid_file);

    let table = Table::with_pid_file(daemon.0, &pid_file);
    assert_eq!(table.status, 1);
    table.assert_found("descriptors", "7 /etc/shadow for reading: owner 0");
    assert_eq!(table.verdict("descriptors"), "no");
    assert_hostile_signals_and_environment(&table);
    assert_eq!(table.verdict("session"), "ok");
    assert_eq!(table.verdict("session leader"), "no", "it forks only once after setsid");
    assert_eq!(table.verdict("controlling terminal"), "ok");
    assert_eq!(table.verdict("standard streams"), "ok");
    assert_eq!(table.row("umask"), ("ok", vec!["0077".to_owned()]));
    assert_eq!(table.row("working directory"), ("ok", vec!["/".to_owned()]));
    assert_eq!(table.verdict("groups"), "ok");
    assert_eq!(table.verdict("user"), "ok");
    table.assert_found("nice", "5");
}

#[test]
fn start_stop_daemon_leftovers_are_reported() {
    let Some(program) = installed("start-stop-daemon") else { return };
    if !require(Capability::Root) {
        return;
    }
    let directory = Dir::new();
    let start = |pid_file: &Path, who: [&str; 2]| {
        let mut words: Vec<&OsStr> = vec![program.as_os_str()];
        words.extend(["--start", "-b", "-m", "-p"].map(OsStr::new));
        words.push(pid_file.as_os_str());
        words.extend(who.map(OsStr::new));
        words.extend(["--exec", "/bin/sleep", "--", "60"].map(OsStr::new));
        assert!(hostile_start(&words).success());
        Daemon::named_by(pid_file)
    };
    let pid_file = directory.path().join("user.pid");
    let daemon = start(&pid_file, ["-c", "nobody"]);
    let table = Table::with_pid_file(daemon.0, &pid_file);
    assert_eq!(table.row("descriptors"), ("ok", vec!["only 0, 1 and 2".to_owned()]));
    assert_hostile_signals_and_environment(&table);
    assert_eq!(table.verdict("session"), "ok");
    assert_eq!(table.verdict("session leader"), "ok");
    assert_eq!(table.verdict("controlling terminal"), "ok");
    assert_eq!(table.verdict("parent"), "ok");
    assert_eq!(table.verdict("standard streams"), "ok");
    assert_eq!(table.row("umask"), ("ok", vec!["0077".to_owned()]));
    assert_eq!(table.row("working directory"), ("ok", vec!["/".to_owned()]));
    assert_eq!(table.verdict("PID file"), "ok");
    assert_eq!(table.verdict("groups"), "ok");

    let pid_file = directory.path().join("group.pid");
    let daemon = start(&pid_file, ["-g", "nogroup"]);
    let table = Table::of(daemon.0);
    assert_eq!(table.verdict("groups"), "no", "-g alone keeps the groups of its starter");
    table.assert_found("groups", "root is not a member of adm (4)");
}

#[test]
fn good_daemon_seen_in_part_is_not_judged() {
    let Some(program) = installed("start-stop-daemon") else { return };
    if !require(Capability::Root) {
        return;
    }
    let directory = Dir::new();
    let copy = directory.program("svcadapt");
    let pid_file = directory.path().join("x.pid");
    let clean = ["--default-signal", "--ignore-signal=PIPE", "-i"];
    let status = Command::new("env")
        .args(clean)
        .arg(&program)
        .args(["--start", "-b", "-m", "-p"])
        .arg(&pid_file)
        .args(["--exec", "/bin/sleep", "--", "60"])
        .status()
        .unwrap();
    assert!(status.success());
    let daemon = Daemon::named_by(&pid_file);
    let output = Command::new(&copy)
        .args(["audit", &daemon.0.to_string()])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
    // Root sees all of it, and finds nothing wrong.
    let table = Table::of(daemon.0);
    assert_eq!(table.status, 0, "{}", table.text);
}

#[test]
fn missing_or_wrong_pid_file_fails_its_row() {
    let directory = Dir::new();
    let process = Running::start(Command::new("sleep").arg("60"));
    let pid_file = directory.path().join("x.pid");
    let missing = Table::with_pid_file(process.pid(), &pid_file);
    assert_eq!(missing.row("PID file"), ("no", vec![format!("{}: missing", pid_file.display())]));

    fs::write(&pid_file, "1\n").unwrap();
    let wrong = Table::with_pid_file(process.pid(), &pid_file);
    assert_eq!(wrong.verdict("PID file"), "no");
    wrong.assert_found("PID file", "names process 1");

    fs::remove_file(&pid_file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &pid_file).unwrap();
    Table::with_pid_file(process.pid(), &pid_file).assert_found("PID file", "not a regular file");

    fs::remove_file(&pid_file).unwrap();
    nix::unistd::mkfifo(&pid_file, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    Table::with_pid_file(process.pid(), &pid_file).assert_found("PID file", "not a regular file");
}

#[test]
fn control_characters_of_a_process_are_escaped() {
    let directory = Dir::new();
    let program = directory.program_as(Path::new("/bin/sleep"), "s\u{1b}[2J\nx\u{202e}");
    let process =
        Running::start(Command::new(&program).arg("60").arg0("sleep").env("LD_\u{1b}]0;x\u{7}", "").stdout(
            Stdio::from(fs::File::create(directory.path().join("out\u{1b}[31m\n2 closed")).unwrap()),
        ));
    let table = Table::of(process.pid());
    let bad: Vec<char> = table
        .text
        .chars()
        .filter(|&letter| (letter.is_control() && letter != '\n') || letter == '\u{202e}')
        .collect();
    assert_eq!(bad, [] as [char; 0]);
    assert!(table.text.starts_with(&format!("{} (s\\u{{1b}}[2J\\nx\\u{{202e}}): ", process.pid())));
    assert!(table.found("standard streams")[1].ends_with("/out\\u{1b}[31m\\n2 closed"));
    table.assert_found("environment", "LD_\\u{1b}]0;x\\u{7}");
}

#[test]
fn huge_environment_is_read_in_little_memory() {
    let script = "ulimit -s unlimited || exit 9; v=$(head -c 120000 /dev/zero | tr '\\0' x); \
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35; \
        do export V$i=$v; done; export LD_LAST=1; exec sleep 60";
    let mut process = Running::start(Command::new("sh").args(["-c", script]));
    wait_until("sleep runs, or its shell has given up", || {
        (process.0.try_wait().unwrap().is_some() || is_asleep(process.pid())).then_some(())
    });
    if process.0.try_wait().unwrap().is_some() {
        return skip("big-stack", "the stack limit cannot be raised, so no environment can be that large");
    }
    let size = fs::read(format!("/proc/{}/environ", process.pid())).unwrap().len();
    assert!(size > 4_000_000, "{size}");
    // 2 MiB of data, of which the allocator takes its share: half of the environment could not be held.
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 2048; exec \"$0\" audit \"$1\""])
        .arg(env!("CARGO_BIN_EXE_svcadapt"))
        .arg(process.pid().to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text.contains("LD_LAST"), "{text}");
}

#[test]
fn pid_without_a_process_is_refused_in_one_line() {
    let zombie = Running::start(&mut Command::new("true"));
    wait_until("it has ended", || (state(zombie.pid()) == Some('Z')).then_some(()));
    let thread_link = fs::read_link("/proc/thread-self").unwrap();
    let thread = thread_link.file_name().unwrap().to_str().unwrap();
    let own = std::process::id();
    let zombie_pid = zombie.pid().to_string();
    for (pid, line) in [
        (
            "2147483647",
            "no such process\n  hint: a /proc that is mounted with hidepid= hides the processes of other users \
             (proc(5))"
                .into(),
        ),
        (&zombie_pid, "a zombie: it has ended, but its parent has not reaped it".to_owned()),
        (thread, format!("a thread of process {own}, not a process\n  hint: use 'svcadapt audit {own}'")),
    ] {
        let output = svcadapt(&["audit", pid]);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("svcadapt: audit '{pid}': {line}\n"));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(4), 0));
    }
    for nonsense in [".x", "a/b"] {
        assert_eq!(svcadapt(&["audit", "--", nonsense]).status.code(), Some(2), "{nonsense}");
    }
    // Any other word may be the name of a service.
    let output = svcadapt(&["audit", "it-no-such-service"]);
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (Some(4), "svcadapt: audit 'it-no-such-service': no running service has this name\n")
    );
}

#[test]
fn audit_by_name_recognises_the_service_lock() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = "svcadapt run --mode classic --name web --user www -- sleep 600; svcadapt audit web | grep '^1 '; \
         echo $?; svcadapt stop web";
    world(&dir, script)
        .stdout(
            "1     descriptors           note     32 /run/svcadapt/web: svcadapt's lock file of this service\n0\n\
             web: stopped (SIGTERM, [ANY]\n",
        )
        .run();
    dir.nothing_left();
}

#[test]
fn audit_without_proc_is_refused() {
    if !require(Capability::Root) {
        return;
    }
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", "umount -l /proc && exec \"$0\" audit 1 || exit 77"])
        .arg(env!("CARGO_BIN_EXE_svcadapt"))
        .output()
        .unwrap();
    if output.status.code() == Some(77) || output.status.code() == Some(1) {
        return skip("mount-namespace", "no mount namespace of its own is available");
    }
    let message = "svcadapt: audit '1': audit reads /proc, which this system does not have\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn closed_output_does_not_panic() {
    let own = std::process::id().to_string();
    let audit = |pid: &str, stdout: Stdio, stderr: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_svcadapt"))
            .args(["audit", pid])
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap()
    };
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);

    let output = audit(&own, writer.into(), Stdio::piped());
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(141), 0),
        "the status that SIGPIPE would give"
    );
    let output = audit(&own, full(), Stdio::piped());
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), message.as_str()),
        (Some(1), "svcadapt: standard output: no space left on device\n")
    );
    let output = audit("2147483647", Stdio::piped(), full());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(4), 0));
}

/// Checks what every daemon inherits from a hostile start if its launcher does not clean up.
fn assert_hostile_signals_and_environment(table: &Table) {
    assert_eq!(table.verdict("signal dispositions"), "no");
    table.assert_found("signal dispositions", "SIGHUP");
    table.assert_found("signal dispositions", "SIGUSR1");
    table.assert_found("signal dispositions", "SIGRTMIN+3");
    assert_eq!(table.row("signal mask"), ("no", vec!["blocks SIGTERM SIGRTMIN+5".to_owned()]));
    assert_eq!(table.verdict("environment"), "no");
    table.assert_found("environment", "LD_BOGUS");
}

/// Runs a launcher with everything that it should clean up: groups, signals, umask, a secret descriptor, a nice value.
fn hostile_start(words: &[&OsStr]) -> std::process::ExitStatus {
    Command::new("setpriv")
        .args(["--groups", "0,4,24,27", "nice", "-n", "5", "env"])
        .args(["--block-signal=TERM", "--block-signal=RTMIN+5", "--ignore-signal=RTMIN+3", "LD_BOGUS=1"])
        .args(["sh", "-c", "umask 077; trap '' HUP USR1; exec 7</etc/shadow; exec \"$0\" \"$@\""])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap()
}
