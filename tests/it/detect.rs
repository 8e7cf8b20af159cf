//! Detection as a table: recorded facts of real hosts, and the expected result for each.

mod manager_query;
mod output;
mod real_processes;
mod real_systemds;
mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use svcadapt::detect::{
    Activation, Detection, Facts, Manager, Mode, ModeOption, Platform, detect, needs_answer,
};
use svcadapt_spec::Scope;

use crate::harness::SOURCES;

/// One file of `fixtures/facts`.
struct Fixture {
    name: String,
    value: Value,
    facts: Facts,
}

impl Fixture {
    fn expected(&self, what: &str) -> Option<&str> {
        self.value["expect"][what].as_str()
    }
}

fn fixtures() -> Vec<Fixture> {
    let directory = PathBuf::from(SOURCES).join("tests/fixtures/facts");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 40, "only {} fixtures are left", paths.len());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let value: Value = fs::read_to_string(&path).unwrap().parse().unwrap();
        let facts = Facts::from_json(&value["facts"]).unwrap_or_else(|error| panic!("{name}: {error}"));
        Fixture { name, value, facts }
    };
    paths.into_iter().map(read).collect()
}

fn fixture(name: &str) -> Facts {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap().facts
}

/// The name of the deciding fact.
fn decided(detection: &Detection) -> &'static str {
    let marked: Vec<_> = detection.evidence.iter().filter(|evidence| evidence.decided).collect();
    assert_eq!(marked.len(), 1, "{marked:?}");
    marked[0].fact
}

#[test]
fn recorded_hosts_are_all_detected() {
    for fixture in fixtures() {
        let detection = detect(&fixture.facts, ModeOption::Auto);
        let found = [
            ("mode", detection.mode.name()),
            ("manager", detection.manager.name()),
            ("scope", detection.scope.name()),
            ("decided", decided(&detection)),
        ];
        for (what, found) in found {
            assert_eq!(Some(found), fixture.expected(what), "{what} of {}", fixture.name);
        }
    }
}

#[test]
fn manager_is_asked_only_where_the_answer_matters() {
    for fixture in fixtures() {
        let unanswered = Facts { manager_answer: None, ..fixture.facts.clone() };
        let unit = needs_answer(&unanswered, ModeOption::Auto);
        let name = unit.as_ref().map(|unit| unit.name.as_str());
        assert_eq!(name, fixture.expected("asks"), "{}", fixture.name);
        let users = unanswered.cgroup.as_ref().is_some_and(|path| path.contains("/user@"));
        let scope = if users { Scope::User } else { Scope::System };
        assert!(unit.is_none_or(|unit| unit.scope == scope), "{}", fixture.name);
        assert_eq!(needs_answer(&unanswered, ModeOption::Classic), None, "{}", fixture.name);
        if fixture.facts.manager_answer.is_some() {
            assert_eq!(needs_answer(&fixture.facts, ModeOption::Auto), None, "{}: asked twice", fixture.name);
        }
    }
}

#[test]
fn requested_mode_avoids_the_query_for_a_units_own_process() {
    let facts = Facts { manager_answer: None, ..fixture("systemd-simple") };
    assert_eq!(needs_answer(&facts, ModeOption::Supervised), None);
    let old = Facts { manager_answer: None, ..fixture("systemd-old-simple") };
    assert_eq!(needs_answer(&old, ModeOption::Supervised).unwrap().name, "no-exec-pid.service");
}

#[test]
fn ambiguous_host_without_an_answer_is_supervised() {
    for fixture in fixtures().into_iter().filter(|fixture| fixture.expected("asks").is_some()) {
        let facts = Facts { manager_answer: None, ..fixture.facts };
        assert_eq!(detect(&facts, ModeOption::Auto).mode, Mode::Supervised, "{}", fixture.name);
    }
}

#[test]
fn requested_mode_wins_and_keeps_manager_and_scope() {
    for fixture in fixtures() {
        let auto = detect(&fixture.facts, ModeOption::Auto);
        for (asked, mode) in
            [(ModeOption::Classic, Mode::Classic), (ModeOption::Supervised, Mode::Supervised)]
        {
            let forced = detect(&fixture.facts, asked);
            assert_eq!((forced.mode, decided(&forced)), (mode, "mode option"), "{}", fixture.name);
            // A requested supervisor that set variables for this process is present, whatever its name.
            let manager = if forced.manager == Manager::Other { Manager::None } else { forced.manager };
            assert_eq!((manager, forced.scope), (auto.manager.clone(), auto.scope), "{}", fixture.name);
        }
    }
}

#[test]
fn manager_variables_are_trusted_only_if_a_supervisor_is_requested() {
    let believed = |name: &str, variables: &[(&str, &str)]| {
        let mut facts = fixture(name);
        facts.environment =
            variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let auto = detect(&facts, ModeOption::Auto).manager;
        assert_eq!(auto, Manager::None, "{name} {variables:?}");
        detect(&facts, ModeOption::Supervised).manager == Manager::Other
    };
    let own = fixture("terminal").pid.to_string();
    for yes in [
        &[("NOTIFY_SOCKET", "/n")][..],
        &[("WATCHDOG_USEC", "5")],
        &[("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", &own)],
        &[("LISTEN_FDS", "1"), ("LISTEN_PID", &own)],
    ] {
        assert!(believed("terminal", yes), "{yes:?}");
    }
    for no in [
        &[][..],
        &[("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "1")],
        &[("LISTEN_FDS", "1"), ("LISTEN_PID", "1")],
        // Variables that a terminal has inherited from a unit.
        &[("NOTIFY_SOCKET", "/n"), ("SYSTEMD_EXEC_PID", "1")],
    ] {
        assert!(!believed("terminal", no), "{no:?}");
    }
    // A supervisor that runs as a unit and has a notify socket of its own.
    assert!(believed("runit-python", &[("NOTIFY_SOCKET", "/n"), ("SYSTEMD_EXEC_PID", "1")]));
}

#[test]
fn requested_manager_is_the_manager() {
    for fixture in fixtures() {
        for (asked, manager) in [(ModeOption::Systemd, "systemd"), (ModeOption::Launchd, "launchd")] {
            let forced = detect(&fixture.facts, asked);
            let found = (forced.mode, forced.manager.name(), decided(&forced));
            assert_eq!(found, (Mode::Supervised, manager, "mode option"), "{}", fixture.name);
            let unanswered = Facts { manager_answer: None, ..fixture.facts.clone() };
            assert_eq!(needs_answer(&unanswered, asked), None, "{}", fixture.name);
        }
    }
}

#[test]
fn evidence_lists_every_fact_with_its_meaning() {
    let names = |facts: &Facts| -> Vec<&'static str> {
        let evidence = detect(facts, ModeOption::Auto).evidence;
        assert!(evidence.iter().all(|evidence| !evidence.meaning.is_empty()));
        evidence.iter().map(|evidence| evidence.fact).collect()
    };
    let first = names(&fixture("terminal"));
    for fixture in fixtures() {
        assert_eq!(names(&fixture.facts), first, "{}", fixture.name);
    }
}

#[test]
fn facts_round_trip_through_json() {
    for fixture in fixtures() {
        assert_eq!(fixture.facts.to_json(), fixture.value["facts"], "{}", fixture.name);
        assert_eq!(Facts::from_json(&fixture.facts.to_json()), Ok(fixture.facts), "{}", fixture.name);
    }
}

#[test]
fn facts_with_a_missing_or_wrong_field_are_refused_with_its_name() {
    let whole = fixture("systemd-simple").to_json();
    for field in whole.as_object().unwrap().keys() {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field);
        assert_eq!(Facts::from_json(&without).unwrap_err().field, field);
        let mut wrong = whole.clone();
        wrong[field.as_str()] = Value::from(f64::MAX);
        assert_eq!(Facts::from_json(&wrong).unwrap_err().field, field);
    }
}

/// The expected result of launchd's rules for a process.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Job(Option<&'static str>),
    Foreground,
    Nothing,
}

fn on_a_mac(ppid: i32, name: Option<&str>, activation: Activation, terminal: bool) -> Facts {
    let environment = name.map(|name| ("XPC_SERVICE_NAME".to_owned(), name.to_owned())).into_iter().collect();
    Facts {
        platform: Platform::MacOs,
        ppid,
        controlling_terminal: terminal,
        stdin_terminal: terminal,
        environment,
        parent: None,
        ancestors: Vec::new(),
        init: Some("launchd".to_owned()),
        cgroup: None,
        activation,
        ..fixture("terminal")
    }
}

#[test]
fn launchd_is_detected_by_its_answer_not_by_inherited_state() {
    use Expected::{Foreground, Job, Nothing};
    let label = Some("org.x.d");
    for (ppid, name, activation, terminal, expected) in [
        (1, label, Activation::NoSuchSocket, false, Job(label)),
        (1, label, Activation::AlreadyActivated, false, Job(label)),
        (1, label, Activation::Activated, false, Job(label)),
        (1, label, Activation::NotManaged, false, Foreground),
        (1, label, Activation::Unknown, false, Job(label)),
        (1, label, Activation::NotAsked, false, Job(label)),
        (700, label, Activation::Unknown, false, Nothing),
        (700, label, Activation::NotManaged, false, Foreground),
        (700, Some("0"), Activation::NotManaged, true, Nothing),
        (1, Some("0"), Activation::NotManaged, false, Nothing),
        (1, None, Activation::NotManaged, false, Nothing),
        (700, Some("application.com.apple.Terminal.1"), Activation::NotManaged, true, Nothing),
        (1, Some("application.com.x.App.1.2"), Activation::NoSuchSocket, false, Nothing),
        (1, Some(""), Activation::Unknown, false, Nothing),
        (1, label, Activation::Unknown, true, Nothing),
        (1, None, Activation::NoSuchSocket, false, Job(None)),
    ] {
        let facts = on_a_mac(ppid, name, activation, terminal);
        let detection = detect(&facts, ModeOption::Auto);
        let (mode, manager) = match expected {
            Job(label) => (Mode::Supervised, Manager::Launchd { label: label.map(str::to_owned) }),
            Foreground => (Mode::Supervised, Manager::None),
            Nothing => (Mode::Classic, Manager::None),
        };
        assert_eq!((detection.mode, detection.manager), (mode, manager), "{name:?} {activation:?} {ppid}");
        assert_eq!(needs_answer(&facts, ModeOption::Auto), None);
    }
}

#[test]
fn launchd_variable_is_ignored_off_macos() {
    for platform in [Platform::Linux, Platform::Other] {
        let facts = on_a_mac(1, Some("org.x.d"), Activation::NotAsked, false);
        let detection = detect(&Facts { platform, ..facts }, ModeOption::Auto);
        assert_eq!((detection.mode, detection.manager), (Mode::Classic, Manager::None));
    }
}

#[test]
fn systemd_variables_are_ignored_on_macos() {
    let facts = Facts { platform: Platform::MacOs, ..fixture("systemd-simple") };
    let detection = detect(&facts, ModeOption::Auto);
    assert_eq!((detection.mode, detection.manager), (Mode::Classic, Manager::None));
}

#[test]
fn guessed_mode_names_the_overriding_option() {
    for fixture in fixtures() {
        for (asked, guessed) in [
            (ModeOption::Auto, ["cgroup", "INVOCATION_ID"].contains(&fixture.expected("decided").unwrap())),
            (ModeOption::Supervised, false),
        ] {
            let evidence = detect(&fixture.facts, asked).evidence;
            let hints =
                evidence.iter().filter(|evidence| evidence.meaning.contains("--mode classic")).count();
            assert_eq!(hints, usize::from(guessed), "{}", fixture.name);
        }
    }
}

#[test]
fn evidence_without_an_answer_has_its_reason() {
    let detection = detect(&fixture("systemd-old-notify"), ModeOption::Auto);
    let decided = detection.evidence.iter().find(|evidence| evidence.decided).unwrap();
    let says = "a manager waits for readiness; every descendant inherits this; a session leader whose parent is \
                process 1 is taken for the process that it waits for";
    assert_eq!(decided.meaning, says);
}
