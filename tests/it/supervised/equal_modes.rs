//! One spec, three starts with the same state of the program: as a daemon and below a supervisor, both from the most
//! hostile starter, and as a generated unit under a real systemd.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Unit;
use crate::harness::{Dir, Exit, Svc, Systemd, wait_until};

/// Facts that may differ, and the reasons.
const MODE_ITSELF: [(&str, &str); 6] = [
    ("/pid", "every start is another process"),
    ("/ppid", "a daemon's parent is its launcher, then process 1; a supervised program's is its supervisor"),
    (
        "/pgrp",
        "a daemon has left the launcher's process group; a supervised program stays in its supervisor's",
    ),
    ("/sid", "a daemon leads no session, so that it gets no terminal; systemd makes each service a leader"),
    ("/start_time", "they were started one after another"),
    ("/argv", "the file of the report has another name each time"),
];

/// Variables that systemd sets for its programs (systemd.exec(5)).
const OF_SYSTEMD: [&str; 3] = ["INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"];

/// The variable that svcadapt sets for its program: the service's process.
const OF_OURS: &str = "/env/SVCADAPT_PROCESS";

/// What systemd does by itself, which is no fault of the unit; `is_the_hosts` has the limits.
const OF_THE_HOST: [(&str, &str); 4] = [
    ("/env/LANG", "systemd hands its own locale down; a daemon's launcher has none that could be trusted"),
    ("/fds/0/access", "/dev/null, which systemd opens for reading alone, and a daemon for both"),
    (
        "/signals/ignored",
        "the test starts systemd by posix_spawn(3), which leaves the C library's own two (32, 33) ignored; systemd hands that down",
    ),
    ("/env/SHELL", "systemd hands down no shell that forbids a login"),
];

/// Whether two reports may differ here because one is from systemd.
fn is_the_hosts(difference: &str) -> bool {
    let known = OF_THE_HOST.iter().any(|(place, _)| difference.starts_with(&format!("{place}: ")));
    let exactly = match difference.split_once(": ").unwrap() {
        // With DynamicUser= systemd catches signal 33.
        ("/signals/ignored", values) => ["[] / [32,33]", "[] / [32]"].contains(&values),
        ("/fds/0/access", values) => values == "\"rdwr\" / \"read\"",
        ("/env/SHELL", values) => {
            values.ends_with("/nologin\" / nothing") || values.ends_with("/false\" / nothing")
        }
        (_, values) => values.starts_with("nothing / "),
    };
    known && exactly
}

/// Every leaf of a report by its path, as in `/limits/Max open files/soft`.
fn leaves(value: &Value, place: &str, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| leaves(member, &format!("{place}/{name}"), into));
        }
        other => {
            into.insert(place.to_owned(), other.to_string());
        }
    }
}

/// The report of the program, without the facts of the mode itself.
fn seen(dir: &Dir, name: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let report = wait_until("the program reports", || dir.join(name).exists().then(|| dir.report(name)));
    leaves(&report, "", &mut all);
    all.retain(|place, _| {
        !MODE_ITSELF.iter().any(|(known, _)| place == known)
            && place != OF_OURS
            && !OF_SYSTEMD.iter().any(|variable| *place == format!("/env/{variable}"))
    });
    all
}

/// The differences, one per line.
fn differences(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    let places: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let show = |value: Option<&String>| value.map_or("nothing", String::as_str).to_owned();
    places
        .into_iter()
        // The lock of a daemon, by which it is found.
        .filter(|place| !place.starts_with("/fds/32/"))
        .filter(|place| one.get(*place) != other.get(*place))
        .map(|place| format!("{place}: {} / {}", show(one.get(place)), show(other.get(place))))
        .collect()
}

/// The reports of a daemon, below a supervisor, and in a unit.
fn three(systemd: &'static Systemd, name: &str, options: &[&str]) -> [BTreeMap<String, String>; 3] {
    let user = options.iter().skip_while(|word| **word != "--user").nth(1);
    let dir = Dir::new().owned_by(user.unwrap_or(&"root"));
    let inspect = dir.program("inspect").display().to_string();
    let path = dir.path().display().to_string();
    let options: Vec<String> = options.iter().map(|word| word.replace("[DIR]", &path)).collect();
    let program = |report: &str| {
        vec![
            "--".to_owned(),
            inspect.clone(),
            "--out".to_owned(),
            format!("{path}/{report}"),
            "--exit".to_owned(),
            "0".to_owned(),
        ]
    };
    for mode in ["classic", "supervised"] {
        let output = Svc::new(&dir)
            .args(["run", "--mode", mode])
            .args(&options)
            .args(program(mode))
            .via_hostile(&[])
            .output();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{mode}");
    }
    let unit = Unit::generate(systemd, &dir, name, [options.clone(), program("unit")].concat());
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    ["classic", "supervised", "unit"].map(|report| seen(&dir, report))
}

/// Unset streams are the host's, so these specs set them.
const STREAMS: [&str; 6] = [
    "--standard-input",
    "null",
    "--standard-output",
    "append:[DIR]/log",
    "--standard-error",
    "append:[DIR]/log",
];

#[test]
fn full_spec_has_equal_effect_in_all_three_modes() {
    let Some(systemd) = Systemd::shared() else { return };
    let options = [
        &STREAMS[..],
        &["--user", "nobody", "--umask", "0027", "--working-directory", "/usr", "--nice", "3"],
        &["--oom-score-adjust", "100", "--environment", "A=b c", "--limit-nofile", "100:200"],
        &[
            "--limit-core",
            "0:0",
            "--limit-memlock",
            "64K",
            "--limit-nproc",
            "500",
            "--limit-sigpending",
            "100",
        ],
        &["--no-new-privileges", "--capability-bounding-set", "CAP_CHOWN CAP_SETUID CAP_SETGID CAP_KILL"],
        &["--ambient-capabilities", "CAP_CHOWN", "--supplementary-groups", "adm"],
    ]
    .concat();
    let [classic, supervised, unit] = three(systemd, "parity-all", &options);
    assert_eq!(differences(&classic, &supervised), [""; 0], "classic / supervised");
    assert_eq!(of_a_unit(&classic, &unit, &NOBODYS), [""; 0], "classic / unit");
}

/// The differences between a daemon and a unit, beyond the known ones and these variables.
fn of_a_unit(
    classic: &BTreeMap<String, String>,
    unit: &BTreeMap<String, String>,
    variables: &[&str],
) -> Vec<String> {
    let allowed = |line: &str| {
        variables
            .iter()
            .any(|name| line.starts_with(&format!("/env/{name}: ")) && line.ends_with(" / nothing"))
    };
    let mut all = differences(classic, unit);
    all.retain(|line| !is_the_hosts(line) && !allowed(line));
    all
}

/// systemd has a built-in entry for `nobody`, without a home (systemd.exec(5), "User=").
const NOBODYS: [&str; 1] = ["HOME"];

#[test]
fn empty_spec_has_equal_effect_in_all_three_modes() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, options, variables) in [
        ("parity-root", &[][..], &[][..]),
        ("parity-nobody", &["--user", "nobody"], &NOBODYS),
        // A user whose home systemd takes from the account database.
        ("parity-daemon", &["--user", "daemon"], &[]),
        ("parity-named", &["--user", "root"], &[]),
    ] {
        let [classic, supervised, unit] = three(systemd, name, &[&STREAMS[..], options].concat());
        assert_eq!(differences(&classic, &supervised), [""; 0], "{name}: classic / supervised");
        assert_eq!(of_a_unit(&classic, &unit, variables), [""; 0], "{name}: classic / unit");
    }
}
