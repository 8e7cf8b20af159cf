//! Manual pages and completions are generated from the options, so they are complete.

use std::process::Command;

use svcadapt_spec::FIELDS;

use crate::harness::have;
use crate::support::{Folder, printed, stderr_of, svcadapt};

/// All commands, in the order of the help.
pub(crate) const COMMANDS: [&str; 31] = [
    "run",
    "detect",
    "audit",
    "check",
    "explain",
    "gen-unit",
    "gen-plist",
    "gen-openrc",
    "gen-runit",
    "gen-s6",
    "gen-sysv",
    "show",
    "status",
    "install",
    "uninstall",
    "enable",
    "disable",
    "start",
    "stop",
    "restart",
    "reload",
    "reopen",
    "signal",
    "list",
    "logs",
    "wait",
    "probe",
    "notify",
    "init",
    "completions",
    "man",
];

#[test]
fn manual_pages_cover_every_command_and_option() {
    let folder = Folder::new();
    let output = svcadapt(["man", "--output", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr_of(&output));
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let whole = page("svcadapt.1");
    for command in COMMANDS {
        assert!(whole.contains(&format!("svcadapt\\-{}(1)", command.replace('-', "\\-"))), "{command}");
        assert_eq!(page(&format!("svcadapt-{command}.1")), printed(["man", command]));
    }
    assert_eq!(whole, printed(["man"]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), COMMANDS.len() + 3);
    for command in ["run", "gen-unit", "gen-plist", "show"] {
        let page = page(&format!("svcadapt-{command}.1"));
        for row in &FIELDS {
            let option = format!("\\-\\-{}", row.option.replace('-', "\\-"));
            assert!(page.contains(&option), "no {option} in the page of {command}");
        }
    }
    for (subject, line) in [("svcadapt.7", ".SH MODES"), ("svcadapt.service.7", "\\fBReady=\\fR")] {
        let text = page(subject);
        assert!(text.lines().any(|it| it == line), "{subject}: {text}");
        assert_eq!(text, printed(["man", subject]));
    }
    // Every page that another one names exists, and the exit statuses of `run` are on its page.
    assert!(!whole.contains("help(1)"), "{whole}");
    assert!(page("svcadapt-run.1").contains(".SH \"EXIT STATUSES\"\n.TP\n0\n"));
    assert_eq!(
        stderr_of(&svcadapt(["man", "walk"])),
        "svcadapt: man: unknown command 'walk'\n  hint: the commands are run, detect, audit, gen-unit, gen-plist, gen-openrc, \
         gen-runit, gen-s6, gen-sysv, show, \
         explain, check, status, install, uninstall, enable, disable, start, stop, restart, reload, reopen, signal, list, logs, wait, probe, notify, init, completions, man\n"
    );
}

#[test]
fn manual_pages_format_without_a_warning() {
    let formatters: [&[&str]; 2] =
        [&["groff", "-man", "-Tutf8", "-ww", "-z"], &["mandoc", "-Tlint", "-Wwarning"]];
    let folder = Folder::new();
    let output = svcadapt(["man", "--output", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr_of(&output));
    let mut pages: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    for formatter in formatters {
        let (program, options) = formatter.split_first().unwrap();
        if !have(program) {
            continue;
        }
        let output = Command::new(program).args(options).args(&pages).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr_of(&output));
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{program}");
    }
}

#[test]
fn completions_are_valid_and_cover_every_option() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(["completions", shell]);
        for row in &FIELDS {
            let name = row.option;
            assert!(script.contains(name), "{shell}: no --{name}");
        }
        if shell == "bash" {
            let folder = Folder::new();
            folder.write("script", &script);
            let output = Command::new("bash").arg("-n").arg(folder.path().join("script")).output().unwrap();
            assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), ""));
        }
    }
    assert_eq!(svcadapt(["completions", "ash"]).status.code(), Some(2));
}
