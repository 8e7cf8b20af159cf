//! README.md and the manual in `docs/` are true: every session in them is run, every option that they name exists, and every
//! link leads to something.

mod links;
mod page;
mod picture;
mod sessions;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use self::page::Page;
use crate::harness::{Capability, Dir, Exit, SOURCES, Svc, have, require, skip, world};

/// The nginx of the distribution, with its own configuration, in a network of its own.
#[test]
fn manual_commands_for_nginx_start_it() {
    if !require(Capability::Namespaces) || !have("nginx") {
        return;
    }
    if !Path::new("/proc/net/if_inet6").exists() {
        return skip("ipv6", "the configuration of nginx listens on [::]:80");
    }
    let samples =
        include_str!("../../units/README.md").lines().filter(|line| line.contains("/usr/sbin/nginx"));
    let page = Page::read("docs/writing-files.md");
    let shown = page.text.lines().filter(|line| line.starts_with("$ ") && line.contains("/usr/sbin/nginx"));
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
        writeln!(script, "{command}; echo \"= $?\"\ncommand svcadapt stop manual-nginx").unwrap();
        let signal = if command.contains("SIGQUIT") { "SIGQUIT" } else { "SIGTERM" };
        writeln!(expected, "= 0\nmanual-nginx: stopped ({signal}, [ANY] s)").unwrap();
    }
    // Whatever a command does with the spec, here it is run, and ready as soon as it listens.
    let run = "svcadapt() { shift; command svcadapt run --mode classic --name manual-nginx --ready tcp:80 \"$@\"; }";
    let dir = Dir::new();
    let script = format!("cat >script <<'END'\n{run}\n{script}END\nunshare --net sh -u script");
    world(&dir, &script).stdout(&expected).run();
    dir.nothing_left();
}

#[test]
fn manual_table_of_hosts_is_the_recorded_one() {
    let page = Page::read("docs/hosts.md").text;
    let (_, rest) = page.split_once("<!-- contract -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let (recorded, _) = include_str!("../golden/contract.md").split_once("\n\n").unwrap();
    assert_eq!(table.trim_end(), recorded);
}

#[test]
fn readme_is_short_and_names_every_command() {
    let readme = Page::read("README.md").text;
    assert!(readme.lines().count() <= 140, "the manual is in docs/");
    let commands = Page::read("docs/README.md").text;
    let missing: Vec<_> =
        crate::manual::COMMANDS.iter().filter(|name| !commands.contains(&format!("`{name}"))).collect();
    assert!(missing.is_empty(), "docs/README.md does not name {missing:?}");
}

/// Options of other programs that the manual names.
const FOREIGN: [&str; 5] = ["--bench", "--daemonize", "--env-file", "--supervised", "--ulimit"];

#[test]
fn manual_options_all_exist() {
    let dir = Dir::new();
    let help = crate::manual::COMMANDS
        .iter()
        .fold(help(&dir, &["--help"]), |all, command| all + &help(&dir, &[command, "--help"]));
    let ours = |word: &str| help.split([' ', '\n', '[', '=', ',']).any(|known| known == word);
    let (mut missing, mut count) = (Vec::new(), 0);
    for page in Page::all() {
        let named: BTreeSet<&str> =
            page.own_words().filter(|word| word.starts_with("--") && word.len() > 2).collect();
        count += named.len();
        let unknown = named.into_iter().filter(|word| !ours(word) && !FOREIGN.contains(word));
        missing.extend(unknown.map(|word| format!("{}: {word}", page.name)));
    }
    assert!(missing.is_empty(), "no such option: {missing:#?}");
    assert!(count > 150, "hardly any option is named: {count}");
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
        "It answers: \"hello\"",
        "tour: running",
        "(exit status 250)",
        "(exit status 1)",
        "ExecStart=",
        "Type=notify",
        "<key>Label</key>",
        "# tour/notification-fd",
        "tour: stopped",
    ] {
        assert!(output.stdout.contains(sign), "no '{sign}' in:\n{}", output.stdout);
    }
    let words = "already running as process";
    assert!(
        output.stderr.contains(words) && output.stderr.contains("  | I cannot listen on port"),
        "{output:?}"
    );
    dir.nothing_left();
}

/// A program that only links the library has no needless dependencies.
#[test]
fn manual_count_of_dependencies_is_true() {
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
    assert!(Page::read("docs/library.md").text.contains("It links seven crates"));
}
