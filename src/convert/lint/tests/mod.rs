//! Every rule, with a spec that breaks it and one that does not.

mod cases;
mod job;
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A rule, a spec that breaks only this rule, and a similar one that breaks no rule.
type RuleCase = (&'static Rule, &'static str, &'static str);

fn inode(kind: FileKind, mode: u32, uid: u32) -> FileInfo {
    FileInfo { kind, mode, uid, gid: uid }
}

/// A machine with two users and a few files.
fn machine() -> MachineData {
    let mut machine = MachineData {
        users: BTreeMap::from([
            ("root".to_owned(), MachineUser { uid: 0, groups: vec![0] }),
            ("www".to_owned(), MachineUser { uid: 33, groups: vec![33] }),
        ]),
        groups: BTreeMap::from([("root".to_owned(), 0), ("www".to_owned(), 33)]),
        ..MachineData::default()
    };
    for (path, kind, mode, uid) in [
        ("/", FileKind::Directory, 0o755, 0),
        ("/bin/sh", FileKind::File, 0o755, 0),
        ("/bin/web", FileKind::File, 0o755, 0),
        ("/bin/notes", FileKind::File, 0o644, 0),
        ("/bin/script", FileKind::File, 0o755, 0),
        ("/bin/test", FileKind::File, 0o755, 0),
        ("/bin/kill", FileKind::File, 0o755, 0),
        ("/bin/nohup", FileKind::File, 0o755, 0),
        ("/bin/sudo", FileKind::File, 0o755, 0),
        ("/tmp/web", FileKind::File, 0o755, 0),
        ("/usr/bin/node", FileKind::File, 0o755, 0),
        ("/home/www/web", FileKind::File, 0o755, 33),
        ("/home/www", FileKind::Directory, 0o755, 33),
        ("/run", FileKind::Directory, 0o755, 0),
        ("/run/web", FileKind::Directory, 0o755, 33),
        ("/srv", FileKind::Directory, 0o755, 0),
        ("/tmp", FileKind::Directory, 0o1777, 0),
        ("/etc/web.env", FileKind::File, 0o644, 0),
        ("/var", FileKind::Directory, 0o755, 0),
        ("/var/log", FileKind::Directory, 0o755, 0),
        ("/var/log/web", FileKind::Directory, 0o755, 33),
        ("/var/log/closed", FileKind::Directory, 0o700, 0),
        ("/var/log/web/root.log", FileKind::File, 0o644, 0),
        ("/etc/systemd/system/other.socket", FileKind::File, 0o644, 0),
        ("/etc/systemd/system/web.service", FileKind::File, 0o644, 0),
    ] {
        machine.inodes.insert(path.into(), inode(kind, mode, uid));
    }
    machine.contents.insert("/bin/script".into(), b"#!/usr/bin/env node\n".to_vec());
    machine
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule.code).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Pseudo-random numbers below a limit, the same in every run (xorshift).
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |limit| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// The errors of a case.
fn errors(case: &RuleCase, found: &impl Fn(&str) -> Vec<Finding>) -> Vec<String> {
    let (rule, bad, good) = case;
    let check = |text: &str, expected: &[&str]| {
        let findings = found(text);
        let all: Vec<_> = findings.iter().map(|one| format!("{} {}", one.rule.code, one.message)).collect();
        (codes(&findings) != expected).then(|| format!("{expected:?} of {text:?}: {all:#?}"))
    };
    check(bad, &[rule.code]).into_iter().chain(check(good, &[])).collect()
}

/// Fails with all findings if the codes differ.
fn assert_codes(findings: &[Finding], expected: &[&str], text: &str) {
    let all: Vec<_> = findings.iter().map(|one| format!("{} {}", one.rule.code, one.message)).collect();
    assert_eq!(codes(findings), expected, "\n{text}\n{all:#?}");
}

#[test]
fn every_rule_has_a_case() {
    let covered: BTreeSet<_> =
        cases::UNITS.iter().chain(job::CASES).chain([&json_case()]).map(|(rule, ..)| rule.code).collect();
    let all: BTreeSet<_> = rules::all().map(|rule| rule.code).collect();
    assert_eq!(covered, all);
}

fn json_case() -> RuleCase {
    (
        &rules::file::SPEC,
        r#"{"command": ["/bin/web"], "umask": "999"}"#,
        r#"{"command": ["/bin/web"], "umask": "027"}"#,
    )
}

#[test]
fn json_that_is_not_a_spec_is_reported() {
    let (rule, bad, good) = json_case();
    let path = std::path::Path::new("/x.json");
    assert_codes(&json(bad.as_bytes(), path), &[rule.code], bad);
    assert_codes(&json(good.as_bytes(), path), &[], good);
    let partial = json(b"{}", path);
    assert_eq!((partial.len(), partial[0].severity), (1, Severity::Note), "the program may follow --");
    assert_codes(&json("[".repeat(100_000).as_bytes(), path), &[rule.code], "deeply nested");
}
