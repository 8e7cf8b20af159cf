//! The README is true: every session in it is run, and every option that it names exists.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::harness::{Capability, Dir, Exit, SOURCES, Svc, have, require, skip, world};

const README: &str = include_str!("../../README.md");

/// The text of every fenced block of this kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    README.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Pids, times and the like differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            _ => plain.push(c),
        }
    }
    plain
}

#[test]
fn readme_sessions_are_true() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    dir.program("svcadapt");
    // The sessions stop what they start, unless one fails.
    let _guard = Stop(&dir);
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", dir.path().display());
    let (mut expected, mut happened) = (String::new(), String::new());
    for block in blocks("console") {
        // A prompt begins a line; `$ ` within one is output.
        for session in
            format!("\n{block}").split("\n$ ").skip(1).map(|session| format!("{}\n", session.trim_end()))
        {
            let (command, _) = session.split_once('\n').unwrap();
            let script = format!("{{ {command}; }} 2>&1");
            let output = Svc::new(&dir).program("/bin/sh").args(["-c", &script]).env("PATH", &path).output();
            happened.push_str(&without_numbers(&format!("$ {command}\n{}", output.stdout)));
            expected.push_str(&without_numbers(&format!("$ {session}")));
        }
    }
    assert_eq!(happened, expected);
    assert!(expected.matches("$ svcadapt").count() > 5, "the README shows hardly anything");
}

/// The nginx of the distribution, with its own configuration, in a network of its own.
#[test]
fn readme_commands_for_nginx_start_it() {
    if !require(Capability::Namespaces) || !have("nginx") {
        return;
    }
    if !Path::new("/proc/net/if_inet6").exists() {
        return skip("ipv6", "the configuration of nginx listens on [::]:80");
    }
    let samples =
        include_str!("../../units/README.md").lines().filter(|line| line.contains("/usr/sbin/nginx"));
    let shown = README.lines().filter(|line| line.starts_with("$ ") && line.contains("/usr/sbin/nginx"));
    let commands: Vec<String> = shown
        .chain(samples)
        .map(|line| line.trim_start_matches("$ ").split(" | ").next().unwrap().to_owned())
        // What only a writer of files understands.
        .map(|line| {
            ["--output .", "--name nginx", "--reload-signal SIGHUP", "--svcadapt /usr/bin/svcadapt"]
                .iter()
                .fold(line, |line, words| line.replace(words, ""))
        })
        .collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    let (mut script, mut expected) = (String::new(), String::new());
    for command in &commands {
        writeln!(script, "{command}; echo \"= $?\"\ncommand svcadapt stop readme-nginx").unwrap();
        let signal = if command.contains("SIGQUIT") { "SIGQUIT" } else { "SIGTERM" };
        writeln!(expected, "= 0\nreadme-nginx: stopped ({signal}, [ANY] s)").unwrap();
    }
    // Whatever a command does with the spec, here it is run, and ready as soon as it listens.
    let run = "svcadapt() { shift; command svcadapt run --mode classic --name readme-nginx --ready tcp:80 \"$@\"; }";
    let dir = Dir::new();
    let script = format!("cat >script <<'END'\n{run}\n{script}END\nunshare --net sh -u script");
    world(&dir, &script).stdout(&expected).run();
    dir.nothing_left();
}

struct Stop<'a>(&'a Dir);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        Svc::new(self.0).args(["stop", "readme-clock"]).output();
    }
}

#[test]
fn readme_table_of_hosts_is_the_recorded_one() {
    let (_, rest) = README.split_once("<!-- contract -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let (recorded, _) = include_str!("../golden/contract.md").split_once("\n\n").unwrap();
    assert_eq!(table.trim_end(), recorded);
}

#[test]
fn readme_options_all_exist() {
    let dir = Dir::new();
    let commands = [
        "run",
        "stop",
        "status",
        "gen-unit",
        "gen-plist",
        "install",
        "detect",
        "audit",
        "show",
        "check",
        "wait",
        "probe",
        "notify",
        "logs",
    ];
    let own = help(&dir, &["--help"]);
    let help = commands.iter().fold(own, |all, command| all + &help(&dir, &[command, "--help"]));
    let named: BTreeSet<&str> = README
        .lines()
        .flat_map(|line| match line.strip_prefix("| ").map(|row| row.split(" | ").collect::<Vec<_>>()) {
            // The left column of a table names other programs' options.
            Some(cells) => cells[1..].to_vec(),
            None => vec![line],
        })
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .flat_map(|code| code.split([' ', '=', ',']))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect();
    let ours = |word: &str| help.split([' ', '\n', '[', '=', ',']).any(|known| known == word);
    let missing: Vec<_> = named.iter().filter(|word| !ours(word) && **word != "--bench").collect();
    assert!(missing.is_empty(), "no such option: {missing:?}");
    assert!(named.len() > 20, "hardly any option is named: {named:?}");
}

fn help(dir: &Dir, words: &[&str]) -> String {
    let output = Svc::new(dir).args(words).output();
    assert_eq!(output.exit, Exit::Status(0), "{output:?}");
    output.stdout
}

#[test]
fn tour_example_shows_a_service_from_start_to_stop() {
    let program = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples").join("tour");
    assert!(fs::exists(&program).unwrap(), "cargo test builds the examples; cargo test --test it does not");
    let dir = Dir::new();
    // It looks for the command in the parent folder, as Cargo lays them out.
    fs::create_dir(dir.join("examples")).unwrap();
    dir.program_as(&program, "examples/tour");
    dir.program("svcadapt");
    let tour = dir.join("examples/tour");
    let output =
        Svc::new(&dir).program("/bin/sh").args(["-c", "exec \"$0\"", tour.to_str().unwrap()]).output();
    assert_eq!(output.exit, Exit::Status(0), "{output:?}");
    for sign in [
        "$ svcadapt run --name tour",
        "tour: running",
        "ExecStart=",
        "Type=notify",
        "<key>Label</key>",
        "tour: stopped",
    ] {
        assert!(output.stdout.contains(sign), "no '{sign}' in:\n{}", output.stdout);
    }
    dir.nothing_left();
}

/// A program that only links the library has no needless dependencies.
#[test]
fn readme_count_of_dependencies_is_true() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "svcadapt", "--edges", "normal", "--prefix", "none"])
        .current_dir(SOURCES)
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected =
        ["bitflags", "cfg-if", "libc", "memoffset", "nix", "sd-notify", "svcadapt", "svcadapt-spec"];
    assert_eq!(crates.into_iter().collect::<Vec<_>>(), expected);
    assert!(README.contains("It links seven crates"));
}
