//! Every `console` block of the manual is run, as root, on a machine of its own.
//!
//! A line `$ COMMAND` is run; the lines below it are its output. A command goes on after a `\` at the end of a line, and up to
//! the line `END` after `<<'END'`. Blocks with a comment `<!-- file NAME -->` are files for them. `UPDATE=1` writes the output of the commands into the pages.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use super::page::{Block, Page};
use crate::harness::{
    Booted, Capability, Dir, Exit, Output, SOURCES, Systemd, daemons, installed, require, skip,
};

/// Between the output of two commands.
const SEPARATOR: char = '\u{1e}';

/// How many pages run at once: most of a session is waiting.
const AT_ONCE: usize = 8;

struct Session {
    command: String,
    output: String,
}

#[test]
fn sessions_of_the_manual_are_true() {
    if installed("python3").is_none() {
        return;
    }
    if installed("systemd-notify").is_none() {
        return;
    }
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    dir.program("svcadapt");
    let machine = Booted::boot(Path::new("/"), daemons().as_deref(), BOOT).unwrap();
    machine.run(["cp", "-L", dir.join("svcadapt").to_str().unwrap(), "/usr/local/bin/svcadapt"]);
    let run =
        |script: &str| machine.run(["unshare", "--net", "--mount", "sh", "-c", &format!("{BEGIN}{script}")]);
    let pages = Page::all();
    let next = AtomicUsize::new(0);
    let differences: Vec<String> = thread::scope(|scope| {
        let runners: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let pages = || pages.get(next.fetch_add(1, Ordering::Relaxed));
                    std::iter::from_fn(pages).filter_map(|page| compare(page, None, &run)).collect::<Vec<_>>()
                })
            })
            .collect();
        runners.into_iter().flat_map(|runner| runner.join().unwrap()).collect()
    });
    assert!(differences.is_empty(), "UPDATE=1 writes what happened:\n{}", differences.join("\n"));
}

/// The blocks below a comment `<!-- on systemd -->`.
#[test]
fn sessions_of_the_manual_on_systemd_are_true() {
    if !require(Capability::Systemd) {
        return;
    }
    let dir = Dir::new();
    dir.program("svcadapt");
    let systemd = Systemd::boot().unwrap();
    systemd.run(["cp", "-L", dir.join("svcadapt").to_str().unwrap(), "/usr/local/bin/svcadapt"]);
    let run = |script: &str| systemd.run(["sh", "-c", script]);
    let differences: Vec<String> =
        Page::all().iter().filter_map(|page| compare(page, Some("on systemd"), &run)).collect();
    assert!(differences.is_empty(), "UPDATE=1 writes what happened:\n{}", differences.join("\n"));
}

/// Process 1 of the machine.
const BOOT: &str = "sleep infinity & wait";

/// What the commands of a page find: nothing of another page, and a loopback address of their own.
const BEGIN: &str =
    "mount -t tmpfs -o mode=0755 run /run; mount -t tmpfs -o mode=1777 tmp /tmp; ip link set lo up
for place in /var/log/svcadapt /var/lib/svcadapt /srv/manual; do
    mkdir -p $place; mount -t tmpfs -o mode=0755 state $place
done
cd /srv/manual; export HOME=/root\n";

/// Runs the sessions of a page below this comment. Returns what differs.
fn compare(page: &Page, below: Option<&str>, run: &dyn Fn(&str) -> Output) -> Option<String> {
    let blocks = page.blocks();
    let is_session = |block: &&Block| block.kind == "console" && block.comment == below;
    let sessions: Vec<Session> =
        blocks.iter().filter(is_session).flat_map(|block| sessions(block.text)).collect();
    if sessions.is_empty() {
        return None;
    }
    for program in page.needs() {
        if run(&format!("command -v {program}")).exit != Exit::Status(0) {
            skip(program, &format!("it is not installed, so {} is not run", page.name));
            return None;
        }
    }
    let mut script = String::new();
    for (name, block) in blocks.iter().filter_map(|block| Some((block.file()?, block))) {
        writeln!(script, "cat >'{name}' <<'END OF FILE'\n{}END OF FILE", block.text).unwrap();
    }
    for Session { command, .. } in &sessions {
        writeln!(script, "printf '{SEPARATOR}'; sh -c {} 2>&1", quoted(command)).unwrap();
    }
    // A page stops what it starts.
    script.push_str("svcadapt list --json | grep '\"state\": \"running\"' >&2\n");
    let ran = run(&script);
    let happened: Vec<&str> = ran.stdout.split(SEPARATOR).skip(1).collect();
    let (mut text, mut difference) = (page.text.clone(), ran.stderr);
    if happened.len() != sessions.len() {
        let last = &sessions[happened.len().saturating_sub(1)].command;
        write!(difference, "this command does not end: {last}\n{}", ran.stdout).unwrap();
    }
    let mut at = 0;
    for (session, happened) in sessions.iter().zip(happened) {
        let old = format!("$ {}\n{}", session.command, session.output);
        at += text[at..].find(&old).unwrap_or_else(|| panic!("{}: {old}", page.name));
        let length = old.len();
        if without_numbers(&session.output) == without_numbers(happened) {
            at += length;
            continue;
        }
        let new = format!("$ {}\n{happened}", session.command);
        text.replace_range(at..at + length, &new);
        at += new.len();
        write!(difference, "{new}--- instead of\n{}", session.output).unwrap();
    }
    if env::var_os("UPDATE").is_some() && text != page.text {
        fs::write(Path::new(SOURCES).join(&page.name), text).unwrap();
    }
    (!difference.is_empty()).then(|| format!("{}: {difference}", page.name))
}

/// The commands of a block, each with its output.
fn sessions(block: &str) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let mut goes_on = false;
    for line in block.lines() {
        match (line.strip_prefix("$ "), sessions.last_mut()) {
            (Some(command), _) if !goes_on => {
                sessions.push(Session { command: command.to_owned(), output: String::new() });
            }
            (_, Some(session)) if goes_on => {
                session.command.push('\n');
                session.command.push_str(line);
            }
            (_, Some(session)) => writeln!(session.output, "{line}").unwrap(),
            (_, None) => panic!("a console block begins with '$ ': {line}"),
        }
        let command = sessions.last().map(|session| session.command.as_str()).unwrap_or_default();
        let in_text = command.contains("<<'END'") && !command.ends_with("\nEND");
        goes_on = in_text || (line.ends_with('\\') && command.ends_with(line.trim_start_matches("$ ")));
    }
    sessions
}

/// A word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Pids, times and the like differ from run to run, and with them the width of columns.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            ' ' if plain.ends_with("  ") => {}
            _ => plain.push(c),
        }
    }
    plain
}

#[test]
fn command_of_a_session_goes_on_in_the_next_line() {
    let block = "$ one \\\n  two\nsaid\n$ cat <<'END'\n$ text\nEND\n";
    let parts: Vec<_> =
        sessions(block).into_iter().map(|session| (session.command, session.output)).collect();
    let expected = [("one \\\n  two", "said\n"), ("cat <<'END'\n$ text\nEND", "")];
    assert_eq!(parts, expected.map(|(command, output)| (command.to_owned(), output.to_owned())));
}
