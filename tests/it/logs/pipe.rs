//! The log pipe: rotation, times, reopen, and what becomes of each line.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::harness::{Capability, Dir, Exit, Service, Svc, require, skip, wait_until, wait_within};

/// Writes numbered lines of different lengths, each with one write(2), and goes on after a stop where it has ended. The
/// shell does all of it itself: another process would be ended by the signal, too.
const COUNTER: &str = r#"
short=x long=$(printf '%2000s' y)
trap 'stop=1' TERM
i=0
[ ! -e "$1/next" ] || read -r i <"$1/next"
while [ "$i" -lt "$2" ] && [ -z "$stop" ]; do
    echo "$i $short"
    i=$((i + 1))
    echo "$i $long"
    i=$((i + 1))
done
echo "$i" >"$1/next"
[ -n "$stop" ] || exec sleep 600
"#;

/// A service with a log file of its own.
struct Logged {
    service: Service,
    dir: Dir,
}

impl Logged {
    fn new() -> Self {
        let dir = Dir::new();
        dir.write("counter", COUNTER);
        Self { service: Service::new(), dir }
    }

    fn log(&self) -> PathBuf {
        self.dir.join("out.log")
    }

    /// `run` of a shell script whose `$1` is the directory.
    fn run<'a>(&'a self, options: &[&str], script: &str, last: &str) -> Svc<'a> {
        let dir = self.dir.path().display().to_string();
        Svc::new(&self.dir)
            .args(["run", "--mode", "classic", "--name", self.service.name(), "-o", "out.log"])
            .args(options)
            .args(["--", "/bin/sh", "-c", script, "sh", &dir, last])
    }

    fn ask<'a>(&'a self, words: &[&str]) -> Svc<'a> {
        let name = self.service.name();
        Svc::new(&self.dir).args(&words[..1]).args([name]).args(&words[1..]).name("[NAME]", name)
    }

    fn stop(&self) {
        self.ask(&["stop"]).stdout("[NAME]: stopped ([ANY]\n").run();
    }

    /// The old files, the oldest first.
    fn old(&self) -> Vec<PathBuf> {
        old_of(self.dir.path())
    }
}

fn old_of(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_old = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("out.log.");
    let mut all: Vec<_> = names.filter(is_old).collect();
    all.sort();
    all
}

/// The text of a file, which may be compressed.
fn text(path: &Path) -> String {
    if path.extension().is_some_and(|end| end == "gz") {
        let unpacked = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
        assert!(unpacked.status.success(), "{}", path.display());
        return String::from_utf8(unpacked.stdout).unwrap();
    }
    // The file is missing for a moment while it is rotated.
    wait_until("the log is there", || fs::read_to_string(path).ok())
}

/// Each line once, whole, in order, over all files.
fn check_lines(logged: &Logged, until: u64) {
    let mut next = 0;
    let others = fs::read_dir(logged.dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let moved = others.filter(|path| path.extension().is_some_and(|end| end == "moved"));
    let mut all = logged.old();
    all.push(logged.log());
    all.extend(moved);
    // A file that was moved away by hand has its place among the others by its first line.
    let mut texts: Vec<String> = all.iter().map(|path| text(path)).filter(|text| !text.is_empty()).collect();
    texts.sort_by_key(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap());
    let spans: Vec<_> = texts
        .iter()
        .map(|text| (text.lines().next().map(|line| &line[..line.len().min(9)]), text.lines().count()))
        .collect();
    let spans = format!("{spans:?} {all:?}");
    for text in texts {
        assert!(text.ends_with('\n'), "a line is cut: {:?}", text.lines().last());
        for line in text.lines() {
            let begin = &line[..line.len().min(200)];
            let Some((number, rest)) = line.split_once(' ') else { panic!("{begin:?} after {next} {spans}") };
            assert_eq!(number.parse(), Ok(next), "{begin} {spans}");
            assert_eq!(rest.len(), if next % 2 == 0 { 1 } else { 2000 }, "line {number} is not whole");
            next += 1;
        }
    }
    assert_eq!(next, until);
}

#[test]
fn lines_over_rotations_restarts_and_stops_are_there_once_in_order() {
    let logged = Logged::new();
    // 64 MB, or what SVCADAPT_TEST_LOG_MB says.
    let megabytes =
        std::env::var_os("SVCADAPT_TEST_LOG_MB").and_then(|text| text.to_str()?.parse::<u64>().ok());
    let lines = megabytes.unwrap_or(64) * 1000;
    let last = lines.to_string();
    let script = format!(". {}", logged.dir.join("counter").display());
    let options = [
        "--log-rotate-size",
        "1M",
        "--log-keep",
        "100000",
        "--restart",
        "on-failure",
        "--log-compress",
        "gzip",
    ];
    let start = || logged.run(&options, &script, &last).run();
    let is_done =
        || fs::read_to_string(logged.dir.join("next")).is_ok_and(|text| text == format!("{last}\n"));
    start();
    let mut done = false;
    for round in 0..6 {
        let before = logged.old().len();
        done = wait_within(std::time::Duration::from_secs(600), "the log has been rotated", || {
            (logged.old().len() > before + 2).then_some(false).or_else(|| is_done().then_some(true))
        });
        match round {
            _ if done => break,
            0 | 3 => logged.ask(&["restart"]).stdout("[NAME]: restarted\n").run(),
            1 => {
                logged.stop();
                start();
            }
            _ => {
                let moved = logged.dir.join(&format!("{round}.moved"));
                wait_until("the log is there", || fs::rename(logged.log(), &moved).ok());
                logged.ask(&["reopen"]).stdout("[NAME]: reopened\n").run();
            }
        }
    }
    if !done {
        wait_within(std::time::Duration::from_secs(600), "all lines are written", || is_done().then_some(()));
    }
    logged.stop();
    check_lines(&logged, lines);
    logged.dir.nothing_left();
}

#[test]
fn times_are_written_at_the_beginning_of_each_line() {
    let logged = Logged::new();
    let script = "printf one; echo; echo two >&2; printf 'thr'; exec sleep 600";
    logged.run(&["--log-timestamps"], script, "").run();
    let seen = wait_until("the log has three lines", || {
        Some(text(&logged.log())).filter(|text| text.ends_with("thr"))
    });
    let words: Vec<_> = seen.lines().map(|line| line.split_at(28)).collect();
    assert_eq!(words.iter().map(|(_, word)| *word).collect::<Vec<_>>(), ["one", "two", "thr"]);
    assert!(words.iter().all(|(time, _)| time.starts_with("20") && time.ends_with("Z ")), "{seen}");
    logged.stop();
    // Another start ends the line that the first has left.
    logged.run(&["--log-timestamps"], "echo four; exec sleep 600", "").run();
    wait_until("the log has another line", || (text(&logged.log()).lines().count() == 4).then_some(()));
    logged.stop();
}

#[test]
fn old_log_files_are_compressed_and_no_more_are_kept_than_asked_for() {
    let logged = Logged::new();
    let script = format!(". {}", logged.dir.join("counter").display());
    let options = ["--log-rotate-size", "64K", "--log-keep", "3", "--log-compress", "gzip"];
    // What an interrupted compression has left goes.
    let unfinished = logged.dir.write("out.log.20260101T000000.000000Z.gz.tmp", "x");
    logged.run(&options, &script, "1000").run();
    wait_until("all lines are written", || {
        text(&logged.log()).lines().last().is_some_and(|line| line.starts_with("999 ")).then_some(())
    });
    assert!(!unfinished.exists());
    let compressed = wait_until("the old files are compressed", || {
        let old = logged.old();
        let all = old.iter().all(|path| path.extension().is_some_and(|end| end == "gz"));
        (all && old.len() == 3).then_some(old)
    });
    let last =
        text(&compressed[2]).lines().last().unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
    let first = text(&logged.log()).split(' ').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(first, last + 1);
    logged.stop();
}

#[test]
fn log_file_is_rotated_by_its_age() {
    let logged = Logged::new();
    let script = "while :; do echo line; sleep 0.1; done";
    logged.run(&["--log-rotate-age", "1s"], script, "").run();
    wait_until("the log has been rotated twice", || (logged.old().len() > 1).then_some(()));
    logged.stop();
    assert!(logged.old().iter().all(|path| text(path).ends_with("line\n")));
}

#[test]
fn named_service_without_an_output_has_a_log_file_that_is_rotated() {
    let dir = Dir::new();
    let service = Service::new();
    let words = ["run", "--mode", "classic", "--name", service.name(), "--log-rotate-size", "4K"];
    let script = "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i + 1)); done; exec sleep 600";
    Svc::new(&dir).args(words).args(["--", "/bin/sh", "-c", script]).run();
    let logs = || Svc::new(&dir).args(["logs", "-n", "1", service.name()]).output().stdout;
    wait_until("the last line is there", || (logs() == "line 999\n").then_some(()));
    Svc::new(&dir).args(["stop", service.name()]).stdout("[ANY]\n").run();
}

#[test]
fn log_that_is_no_file_of_its_own_is_refused() {
    let logged = Logged::new();
    let log = logged.log();
    let refused = |cause: &str| {
        logged
            .run(&["--log-rotate-size", "1M"], "exec sleep 600", "")
            .stderr(&format!("svcadapt: standard output 'append:[DIR]/out.log': {cause}\n"))
            .status(209)
            .run();
    };
    nix::unistd::mkfifo(&log, Mode::S_IRWXU).unwrap();
    refused("it is not a regular file");
    assert!(fs::symlink_metadata(&log).unwrap().file_type().is_fifo());
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    refused("it is a directory");
    fs::remove_dir(&log).unwrap();
    symlink("other", &log).unwrap();
    refused("it is a symbolic link, which cannot be rotated");
    fs::remove_file(&log).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(logged.dir.path(), Some(65534), None).unwrap();
        refused("other users can change its directory, so root does not rotate it");
    }
    logged.dir.nothing_left();
}

#[test]
fn rotation_without_a_log_file_is_refused() {
    let dir = Dir::new();
    let run = |words: &[&str]| {
        Svc::new(&dir).args(["run", "--mode", "classic"]).args(words).args(["--", "/bin/true"])
    };
    run(&["--log-rotate-size", "1M", "--standard-output", "null"])
        .stderr(
            "svcadapt: log-rotate-size '1M': the output goes to no log file: --standard-output is null\n  \
             hint: use --standard-output append:PATH\n",
        )
        .status(209)
        .run();
    run(&["-o", "x.log", "--log-keep", "3", "--log-compress", "gzip"])
        .stderr(
            "svcadapt: log-keep '3': no log file is rotated\n  hint: add --log-rotate-size or --log-rotate-age\n\
             svcadapt: log-compress 'gzip': no log file is rotated\n  \
             hint: add --log-rotate-size or --log-rotate-age\n",
        )
        .status(209)
        .run();
}

#[test]
fn killed_monitor_ends_the_program_and_the_next_start_keeps_the_log() {
    let logged = Logged::new();
    let script = "i=0; while :; do echo line $i; i=$((i + 1)); done";
    logged.run(&["--log-rotate-size", "1M"], script, "").run();
    wait_until("the log has been rotated", || (!logged.old().is_empty()).then_some(()));
    let (monitor, main) = (logged.service.monitor().unwrap(), logged.service.main());
    monitor.signal(Signal::SIGKILL);
    main.wait_gone();
    logged.run(&["--log-rotate-size", "1M"], "echo again; exec sleep 600", "").run();
    wait_until("the next start has written", || {
        let seen = text(&logged.log());
        (seen == "again\n" || seen.ends_with("\nagain\n")).then_some(())
    });
    logged.stop();
}

#[test]
fn full_disk_costs_lines_which_the_log_counts() {
    if !require(Capability::Root) {
        return;
    }
    let logged = Logged::new();
    let disk = logged.dir.join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&disk).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        return skip("root", "no file system can be mounted");
    }
    let log = disk.join("out.log").display().to_string();
    let mut fill: Vec<_> = (0..8).map(|number| disk.join(number.to_string())).collect();
    for page in &fill {
        fs::write(page, vec![0; 4096]).unwrap();
    }
    let script = "while :; do echo a line of some length; done";
    // The line that says so may come before the end of `run`.
    assert_eq!(logged.run(&["-o", &log, "--log-timestamps"], script, "").output().exit, Exit::Status(0));
    assert!(logged.service.main().is_alive());
    // A page at a time becomes free, because the probe may have taken the last one before a line was lost.
    let probe = disk.join("probe");
    wait_until("the log says what is missing", || {
        let is_full = fs::write(&probe, [0]).is_err();
        let _ = fs::remove_file(&probe);
        if is_full && let Some(page) = fill.pop() {
            fs::remove_file(page).unwrap();
        }
        fs::read_to_string(&log)
            .unwrap()
            .contains(" bytes of output were lost: no space left on device\n")
            .then_some(())
    });
    assert!(logged.service.main().is_alive());
    logged.stop();
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
}

#[test]
fn reopen_of_a_log_that_the_program_holds_needs_a_signal_that_it_handles() {
    let logged = Logged::new();
    logged.run(&[], "exec sleep 600", "").run();
    logged
        .ask(&["reopen"])
        .stderr(
            "svcadapt: reopen '[NAME]': its program has the log file open, and no signal to open it again is known\n  \
             hint: start it with --reopen-signal SIGNAL, use `svcadapt reload`, or copytruncate in logrotate.conf\n",
        )
        .status(1)
        .run();
    logged.stop();
    logged.run(&["--reopen-signal", "USR1"], "exec sleep 600", "").run();
    wait_until("it has become sleep", || {
        (fs::read_to_string(format!("/proc/{}/comm", logged.service.main().pid())).ok()?.trim() == "sleep")
            .then_some(())
    });
    logged
        .ask(&["reopen"])
        .stderr(
            "svcadapt: reopen '[NAME]': process [ANY] has no handler for SIGUSR1, which would end it\n  \
             hint: use `svcadapt restart`, or give it --exec-reload COMMAND\n",
        )
        .status(1)
        .run();
    assert!(logged.service.main().is_alive());
    logged.stop();
    let handles = "trap 'exec >>\"$1/new.log\"; echo new' USR1; echo ready; while :; do sleep 0.01; done";
    logged.run(&["--reopen-signal", "USR1"], handles, "").run();
    wait_until("it handles the signal", || text(&logged.log()).contains("ready").then_some(()));
    logged.ask(&["reopen"]).stdout("[NAME]: reopened\n").run();
    wait_until("it has another file", || {
        fs::read_to_string(logged.dir.join("new.log")).is_ok_and(|text| text == "new\n").then_some(())
    });
    logged.stop();
    logged
        .ask(&["reopen"])
        .stderr(
            "svcadapt: reopen '[NAME]': not running\n  hint: `svcadapt list` shows the services that run\n",
        )
        .status(7)
        .run();
}

#[test]
fn logrotate_rotates_a_log_by_reopen_and_no_line_is_lost() {
    let there = Command::new("logrotate").arg("--version").output().is_ok();
    if !there {
        return skip("logrotate", "logrotate is not installed");
    }
    let logged = Logged::new();
    let script = "i=0; while :; do echo line $i; i=$((i + 1)); done";
    logged.run(&["--log-timestamps"], script, "").run();
    let log = logged.log();
    let reopen = format!("{} reopen {}", env!("CARGO_BIN_EXE_svcadapt"), logged.service.name());
    let rules = format!(
        "su root root\n\"{}\" {{\n rotate 9\n size 1\n nocreate\n postrotate\n  {reopen} >/dev/null\n endscript\n}}\n",
        log.display()
    );
    let rules =
        if nix::unistd::geteuid().is_root() { rules } else { rules.replacen("su root root\n", "", 1) };
    let (rules, state) = (logged.dir.write("logrotate.conf", &rules), logged.dir.join("state"));
    for round in 1..=3 {
        let count = logged.old().len();
        wait_until("there are lines", || (fs::metadata(&log).ok()?.len() > 10_000).then_some(()));
        let ran = Command::new("logrotate").arg("-f").arg("-s").arg(&state).arg(&rules).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!((logged.old().len(), count), (round, round - 1));
    }
    logged.stop();
    let numbered: Vec<String> = logged.old().iter().rev().map(|path| text(path)).collect();
    let all = numbered.concat() + &text(&log);
    let numbers = all.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    assert!(numbers.enumerate().all(|(at, number)| at as u64 == number));
}

#[test]
fn logs_reach_into_compressed_files_and_follow_over_rotations() {
    let logged = Logged::new();
    let script = format!(". {}", logged.dir.join("counter").display());
    let options = ["--log-rotate-size", "64K", "--log-keep", "100", "--log-compress", "gzip"];
    let go = "while [ ! -e \"$1/go\" ]; do sleep 0.01; done; ";
    logged.run(&options, &format!("{go}{script}"), "1000").run();
    let mut follow = logged.ask(&["logs", "-f", "-n", "all"]).spawn();
    logged.dir.write("go", "");
    follow.wait_for("\n999 ");
    follow.signal(Signal::SIGTERM);
    let followed = follow.finish().stdout;
    let numbers = |text: &str| -> Vec<u64> {
        text.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(numbers(&followed), (0..1000).collect::<Vec<_>>());
    let seen = |words: &[&str]| numbers(&logged.ask(&[&["logs"], words].concat()).output().stdout);
    assert_eq!(seen(&["-n", "700"]), (300..1000).collect::<Vec<_>>());
    assert_eq!(seen(&["-n", "all"]), (0..1000).collect::<Vec<_>>());
    logged.stop();
}

#[test]
fn lines_of_a_time_are_shown_where_lines_have_times() {
    let logged = Logged::new();
    logged.run(&["--log-timestamps"], "exec sleep 600", "").run();
    let line = |time: &str, text: &str| format!("{time}.000000Z {text}\n");
    let current =
        [line("2026-01-02T00:00:00", "three"), "  more\n".to_owned(), line("2026-01-03T00:00:00", "four")];
    logged.dir.write("out.log", &current.concat());
    let old = [line("2026-01-01T00:00:00", "one"), line("2026-01-01T12:00:00", "two")];
    logged.dir.write("out.log.20260101T130000.000000Z", &old.concat());
    let seen = |words: &[&str]| {
        let text = logged.ask(&[&["logs"], words].concat()).output().stdout;
        text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seen(&["--since", "2026-01-01T06:00:00Z"]), "two three more four");
    assert_eq!(
        seen(&["--since", "2026-01-01T12:00:00Z", "--until", "2026-01-02T00:00:00Z"]),
        "two three more"
    );
    assert_eq!(seen(&["--until", "2026-01-02T23:00:00Z", "-n", "2"]), "three more");
    assert_eq!(seen(&["--since", "-1h"]), "");
    logged
        .ask(&["logs", "--since", "soon"])
        .stderr(
            "svcadapt: since 'soon': not a time\n  hint: write '2026-11-30 13:00', 13:00:05, today, yesterday, -1h, \
             '5min ago' or @SECONDS\n",
        )
        .status(2)
        .run();
    logged.stop();
}

#[test]
fn status_of_a_dead_service_shows_its_last_lines_harmless() {
    let logged = Logged::new();
    logged.run(&[], "echo one; printf '\\033[31mred\\n'; echo two >&2; exec sleep 600", "").run();
    wait_until("the log has its lines", || text(&logged.log()).ends_with("two\n").then_some(()));
    let main = logged.service.main();
    let shown = logged.ask(&["status"]).output().stdout;
    assert!(!shown.contains("one"), "{shown}");
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    let shown = logged.ask(&["status"]).output();
    assert_eq!(shown.exit, Exit::Status(1));
    assert!(shown.stdout.ends_with("\n  | one\n  | \\u{1b}[31mred\n  | two\n"), "{}", shown.stdout);
    let shown = logged.ask(&["status", "--json"]).output().stdout;
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(json["last_lines"].as_array().unwrap().len(), 3);
    logged.ask(&["stop"]).output();
}
