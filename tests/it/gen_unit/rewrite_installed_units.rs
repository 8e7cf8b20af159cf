//! A rewritten unit means the same to systemd: every installed service, and lines that no field covers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use svcadapt_convert::directive::{Section, Version, directive};

use crate::harness::{all_rounds, skip};
use crate::support::{Folder, Judgement, as_set, printed, stderr_of, svcadapt};

/// The installed services, without aliases.
fn installed() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/lib/systemd/system") else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "service") && !path.is_symlink())
        .collect();
    paths.sort();
    paths
}

/// systemd's view of a unit, without the paths of its files.
fn meaning(judgement: &Judgement, name: &str) -> Vec<String> {
    // And without its state of garbage collection.
    const OF_THE_FILE: [&str; 5] =
        ["Fragment Path", "DropIn Path", "Unit Load State", "Source Path", "May GC"];
    let about_it = judgement
        .unit(name)
        .lines()
        .map(str::trim)
        .take_while(|line| !["-> Job", "-> By jobs"].iter().any(|what| line.starts_with(what)));
    let lines = about_it.map(as_set);
    let mut lines: Vec<String> =
        lines.filter(|line| !OF_THE_FILE.iter().any(|what| line.starts_with(what))).collect();
    // An unset standard error follows standard output.
    let output = lines.iter().find_map(|line| line.strip_prefix("StandardOutput: ")).map(str::to_owned);
    for line in &mut lines {
        if let (true, Some(output)) = (line == "StandardError: inherit", &output) {
            *line = format!("StandardError: {output}");
        }
    }
    // Dependencies have no order.
    lines.sort();
    lines
}

#[test]
fn installed_services_keep_their_meaning_when_rewritten() {
    let (before, after) = (Folder::new(), Folder::new());
    let (mut names, mut sockets) = (Vec::new(), 0);
    for path in installed() {
        let file = path.file_name().unwrap().to_str().unwrap();
        let output = svcadapt([
            "gen-unit".as_ref(),
            "--strict".as_ref(),
            "--output".as_ref(),
            after.path().as_os_str(),
            path.as_os_str(),
        ]);
        assert!(output.status.success(), "{file}: {}", stderr_of(&output));
        // A socket unit that only a device or another unit starts is no part of the service.
        let notes = ["the output includes its drop-ins", ": not read: "];
        let noted = |stderr: &str| stderr.is_empty() || notes.iter().any(|note| stderr.contains(note));
        assert!(noted(&stderr_of(&output)), "{file}: {}", stderr_of(&output));
        before.write(file, &std::fs::read_to_string(&path).unwrap());
        copy_drop_ins(&path, &before);
        let written = std::fs::read_to_string(after.path().join(file)).unwrap();
        assert_eq!(install(&written), install(&std::fs::read_to_string(&path).unwrap()), "{file}");
        names.push(file.replace("@.", "@an-instance."));
        // Its socket unit, which is read and written with it.
        let socket = path.with_extension("socket");
        if let Ok(text) = std::fs::read_to_string(&socket) {
            let name = socket.file_name().unwrap().to_str().unwrap();
            if after.path().join(name).exists() {
                before.write(name, &text);
                sockets += 1;
                names.push(name.replace("@.", "@an-instance."));
            }
        }
    }
    let Some(judgement) = Judgement::of(&before, &names) else { return };
    let Some(again) = Judgement::of(&after, &names) else { return };
    for name in &names {
        let (expected, found) = (meaning(&judgement, name), meaning(&again, name));
        assert!(expected.len() > 20, "{name}: {expected:?}");
        let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
        let new: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
        assert!(missing.is_empty() && new.is_empty(), "{name}: missing {missing:#?}, new {new:#?}");
    }
    eprintln!("{} services mean the same, {sockets} sockets among them", names.len());
    if names.len() < 50 {
        skip("systemd-units", &format!("only {} services are installed here", names.len()));
    }
}

/// The lines of a unit that this systemd would ignore.
pub(crate) fn unknown_to(version: Version, text: &str) -> Vec<String> {
    let mut section = "";
    let mut unknown = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let (Some((name, value)), false, false) =
            (line.split_once('='), section.starts_with("X-"), line.starts_with(['#', ';']))
        {
            let section = match section {
                "Unit" => Section::Unit,
                "Service" => Section::Service,
                "Socket" => Section::Socket,
                "Install" => Section::Install,
                _ => panic!("[{section}] in\n{text}"),
            };
            let row = directive(section, name);
            if row.is_none_or(|row| !row.known_to(version) || !value.is_empty() && !row.takes(value, version))
            {
                unknown.push(line.to_owned());
            }
        }
    }
    unknown
}

#[test]
fn partly_understood_list_does_not_grow_when_rewritten() {
    let folder = Folder::new();
    let file = folder.path().join("x.service").display().to_string();
    let lists = "RuntimeDirectory=x\nRuntimeDirectory=a b\\x41:c\nUnsetEnvironment=A B=1\n";
    folder.write("x.service", &format!("[Service]\nExecStart=/bin/true\n{lists}"));
    let text = printed(["gen-unit", &file]);
    assert!(text.contains(lists), "{text}");
    folder.write("x.service", &text);
    assert_eq!(printed(["gen-unit", &file]), text);
}

#[test]
fn old_systemd_gets_no_directive_it_does_not_know() {
    let mut reported = 0;
    let versions = ["239", "245", "258", "262"];
    for version in &versions[..if all_rounds() { 4 } else { 1 }] {
        for path in installed() {
            let words = ["gen-unit", "--allow-loss", "--systemd-version", version];
            let words = words.map(OsStr::new).into_iter().chain([path.as_os_str()]);
            let output = svcadapt(words);
            assert!(output.status.success(), "{version} {}: {}", path.display(), stderr_of(&output));
            let version = Version::parse(version.as_ref()).unwrap();
            let text = String::from_utf8(output.stdout.clone()).unwrap();
            assert_eq!(unknown_to(version, &text), [""; 0], "{}", path.display());
            reported += stderr_of(&output).lines().filter(|line| line.contains("does not know")).count();
        }
    }
    // The installed units need a newer systemd than the first one here.
    if reported < if all_rounds() { 50 } else { 1 } {
        skip(
            "systemd-units",
            &format!("only {reported} lines of the units here are too new for an old systemd"),
        );
    }
}

/// `[Install]`, which systemd itself does not read.
fn install(text: &str) -> Vec<String> {
    let from = text.lines().skip_while(|line| *line != "[Install]").skip(1);
    let lines = from.take_while(|line| !line.starts_with('['));
    let mut lines: Vec<String> =
        lines.filter(|line| line.contains('=') && !line.starts_with(['#', ';'])).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// They are part of what was read.
fn copy_drop_ins(path: &Path, folder: &Folder) {
    let beside = PathBuf::from(format!("{}.d", path.display()));
    let Ok(entries) = std::fs::read_dir(&beside) else { return };
    let name = beside.file_name().unwrap().to_str().unwrap();
    std::fs::create_dir(folder.path().join(name)).unwrap();
    for entry in entries {
        let entry = entry.unwrap();
        let file = format!("{name}/{}", entry.file_name().to_str().unwrap());
        folder.write(&file, &std::fs::read_to_string(entry.path()).unwrap());
    }
}
