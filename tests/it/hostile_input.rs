//! Malformed input to the real binary with little memory and time: it reports what is wrong and where in one line, and
//! writes nothing.

mod json;
mod names;
mod plist;
mod unit;
mod values;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{Dir, Exit, Output, Svc};

/// The address space that svcadapt may have, in KiB.
const SPACE: u32 = 300_000;

/// Its deadline on a busy machine.
const TIME: Duration = Duration::from_secs(20);

/// Every command that reads a spec file, with the arguments that it needs.
const COMMANDS: [&[&str]; 4] = [
    &["show"],
    &["gen-unit", "--output", "out", "--name", "web"],
    &["gen-plist", "--output", "out", "--label", "org.example.web"],
    &["run", "--dry-run", "--mode", "classic"],
];

/// svcadapt with bounded memory and time.
fn bounded(dir: &Dir, words: &[&str]) -> Output {
    let program = dir.program("svcadapt").display().to_string();
    Svc::new(dir)
        .program("/bin/sh")
        .args(["-c", &format!("ulimit -v {SPACE}; exec \"$@\""), "sh", &program])
        .args(words)
        .deadline(TIME)
        .output()
}

/// A directory with `out` and the programs.
fn place() -> Dir {
    let dir = Dir::new();
    fs::create_dir(dir.join("out")).unwrap();
    dir.program("svcadapt");
    dir.program("/bin/sh");
    dir
}

/// Asserts that every command refuses this file with these lines and changes nothing; `[DIR]` is the directory.
fn refused(dir: &Dir, file: &str, reported: &str) {
    for command in COMMANDS {
        let path = dir.join(file).display().to_string();
        refused_words(dir, &[command, &[&path]].concat(), reported);
    }
}

/// Asserts that one command is refused with these lines.
fn refused_words(dir: &Dir, words: &[&str], reported: &str) {
    let before = listing(dir.path());
    let output = bounded(dir, words);
    let stderr = output.stderr.replace(&dir.path().display().to_string(), "[DIR]");
    let shown: Vec<String> = words.iter().map(|word| word.chars().take(80).collect()).collect();
    assert_eq!((output.exit, stderr.as_str()), (Exit::Status(2), reported), "{shown:?}");
    assert_eq!(output.stdout, "", "{shown:?}");
    assert_eq!(listing(dir.path()), before, "{shown:?} has changed something");
}

/// Everything below a directory: names, kinds and sizes.
fn listing(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let entry = entry.unwrap();
            let file = entry.metadata().unwrap();
            let below = if file.is_dir() { listing(&entry.path()) } else { Vec::new() };
            let line = format!("{} {:?} {}", entry.path().display(), file.file_type(), file.len());
            std::iter::once(line).chain(below)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn non_regular_file_is_not_read() {
    let dir = place();
    for end in ["service", "plist", "json"] {
        let name = |stem: &str| format!("{stem}.{end}");
        symlink("/dev/zero", dir.join(&name("zero"))).unwrap();
        mkfifo(&dir.join(&name("fifo")), Mode::S_IRUSR).unwrap();
        fs::create_dir(dir.join(&name("folder"))).unwrap();
        symlink(name("loop"), dir.join(&name("loop"))).unwrap();
        symlink("/dev/full", dir.join(&name("full"))).unwrap();
        for stem in ["zero", "fifo", "folder", "full"] {
            let file = name(stem);
            refused(&dir, &file, &format!("svcadapt: spec '[DIR]/{file}': not a regular file\n"));
        }
        let file = name("loop");
        refused(
            &dir,
            &file,
            &format!("svcadapt: spec '[DIR]/{file}': too many symbolic links encountered\n"),
        );
        let file = name("missing");
        refused(&dir, &file, &format!("svcadapt: spec '[DIR]/{file}': no such file or directory\n"));
    }
    let hint =
        "  hint: the name must end in .service, .socket, .plist or .json; a program to run goes after '--'\n";
    for path in ["/dev/zero", "/dev/stdin", "/proc/self/mem", "/"] {
        let reported = format!("svcadapt: spec '{path}': unknown kind of file\n{hint}");
        refused_words(&dir, &["show", path], &reported);
    }
}
