//! The first commands of people who know another tool, typed at a terminal: `tests/golden/first_commands.txt` has each with
//! what svcadapt answers.
//!
//! `UPDATE=1 cargo test --test it -- first_commands` writes the answers again. `[NAME]` is a program, and so the name of a
//! service, that is unique on the machine.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{fs, os::unix::fs::symlink};

use crate::harness::{Capability, Dir, Exit, SOURCES, Service, Svc, installed, require};

const GOLDEN: &str = "tests/golden/first_commands.txt";

/// Runs a command line at a terminal, with these variables. Returns what is on the screen, and the exit status.
fn at_a_terminal(dir: &Dir, line: &str, variables: &[(&str, &str)]) -> String {
    let svcadapt = dir.program("svcadapt");
    let line = line.replacen("svcadapt", &svcadapt.display().to_string(), 1);
    let shell = Svc::new(dir).program("/usr/bin/script").args(["-qec", &line, "/dev/null"]);
    let shell = variables.iter().fold(shell, |shell, (name, value)| shell.env(name, value));
    let output = shell.deadline(Duration::from_secs(60)).output();
    let mut text = output.stdout.replace('\r', "");
    if output.exit != Exit::Status(0) {
        let _ = writeln!(text, "[{}]", output.exit.to_string().trim_start_matches("status "));
    }
    text
}

/// The text without what differs from run to run, and from machine to machine.
fn normal(text: &str, dir: &Dir, service: &Service) -> String {
    let text = text.replace(&dir.path().display().to_string(), "[DIR]").replace(service.name(), "[NAME]");
    let mut normal = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for at in 1..words.len() {
            let number = words[at].trim_end_matches([',', ';', ')']);
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                let is_pid = ["pid", "process"].contains(&words[at - 1].as_str());
                let is_time = words.get(at + 1).is_some_and(|unit| unit.starts_with('s') && unit.len() <= 3);
                let instead = if is_pid { "[PID]" } else { "[TIME]" };
                if is_pid || is_time {
                    words[at] = words[at].replace(number, instead);
                }
            }
        }
        let line = words.join(" ");
        let line = line
            .split_once("; logs: ")
            .map_or(line.clone(), |(before, _)| format!("{before}; logs: [PLACE]"));
        let _ = writeln!(normal, "{line}");
    }
    normal
}

/// The sessions are root's, and script(1) makes the terminal.
fn is_possible() -> bool {
    require(Capability::Root) && installed("script").is_some()
}

#[test]
fn first_commands_of_other_tools_users_are_answered_with_ours() {
    if !is_possible() {
        return;
    }
    let golden = Path::new(SOURCES).join(GOLDEN);
    let wanted = fs::read_to_string(&golden).unwrap();
    let dir = Dir::new();
    let service = Service::new();
    symlink("/bin/sleep", dir.join(service.name())).unwrap();
    fs::write(dir.join("app.sh"), "echo started; sleep 600\n").unwrap();
    let mut seen = String::new();
    let mut sessions = 0;
    for line in wanted.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            sessions += 1;
            let _ = writeln!(seen, "{line}");
            let shown = at_a_terminal(&dir, &command.replace("[NAME]", service.name()), &[]);
            seen += &normal(&shown, &dir, &service);
        } else if line.starts_with("# ") || line.is_empty() {
            let _ = writeln!(seen, "{line}");
        }
    }
    let _ = fs::remove_file(Path::new("/var/log/svcadapt").join(format!("{}.log", service.name())));
    let _ = fs::remove_file(Path::new("/var/log/svcadapt").join(format!("{}-2.log", service.name())));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, &seen).unwrap();
        return;
    }
    assert!(sessions >= 40, "only {sessions} sessions");
    for (seen, wanted) in seen.lines().zip(wanted.lines()) {
        assert_eq!(seen, wanted, "UPDATE=1 takes it over");
    }
    assert_eq!(seen.lines().count(), wanted.lines().count());
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    if !is_possible() {
        return;
    }
    let dir = Dir::new();
    let shown = |variables: &[(&str, &str)]| at_a_terminal(&dir, "svcadapt statsu", variables);
    let plain = "svcadapt: usage: unknown command 'statsu'\n  hint: did you mean 'status'?\n[2]\n";
    assert_eq!(shown(&[("TERM", "dumb")]), plain);
    assert_eq!(shown(&[("TERM", "xterm"), ("NO_COLOR", "1")]), plain);
    assert_eq!(
        shown(&[("TERM", "xterm")]),
        "\x1b[1msvcadapt:\x1b[0m usage: unknown command 'statsu'\n\x1b[36m  hint:\x1b[0m did you mean 'status'?\n[2]\n"
    );
    Svc::new(&dir)
        .args(["statsu"])
        .env("TERM", "xterm")
        .stderr(plain.trim_end_matches("[2]\n"))
        .status(2)
        .run();
}

#[test]
fn start_that_takes_long_shows_the_programs_words_and_its_status() {
    if !is_possible() {
        return;
    }
    let dir = Dir::new();
    let service = Service::new();
    let log = dir.join("out.log");
    let script = "echo loading; systemd-notify --status='half of it' || exit 1; sleep 2; echo done; systemd-notify --ready; exec sleep 600";
    if installed("systemd-notify").is_none() {
        return;
    }
    fs::write(dir.join("slow.sh"), script).unwrap();
    let line = format!(
        "svcadapt run --name {} -o {} --ready notify -- sh {}",
        service.name(),
        log.display(),
        dir.join("slow.sh").display()
    );
    let screen = at_a_terminal(&dir, &line, &[]);
    assert!(screen.contains("  loading\n"), "{screen:?}");
    assert!(screen.contains(&format!("{}: starting, 1 s: half of it", service.name())), "{screen:?}");
    assert!(screen.contains("\x1b[K  done\n"), "{screen:?}");
    // The line of the progress is gone at the end.
    let last = screen.rsplit("\x1b[K").next().unwrap().trim_start_matches("  done\n");
    let ready = format!("{}: running, pid 1, ready after 1 s; logs: here\n", service.name());
    assert_eq!(normal(last, &dir, &service), normal(&ready, &dir, &service));
    at_a_terminal(&dir, &format!("svcadapt stop {}", service.name()), &[]);
}
