//! Completion of names of services in the shells themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Dir, Service, Svc, skip};
use crate::support::{printed, svcadapt};

/// Two services with a record, one with an `@` in its name; they have ended, but are known.
fn services(dir: &Dir) -> [Service; 2] {
    let services = [Service::new(), Service::new()];
    for name in
        [services[0].name().to_owned(), format!("{}@one", services[0].name()), services[1].name().to_owned()]
    {
        Svc::new(dir).args(["run", "--mode", "classic", "--name", &name, "--", "/bin/sleep", "1000"]).run();
    }
    services
}

fn stop(dir: &Dir, services: &[Service; 2]) {
    let instance = format!("{}@one", services[0].name());
    for name in [services[0].name(), &instance, services[1].name()] {
        Svc::new(dir).args(["stop", name]).stdout("[ANY]\n").run();
    }
}

/// What a shell prints for a script in which `svcadapt` is the tested one. `None`: there is no such shell.
fn shell(dir: &Dir, name: &str, options: &[&str], script: &str) -> Option<String> {
    let path = Path::new("/usr/bin").join(name);
    if !path.exists() {
        skip(name, "it is not installed");
        return None;
    }
    dir.write("completions", &printed(["completions", name]));
    let output = Command::new(path)
        .args(options)
        .args(["-c", script])
        .current_dir(dir.path())
        .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()))
        .env("HOME", dir.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn names_of_services_are_completed_in_bash_zsh_and_fish() {
    let dir = Dir::new();
    dir.program("svcadapt");
    let services = services(&dir);
    let (first, second) = (services[0].name(), services[1].name());
    let bash = |line: &str, words: &str, at: usize| {
        let script = format!(
            "source completions; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({words}); COMP_CWORD={at}
             _svcadapt_names svcadapt \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        shell(&dir, "bash", &["--norc"], &script)
    };
    if let Some(text) = bash(&format!("svcadapt stop {first}"), &format!("svcadapt stop {first}"), 2) {
        assert_eq!(text, format!("{first}\n{first}@one\n"));
        // Readline takes the rest of a word behind @ for a word.
        let split = bash(&format!("svcadapt stop {first}@"), &format!("svcadapt stop {first} @ ''"), 4);
        assert_eq!(split.unwrap(), "one\n");
        let several = bash(
            &format!("svcadapt restart {first} {second}"),
            &format!("svcadapt restart {first} {second}"),
            3,
        );
        assert_eq!(several.unwrap(), format!("{second}\n"));
        let option = bash("svcadapt stop --time", "svcadapt stop --time", 2);
        assert_eq!(option.unwrap(), "--timeout-stop-sec\n");
        let value = bash(&format!("svcadapt signal -s {first}"), &format!("svcadapt signal -s {first}"), 3);
        assert!(!value.unwrap().contains(first));
        let command = bash("svcadapt stat", "svcadapt stat", 1);
        assert_eq!(command.unwrap(), "status\n");
    }
    let zsh =
        "autoload -U compinit; compinit -u -D; source ./completions; _call_program() { shift; eval \"$@\"; }
               compadd() { print -l -- ${(P)argv[-1]}; }; _svcadapt_names";
    if let Some(text) = shell(&dir, "zsh", &["-f"], zsh) {
        assert!(text.lines().any(|line| line == first) && text.lines().any(|line| line == second), "{text}");
        let script = dir.read("completions");
        for command in ["stop", "uninstall", "wait", "audit"] {
            let part = script.split_once(&format!("\n({command})\n")).unwrap().1;
            assert!(part.split_once(";;").unwrap().0.contains(":_svcadapt_names'"), "{command}");
        }
    }
    let fish = format!(
        "source completions; complete -C 'svcadapt stop {first}'; complete -C 'svcadapt run {first}'"
    );
    if let Some(text) = shell(&dir, "fish", &["--no-config"], &fish) {
        assert_eq!(text, format!("{first}\n{first}@one\n"));
    }
    stop(&dir, &services);
}

#[test]
fn list_of_names_is_silent_whatever_happens() {
    let output = svcadapt(["%names"]);
    assert!(output.status.success() && output.stderr.is_empty());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_svcadapt")).arg("%names").stdout(full).output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
}
