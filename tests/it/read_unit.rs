//! A unit is read as systemd reads it, and nothing in it is lost.

mod life;
mod load;
mod round_trip;
mod vectors;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use svcadapt_convert::unit::internal::commands;
use svcadapt_convert::unit::{ParsedUnit, UnitFile, UnitName, read};
use svcadapt_spec::FIELDS;

use crate::support::{Chance, Folder, Judgement};

const COMMANDS: [&str; 7] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];

/// Reads a unit from its text alone.
fn read_text(name: &str, text: &[u8]) -> Result<ParsedUnit, String> {
    let name = UnitName::parse(name).unwrap();
    let reported = |faults: Vec<_>| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let unit = UnitFile::parse(&Path::new("/units").join(name.as_str()), text).map_err(reported)?;
    read(&name, &unit, &[]).map_err(reported)
}

/// The words of every command, by directive.
fn argv(name: &UnitName, files: &[UnitFile]) -> BTreeMap<String, Vec<Vec<OsString>>> {
    let mut all = BTreeMap::<String, Vec<Vec<OsString>>>::new();
    for file in files {
        let ours = |line: &&svcadapt_convert::unit::Line| {
            file.section(line) == "Service" && COMMANDS.contains(&line.key.as_str())
        };
        for line in file.lines.iter().filter(ours) {
            let entry = all.entry(line.key.clone()).or_default();
            if line.value.is_empty() {
                entry.clear();
            } else if let Ok(read) = commands(&line.value, name, &file.path) {
                entry.extend(read.commands.into_iter().map(|command| command.argv));
            }
        }
    }
    all.retain(|_, commands| !commands.is_empty());
    all
}

#[test]
fn installed_units_are_read_and_every_line_accounted_for() {
    let folder = Path::new("/lib/systemd/system");
    if !folder.exists() {
        return crate::harness::skip("systemd-units", "there is no /lib/systemd/system");
    }
    let (mut units, mut directives, mut kept) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        let Some(name) = UnitName::parse(&file) else { continue };
        let Ok(text) = std::fs::read(entry.path()) else { continue };
        if text.is_empty() {
            assert!(read_text(&file, &text).unwrap_err().contains("masked"));
            continue;
        }
        let unit = UnitFile::parse(&entry.path(), &text).unwrap();
        let reading = read(&name, &unit, &[]).unwrap_or_else(|faults| panic!("{file}: {}", faults[0]));
        assert_eq!(reading.warnings, [], "{file}");
        units += 1;
        let set_values = format!("{:?}", reading.draft);
        for line in &unit.lines {
            directives += 1;
            let place = format!("line: {}, column: {}", line.spot.line, line.spot.column);
            let here =
                reading.unmapped.iter().filter(|line| format!("{:?}", line.origin).contains(&place)).count();
            kept += here.min(1);
            let of_several = ["TimeoutSec", "StartLimitInterval"].contains(&line.key.as_str())
                || line.key.starts_with("Condition")
                || line.key.starts_with("Assert");
            let field = FIELDS.iter().any(|row| row.directive == line.key) || of_several;
            let accounted = here > 0
                || field && (set_values.contains(&place) || line.value.is_empty())
                || COMMANDS.contains(&line.key.as_str()) && set_values.contains("command: Some");
            assert!(accounted, "{file}:{} {}={} is lost", line.spot.line, line.key, line.value);
        }
    }
    eprintln!("{units} units, {directives} assignments, {kept} of them kept");
    assert!(units > 20, "only {units} units");
}

/// A random piece of a unit.
fn noise(chance: &mut Chance) -> String {
    const PIECES: [&str; 24] = [
        "[Service]\n",
        "[Unit]\n",
        "[X-Svcadapt]\n",
        "ExecStart=",
        "Environment=",
        "Type=notify\n",
        "Description=",
        "Ready=\"",
        "RuntimeDirectory=",
        "\\\n",
        "\n",
        "\r\n",
        "# c\n",
        "=",
        "%",
        "\\x41",
        "\\U0010ffff",
        "/bin/true ",
        "WorkingDirectory=",
        "StandardOutput=inherit\n",
        "PIDFile=x\n",
        "TimeoutSec=0\n",
        "${A}",
        "PassEnvironment=",
    ];
    if chance.below(3) == 0 {
        chance.text(6, "[]\n=%\\")
    } else {
        PIECES[chance.below(PIECES.len())].to_owned()
    }
}

#[test]
fn random_text_never_panics_the_reader() {
    let mut chance = Chance(41);
    let mut read = 0;
    for _ in 0..3_000 {
        let mut text = b"[Service]\nExecStart=/bin/true a\n".to_vec();
        for _ in 0..chance.below(30) {
            text.extend(noise(&mut chance).into_bytes());
        }
        for _ in 0..chance.below(3) {
            let at = chance.below(text.len());
            text[at] = u8::try_from(chance.below(256)).unwrap();
        }
        if let Ok(reading) = read_text("web@a-b.service", &text) {
            read += 1;
            let _ = reading.draft.finish();
        }
    }
    assert!(read > 300, "only {read} of them could be read at all");
}

#[test]
fn oversized_unit_is_refused_in_bounded_time() {
    let many = |piece: &str, times: usize| format!("[Service]\nExecStart=/bin/true\n{}", piece.repeat(times));
    for text in [
        many("Environment=A=b\n", 700_000),
        many("x", 2 << 20),
        many("\0", 5_000),
        many("Nice=\\\n", 200_000),
        "[".repeat(1 << 20) + "x",
    ] {
        let before = std::time::Instant::now();
        assert!(read_text("a.service", text.as_bytes()).is_err());
        assert!(before.elapsed().as_secs() < 5);
    }
    let long = many(&format!("Environment=A={}\n", "b ".repeat(400_000)), 3);
    let before = std::time::Instant::now();
    assert!(read_text("a.service", long.as_bytes()).is_ok());
    assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
}

/// Compares the reader with systemd.
#[test]
fn random_command_lines_are_read_as_systemd_reads_them() {
    let mut chance = Chance(7);
    let folder = Folder::new();
    let name = |number: usize| format!("r{number}-x@i-j.service");
    let services: Vec<String> = (0..400).map(name).collect();
    for service in &services {
        let mut line = String::from("[Service]\nExecStart=/bin/true ");
        for _ in 0..=chance.below(12) {
            const PIECES: [&str; 22] = [
                " ", " ", "\"", "'", "\\s", "\\x41", "\\t", "\\u00e9", "\\101", "\\q", "%%", "%i", "%I",
                "%p", "%j", "%n", "$A", "${A}", "\\;", "a", "-b=", "\\\n",
            ];
            line += PIECES[chance.below(PIECES.len())];
        }
        folder.write(&service.replace("@i-j", "@"), &(line + "\n"));
    }
    let Some(judgement) = Judgement::of(&folder, &services) else { return };
    let (mut loaded, mut refused) = (0, 0);
    for service in &services {
        let path = folder.path().join(service.replace("@i-j", "@"));
        let text = std::fs::read(&path).unwrap();
        let name = UnitName::parse(service).unwrap();
        let shown = String::from_utf8_lossy(&text).into_owned();
        let reading = UnitFile::parse(&path, &text).and_then(|file| read(&name, &file, &[]).map(|_| file));
        let state = judgement.has(service, "Unit Load State: loaded");
        assert_eq!(reading.is_ok(), state, "{shown}\n{:?}", reading.err());
        if let Ok(file) = reading {
            loaded += 1;
            assert_eq!(argv(&name, &[file])["ExecStart"], [judgement.argv(service)], "{shown}");
        } else {
            refused += 1;
        }
    }
    assert!(loaded > 100 && refused > 20, "{loaded} loaded, {refused} refused");
}

/// Directives with valid and invalid values, and how systemd prints the field.
const SETTINGS: [(&str, &[&str]); 15] = [
    ("Nice", &["5", "-20", "20", "x", ""]),
    ("UMask", &["027", "0", "999", "", "8"]),
    ("User", &["daemon", "7", "%p", "", "no such"]),
    ("Group", &["daemon", "65535", ""]),
    ("SupplementaryGroups", &["adm 7", "a\\b", "", "x y"]),
    ("WorkingDirectory", &["/a b", "/%n", "-/x", "", "\"/q\""]),
    ("Environment", &["A=1 \"B=x y\"", "9=x", "A='q\" B", "C=%j\\x41", ""]),
    ("EnvironmentFile", &["/a", "-/b%i", "", "x"]),
    ("PassEnvironment", &["A B", "'C' 9", ""]),
    ("LimitNOFILE", &["5", "4:9", "9:4", "infinity", "4K", ""]),
    ("OOMScoreAdjust", &["500", "1001", "", "-5"]),
    ("RootDirectory", &["/a", "/%p", "", "x"]),
    ("StateDirectory", &["a b", "../x", "a\\x41", "/q", ""]),
    ("Type", &["simple", "exec", "notify", "oneshot", "forking", "Simple", ""]),
    ("TimeoutStopSec", &["5", "0", "1min 3s", "x", ""]),
];

/// A setting of a spec as systemd prints it; `None` if systemd prints nothing comparable.
fn shown(spec: &svcadapt_spec::ServiceSpec, directive: &str) -> Option<Vec<String>> {
    let field = FIELDS.iter().find(|row| row.directive == directive).unwrap().field;
    let set_values: Vec<String> =
        svcadapt_spec::values(spec, field).iter().map(|value| value.to_string_lossy().into_owned()).collect();
    Some(match directive {
        "SupplementaryGroups" if !set_values.is_empty() => vec![set_values.join(" ")],
        "WorkingDirectory" | "RootDirectory" if set_values.is_empty() => return None,
        "Nice" if set_values.is_empty() || set_values == ["0"] => return None,
        "LimitNOFILE" | "Type" | "TimeoutStopSec" | "OOMScoreAdjust" | "Nice" | "UMask"
            if set_values.is_empty() =>
        {
            return None;
        }
        "LimitNOFILE" => {
            let hard = set_values[0].rsplit(':').next().unwrap();
            vec![if hard == "infinity" { u64::MAX.to_string() } else { hard.to_owned() }]
        }
        "TimeoutStopSec" => vec![match set_values[0].as_str() {
            "63s" => "1min 3s".to_owned(),
            other => other.to_owned(),
        }],
        _ => set_values,
    })
}

#[test]
fn random_units_are_read_as_systemd_reads_them() {
    let mut chance = Chance(99);
    let folder = Folder::new();
    let services: Vec<String> = (0..600).map(|number| format!("s{number}-z.service")).collect();
    for service in &services {
        let mut text = String::from("[Service]\nExecStart=/bin/true\n");
        for _ in 0..chance.below(9) {
            let (directive, values) = SETTINGS[chance.below(SETTINGS.len())];
            text.extend([directive, "=", values[chance.below(values.len())], "\n"]);
        }
        folder.write(service, &text);
    }
    let Some(judgement) = Judgement::of(&folder, &services) else { return };
    let mut settings = 0;
    for service in &services {
        let path = folder.path().join(service);
        let text = std::fs::read(&path).unwrap();
        let name = UnitName::parse(service).unwrap();
        let reported = String::from_utf8_lossy(&text).into_owned();
        let Ok(reading) = UnitFile::parse(&path, &text).and_then(|file| read(&name, &file, &[])) else {
            assert!(!judgement.has(service, "Unit Load State: loaded"), "{reported}");
            continue;
        };
        assert!(judgement.has(service, "Unit Load State: loaded"), "{reported}");
        // systemd accepts a name with a blank, a spec does not: it is kept.
        let unmapped: Vec<String> = reading.unmapped.iter().map(|line| line.directive.clone()).collect();
        let spec = reading.draft.finish().unwrap();
        for (directive, _) in SETTINGS {
            let start = format!("{directive}: ");
            let lines = judgement.unit(service).lines().map(|line| line.trim_start_matches('\t'));
            let theirs: Vec<String> =
                lines.filter_map(|line| line.strip_prefix(&start)).map(Into::into).collect();
            let Some(mut ours) = shown(&spec, directive) else { continue };
            if directive == "Environment" {
                // systemd prints only the last value of a variable.
                let last = |at: usize| !ours[at + 1..].iter().any(|one| one[..2] == ours[at][..2]);
                ours = (0..ours.len()).filter(|&at| last(at)).map(|at| ours[at].clone()).collect();
            }
            let (mut ours, mut theirs) = (ours, theirs);
            ours.sort();
            theirs.sort();
            if directive != "EnvironmentFile" {
                ours.dedup();
                theirs.dedup();
            }
            settings += ours.len();
            if unmapped.iter().any(|directive| directive == "User") && theirs == ["no such"] {
                continue;
            }
            assert_eq!(ours, theirs, "{directive} of {service}\n{reported}");
        }
    }
    assert!(settings > 500, "{settings}");
}
