//! Standard output that cannot be written: the same words and the same exit status of every command.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::harness::Dir;

/// One call of each command that prints an answer.
const CALLS: [&str; 16] = [
    "check bad.service",
    "check --json good.service",
    "check --codes",
    "audit PID",
    "audit --json PID",
    "gen-unit -- /bin/true",
    "gen-unit --json -- /bin/true",
    "gen-plist --label x -- /bin/true",
    "show -- /bin/true",
    "show --schema",
    "detect",
    "detect --json",
    "detect --facts",
    "run --dry-run -- /bin/true",
    "man",
    "completions bash",
];

fn printing_to(dir: &Dir, call: &str, stdout: Stdio) -> Output {
    let own = std::process::id().to_string();
    Command::new(env!("CARGO_BIN_EXE_svcadapt"))
        .args(call.replace("PID", &own).split(' '))
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

fn units() -> Dir {
    let dir = Dir::new();
    dir.write("bad.service", "[Service]\nExecStart=/bin/true\nNice=x\n");
    dir.write("good.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n");
    dir
}

#[test]
fn full_output_is_one_line_and_status_1_of_every_command() {
    let dir = units();
    for call in CALLS {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = printing_to(&dir, call, full.into());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(told, "svcadapt: standard output: no space left on device\n", "{call}");
        assert_eq!(output.status.code(), Some(1), "{call}");
    }
}

#[test]
fn closed_output_ends_every_command_as_sigpipe_would() {
    let dir = units();
    for call in CALLS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = printing_to(&dir, call, writer.into());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{call}");
        assert_eq!(output.status.code(), Some(141), "{call}");
    }
}
