//! Every rule, with a case that breaks it and one that does not.

mod cases;
mod job;
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A rule, a spec that breaks it and nothing else, and one like it that breaks nothing.
type Case = (&'static Rule, &'static str, &'static str);

fn inode(kind: Kind, mode: u32, uid: u32) -> Inode {
    Inode { kind, mode, uid, gid: uid }
}

/// A machine with two users, a web server and not much more.
fn machine() -> Facts {
    let mut facts = Facts {
        users: BTreeMap::from([
            ("root".to_owned(), Account { uid: 0, groups: vec![0] }),
            ("www".to_owned(), Account { uid: 33, groups: vec![33] }),
        ]),
        groups: BTreeMap::from([("root".to_owned(), 0), ("www".to_owned(), 33)]),
        ..Facts::default()
    };
    for (path, kind, mode, uid) in [
        ("/", Kind::Directory, 0o755, 0),
        ("/bin/sh", Kind::File, 0o755, 0),
        ("/bin/web", Kind::File, 0o755, 0),
        ("/bin/notes", Kind::File, 0o644, 0),
        ("/bin/script", Kind::File, 0o755, 0),
        ("/bin/test", Kind::File, 0o755, 0),
        ("/bin/kill", Kind::File, 0o755, 0),
        ("/bin/nohup", Kind::File, 0o755, 0),
        ("/bin/sudo", Kind::File, 0o755, 0),
        ("/tmp/web", Kind::File, 0o755, 0),
        ("/usr/bin/node", Kind::File, 0o755, 0),
        ("/home/www/web", Kind::File, 0o755, 33),
        ("/home/www", Kind::Directory, 0o755, 33),
        ("/run", Kind::Directory, 0o755, 0),
        ("/run/web", Kind::Directory, 0o755, 33),
        ("/srv", Kind::Directory, 0o755, 0),
        ("/tmp", Kind::Directory, 0o1777, 0),
        ("/etc/web.env", Kind::File, 0o644, 0),
        ("/var", Kind::Directory, 0o755, 0),
        ("/var/log", Kind::Directory, 0o755, 0),
        ("/var/log/web", Kind::Directory, 0o755, 33),
        ("/var/log/closed", Kind::Directory, 0o700, 0),
        ("/var/log/web/root.log", Kind::File, 0o644, 0),
        ("/etc/systemd/system/other.socket", Kind::File, 0o644, 0),
        ("/etc/systemd/system/web.service", Kind::File, 0o644, 0),
    ] {
        facts.inodes.insert(path.into(), inode(kind, mode, uid));
    }
    facts.contents.insert("/bin/script".into(), b"#!/usr/bin/env node\n".to_vec());
    facts
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule.code).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Numbers below a limit, the same ones every time (xorshift).
fn chance() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |limit| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// What is not as it should be with a case.
fn broken(case: &Case, found: &impl Fn(&str) -> Vec<Finding>) -> Vec<String> {
    let (rule, bad, good) = case;
    let told = |text: &str, expected: &[&str]| {
        let findings = found(text);
        let all: Vec<_> = findings.iter().map(|one| format!("{} {}", one.rule.code, one.message)).collect();
        (codes(&findings) != expected).then(|| format!("{expected:?} of {text:?}: {all:#?}"))
    };
    told(bad, &[rule.code]).into_iter().chain(told(good, &[])).collect()
}

/// Fails with all that was found, for a person to read.
fn assert_codes(findings: &[Finding], expected: &[&str], text: &str) {
    let told: Vec<_> = findings.iter().map(|one| format!("{} {}", one.rule.code, one.message)).collect();
    assert_eq!(codes(findings), expected, "\n{text}\n{told:#?}");
}

#[test]
fn no_rule_is_without_a_case() {
    let covered: BTreeSet<_> =
        cases::UNITS.iter().chain(job::CASES).chain([&json_case()]).map(|(rule, ..)| rule.code).collect();
    let all: BTreeSet<_> = rules::all().map(|rule| rule.code).collect();
    assert_eq!(covered, all);
}

fn json_case() -> Case {
    (
        &rules::file::SPEC,
        r#"{"command": ["/bin/web"], "umask": "999"}"#,
        r#"{"command": ["/bin/web"], "umask": "027"}"#,
    )
}

#[test]
fn json_has_to_be_a_spec() {
    let (rule, bad, good) = json_case();
    let path = std::path::Path::new("/x.json");
    assert_codes(&json(bad.as_bytes(), path), &[rule.code], bad);
    assert_codes(&json(good.as_bytes(), path), &[], good);
    let partial = json(b"{}", path);
    assert_eq!((partial.len(), partial[0].severity), (1, Severity::Note), "the program may be said after --");
    assert_codes(&json("[".repeat(100_000).as_bytes(), path), &[rule.code], "a deep one");
}
