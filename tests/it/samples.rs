//! The samples are up to date, and run as real services.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use svcadapt_convert::lint::{FileInfo, FileKind, JobFile, MachineData, MachineUser, Severity, job};
use svcadapt_spec::Scope;

use crate::harness::{Capability, Dir, Exit, SOURCES, Systemd, require};
use crate::support::{Folder, stderr_of};

/// A directory of samples beside the sources.
fn samples(name: &str) -> PathBuf {
    Path::new(SOURCES).join(name)
}

/// The commands in the README of a directory.
fn commands(readme: &str) -> Vec<&str> {
    let blocks = readme.split("```sh\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap()).collect()
}

/// The files of a directory with these endings, by name.
fn files(directory: &Path, ends: &[&str]) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| ends.iter().any(|ours| end == *ours)))
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn samples_are_up_to_date() {
    let ends = ["service", "socket", "plist"];
    for directory in ["units", "launchd"] {
        let (source, folder) = (samples(directory), Folder::new());
        for (name, text) in files(&source, &["json"]) {
            folder.write(&name, &text);
        }
        let readme = fs::read_to_string(source.join("README.md")).unwrap();
        let commands = commands(&readme);
        assert!(commands.len() >= 3, "{readme}");
        for command in commands {
            let binary = Path::new(env!("CARGO_BIN_EXE_svcadapt")).parent().unwrap();
            let output = Command::new("sh")
                .args(["-ec", command])
                .current_dir(folder.path())
                .env("PATH", format!("{}:/usr/bin:/bin", binary.display()))
                .output()
                .unwrap();
            assert!(output.status.success(), "{command}\n{}", stderr_of(&output));
        }
        let (expected, written) = (files(&source, &ends), files(folder.path(), &ends));
        let names = |all: &[(String, String)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&written), names(&expected), "{directory}");
        for ((name, written), (_, expected)) in written.iter().zip(&expected) {
            assert_eq!(written, expected, "{directory}/{name}: run its command again");
        }
    }
}

/// A Mac with the accounts, the programs and the directories that the samples name.
fn mac() -> MachineData {
    const WWW: u32 = 70;
    let account = |uid, groups: &[u32]| MachineUser { uid, groups: groups.to_vec() };
    let mut facts = MachineData {
        users: [("root".into(), account(0, &[0])), ("_www".into(), account(WWW, &[WWW]))].into(),
        groups: [("wheel".into(), 0), ("staff".into(), 20), ("_www".into(), WWW)].into(),
        launchd: true,
        ..MachineData::default()
    };
    let mut add = |path: &str, kind, uid| {
        facts.inodes.insert(path.into(), FileInfo { kind, mode: 0o755, uid, gid: uid });
    };
    for path in
        ["/", "/Library", "/Library/WebServer", "/usr", "/usr/local", "/usr/local/var", "/usr/local/var/log"]
    {
        add(path, FileKind::Directory, 0);
    }
    for path in ["/var", "/var/log", "/var/run"] {
        add(path, FileKind::Directory, 0);
    }
    for path in ["svcadapt", "worker", "listener", "agent"] {
        add(&format!("/usr/local/bin/{path}"), FileKind::File, 0);
    }
    add("/usr/bin/python3", FileKind::File, 0);
    add("/usr/local/var/log/http", FileKind::Directory, WWW);
    facts
}

#[test]
fn sample_property_lists_start_on_a_mac_with_their_accounts() {
    let codes = |facts: &MachineData| {
        let mut codes = Vec::new();
        for (name, text) in files(&samples("launchd"), &["plist"]) {
            let scope = if name.contains("agent") { Scope::User } else { Scope::System };
            let found = job(JobFile { path: Path::new(&name), bytes: text.as_bytes(), scope }, facts);
            let severe = found.into_iter().filter(|finding| finding.severity > Severity::Note);
            codes.extend(severe.map(|finding| format!("{name}: {} {}", finding.rule.code, finding.message)));
        }
        codes
    };
    let facts = mac();
    assert_eq!(codes(&facts), [""; 0]);
    // Without the directory that README.md has one create, one of them does not start.
    let mut less = facts;
    less.inodes.remove(Path::new("/usr/local/var/log/http"));
    let reported = codes(&less);
    assert_eq!(reported.len(), 2, "{reported:?}");
    assert!(reported.iter().all(|one| one.starts_with("org.example.http.plist: SVC808 ")), "{reported:?}");
}

/// The program of a unit's command, behind svcadapt's options if there is an adapter.
fn program(unit: &str) -> Option<&str> {
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let line = line.split_once(" -- ").map_or(line, |(_, rest)| rest);
    line.split_ascii_whitespace().next()
}

#[test]
fn samples_load_and_start_under_systemd() {
    if !require(Capability::Root) {
        return;
    }
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    // The path of svcadapt in the samples.
    let svcadapt = dir.program("svcadapt").display().to_string();
    let there = systemd.run(["ln", "-sf", &svcadapt, "/usr/bin/svcadapt"]);
    assert_eq!(there.exit, Exit::Status(0), "{}", there.stderr);
    let mut started = 0;
    for (name, text) in files(&samples("units"), &["socket"]) {
        systemd.write_unit(&name, &text);
        assert_eq!(systemd.show(&name, "LoadState"), "loaded", "{name}");
    }
    for (name, text) in files(&samples("units"), &["service"]) {
        // No other test uses these unit names.
        systemd.write_unit(&name, &text);
        let unit = name.replace("@.", "@sample.");
        assert_eq!(systemd.show(&unit, "LoadState"), "loaded", "{name}");
        assert_eq!(systemd.show(&unit, "LoadError"), "", "{name}");
        if name.contains('@') {
            let spec = "{\"type\": \"exec\", \"command\": [\"/bin/sleep\", \"600\"]}";
            fs::create_dir_all(systemd.path("/etc/svcadapt")).unwrap();
            fs::write(systemd.path("/etc/svcadapt/sample.json"), spec).unwrap();
        } else if program(&text).is_none_or(|program| !Path::new(program).exists()) {
            eprintln!("SKIPPED: {name} is not started, for its program is not here");
            continue;
        }
        systemd.must(&["start", &unit]);
        assert_eq!(systemd.show(&unit, "ActiveState"), "active", "{name}");
        assert_ne!(systemd.show(&unit, "MainPID"), "0", "{name}");
        systemd.must(&["stop", &unit]);
        let state = ["ActiveState", "Result"].map(|property| systemd.show(&unit, property));
        assert_eq!(state, ["inactive", "success"], "{name}");
        systemd.systemctl(["stop", &unit.replace(".service", ".socket")]);
        started += 1;
    }
    // Python and sleep are always installed.
    assert!(started >= 2, "{started}");
}
