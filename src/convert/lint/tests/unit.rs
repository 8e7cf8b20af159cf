//! The cases of units, on the machine of `machine`.

use std::ffi::OsStr;
use std::path::Path;

use svcadapt_spec::{Origin, Scope};

use super::cases::UNITS;
use super::{assert_codes, errors, inode, machine, random};
use crate::directive::Version;
use crate::divide::Systemd;
use crate::lint::{
    FileKind, Finding, Lookup, Machine, MachineData, ServiceFiles, UnitSource, socket_unit, unit,
};
use crate::unit::UnitName;

const PATH: &str = "/etc/systemd/system/web.service";

/// The lines before those of a case without sections.
const SERVICE: &str = "[Service]\nExecStart=/bin/web\n";

/// The findings in a case. Lines that start with `#!` set up the machine, the host and further files.
fn found(case: &str) -> Vec<Finding> {
    let (pragmas, lines): (Vec<&str>, Vec<&str>) = case.split('\n').partition(|line| line.starts_with("#!"));
    let lines = lines.join("\n");
    let text = if lines.starts_with('[') || case.is_empty() { lines } else { format!("{SERVICE}{lines}\n") };
    let mut machine = machine();
    let mut host = Systemd::default();
    let (mut socket, mut drop_in, mut alone) = (None, None, None);
    for pragma in pragmas {
        let (word, rest) = pragma[2..].split_once(' ').unwrap_or((&pragma[2..], ""));
        let rest = rest.replace("\\n", "\n");
        match word {
            "user" => host.scope = Scope::User,
            "version" => host.version = Version::parse(OsStr::new(&rest)).unwrap(),
            "mode" => {
                let mode = u32::from_str_radix(&rest, 8).unwrap();
                machine.inodes.insert(PATH.into(), inode(FileKind::File, mode, 0));
            }
            "file" => {
                machine.contents.insert("/etc/web.env".into(), rest.into_bytes());
            }
            "socket" => socket = Some(source("/etc/systemd/system/web.socket", &rest)),
            "conf" => drop_in = Some(source("/etc/systemd/system/web.service.d/a.conf", &rest)),
            "alone" => alone = Some(rest),
            other => panic!("unknown pragma {other}"),
        }
    }
    if let Some(name) = alone {
        return socket_unit(&source(&name, &text), host, &machine);
    }
    look(&machine, host, &text, drop_in.into_iter().collect(), socket)
}

fn look(
    machine: &dyn Machine,
    host: Systemd,
    text: &str,
    drop_ins: Vec<UnitSource>,
    socket: Option<UnitSource>,
) -> Vec<Finding> {
    let name = UnitName::parse("web.service").unwrap();
    let unit_file = match UnitSource::parse(Path::new(PATH), text.into()) {
        Ok(source) => source,
        Err(findings) => return findings,
    };
    unit(&ServiceFiles { name, unit: unit_file, drop_ins, socket, host }, machine)
}

fn source(path: &str, text: &str) -> UnitSource {
    UnitSource::parse(Path::new(path), text.into()).unwrap()
}

#[test]
fn unit_case_breaks_its_rule_and_no_other() {
    let wrong: Vec<_> = UNITS.iter().flat_map(|case| errors(case, &found)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn machine_that_knows_nothing_has_no_missing_files() {
    struct UnknownMachine;
    impl Machine for UnknownMachine {
        fn user(&self, _: &str) -> Lookup<crate::lint::MachineUser> {
            Lookup::Unknown
        }
        fn group(&self, _: &str) -> Lookup<u32> {
            Lookup::Unknown
        }
        fn inode(&self, _: &Path) -> Lookup<crate::lint::FileInfo> {
            Lookup::Unknown
        }
        fn content(&self, _: &Path) -> Option<Vec<u8>> {
            None
        }
        fn quarantined(&self, _: &Path) -> bool {
            false
        }
        fn has_launchd(&self) -> bool {
            false
        }
    }
    let text = "[Service]\nExecStart=/no/such\nUser=nobody-here\nEnvironmentFile=/no\nReadWritePaths=/no\n\
                WorkingDirectory=/no\nStandardInput=socket\n";
    assert_codes(&look(&UnknownMachine, Systemd::default(), text, Vec::new(), None), &[], text);
    let missing = ["SVC311", "SVC401", "SVC501", "SVC502", "SVC504", "SVC609"];
    assert_codes(&look(&MachineData::default(), Systemd::default(), text, Vec::new(), None), &missing, text);
}

#[test]
fn finding_has_place_of_its_word_or_of_the_joined_line() {
    let place = |case: &str| match &found(case)[0].origin {
        Origin::File { spot: Some(spot), .. } => (spot.line, spot.column),
        other => panic!("{other:?}"),
    };
    assert_eq!(place("[Service]\nExecStart=/bin/web a é $NO\n"), (2, 24));
    assert_eq!(place("[Service]\nExecStart=/bin/web a \\\n  $NO\n"), (2, 11));
    let long = format!("[Service]\nExecStart=/bin/web {} $NO\n", "x".repeat(200));
    assert_eq!(place(&long), (2, 11));
}

#[test]
fn misspelt_section_gets_hint_with_its_name() {
    for written in ["service", "Sevrice"] {
        let findings = found(&format!("[Service]\nExecStart=/bin/web\n[{written}]\nUser=www\n"));
        assert_eq!(findings[0].hint, "did you mean [Service]?");
    }
}

/// The cases with bytes changed, removed and inserted.
#[test]
fn mutated_unit_is_checked_without_panic() {
    let mut below = random();
    let pieces = ["%", "$", "${", "}", "\\", "\"", "'", ";", " ", "=", "\n", "é", "\\x41", "-", "#"];
    let (machine, mut checked) = (machine(), 0);
    for round in 0..1_500 {
        let (_, bad, good) = UNITS[round % UNITS.len()];
        let mut text = format!("{SERVICE}{bad}\n{good}\nEnvironment=é=ü TOKEN=é%é\n").into_bytes();
        for _ in 0..=below(6) {
            let at = below(text.len());
            match below(3) {
                0 => drop(text.splice(at..at, pieces[below(pieces.len())].bytes())),
                1 => drop(text.remove(at)),
                _ => drop(text.splice(at..at, "é$é".bytes().take(1 + below(5)))),
            }
        }
        if let Ok(source) = UnitSource::parse(Path::new(PATH), text) {
            checked += 1;
            let (name, socket) = (UnitName::parse("web@a.service").unwrap(), Some(source.clone()));
            let service =
                ServiceFiles { name, unit: source, drop_ins: Vec::new(), socket, host: Systemd::default() };
            for finding in unit(&service, &machine) {
                assert!(!finding.message.is_empty() && !finding.hint.is_empty());
            }
        }
    }
    assert!(checked > 500, "only {checked} were units");
}

#[test]
fn crlf_and_byte_order_mark_have_no_finding() {
    let text = "\u{feff}[Service]\r\nExecStart=/bin/web \\\r\n  a\r\nUser=www\r\n";
    assert_codes(&look(&machine(), Systemd::default(), text, Vec::new(), None), &[], text);
}

#[test]
fn secret_in_unit_is_never_printed() {
    let case = "Environment=DB_PASSWORD=hunter2 and more \\q\nEnvironment=\"API_TOKEN=hunter2 b\"";
    let all = format!("{:?}", found(case));
    assert!(all.contains("SVC106") && all.contains("SVC208"), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
    let case =
        "#!file export A_TOKEN=hunter2\\nB=\"hunter2\" # b\\n#C=hunter2 \\\nEnvironmentFile=/etc/web.env";
    let all = format!("{:?}", found(case));
    assert!(all.contains("SVC505") && all.contains("SVC506") && all.contains("SVC507"), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
    let case = "Environment=A_TOKEN=hunter2\\q";
    let all = format!("{:?}", found(case));
    assert!(all.contains("SVC106") && !all.contains("hunter2"), "{all}");
}

#[test]
fn finding_in_drop_in_names_the_drop_in() {
    let findings = found("#!conf [Service]\\nExecStart=/bin/sh\\n\n");
    assert_codes(&findings, &["SVC601"], "a second ExecStart=");
    let Origin::File { path, .. } = &findings[0].origin else { unreachable!() };
    assert_eq!(path, Path::new("/etc/systemd/system/web.service.d/a.conf"));
    assert_codes(&found("#!conf [Service]\\nExecStart=\\nExecStart=/bin/sh\\n\n"), &[], "after a reset");
}

#[test]
fn hostile_unit_has_bounded_time_and_findings() {
    for text in [
        "[Service]\nExecStrat=/bin/web\n".repeat(16_000),
        format!("[Service]\nExecStart=/bin/web {}\n", "$a ".repeat(300_000)),
        format!("[Service]\nExecStart=/bin/web {}\n", "%q".repeat(400_000)),
        format!("[Service]\nExecStart=/bin/web\nEnvironment={}\n", "x ".repeat(400_000)),
        format!("[Service]\nExecStart=/bin/web\n{}", "Environment=$a\n".repeat(16_000)),
        format!("[Service]\nExecStart=/bin/web \\\n{}", "#a \\\n".repeat(200_000)),
        format!("[Install]\nWantedBy={}\n", "x ".repeat(400_000)),
        "[A]\nb=c\n".repeat(16_000),
    ] {
        let begun = std::time::Instant::now();
        let findings = look(&machine(), Systemd::default(), &text, Vec::new(), None);
        assert!((1..=1000).contains(&findings.len()), "{} of {}", findings.len(), &text[..40]);
        assert!(begun.elapsed().as_secs() < 120, "{:?}: {}", begun.elapsed(), &text[..40]);
    }
}
