//! When a job is restarted: the conditions of `KeepAlive` for every kind of exit, and the throttle.

use std::fs;
use std::time::Duration;

use super::support::{RUN_AT_LOAD, arguments, shell};
use crate::harness::{Dir, Exit, Launchd, Svc, wait_until};

/// Ten seconds of the throttle take a fifth of a second.
const SECOND: Duration = Duration::from_millis(20);

/// The kinds of exit, and the shell text for each.
const ENDS: [(&str, &str); 5] = [
    ("exit 0", "exit 0"),
    ("exit 1", "exit 1"),
    ("SIGTERM", "kill -TERM $$"),
    ("SIGSEGV", "ulimit -c 0; kill -SEGV $$"),
    ("SIGKILL", "kill -KILL $$"),
];

/// The exits after which a job with these keys (besides its label and its command) is restarted; `None` after skipping
/// the test. Every restart is observed.
fn keep_alive(plist_fragment: &str) -> Option<Vec<&'static str>> {
    keep_alive_of(|launchd, label, command| {
        let path = launchd.write(label, &(arguments(command) + plist_fragment));
        fs::read_to_string(path).unwrap()
    })
}

/// The same for the output of `gen-plist` with these words.
fn keep_alive_generated(words: &[&str]) -> Option<Vec<&'static str>> {
    let dir = Dir::new();
    keep_alive_of(|_, label, command| {
        let output = Svc::new(&dir)
            .args(["gen-plist", "--label", label])
            .args(words)
            .args(["--"])
            .args(command)
            .output();
        assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
        output.stdout
    })
}

/// The same, where the caller writes the whole property list for a label and a command.
fn keep_alive_of(plist: impl Fn(&Launchd, &str, &[&str]) -> String) -> Option<Vec<&'static str>> {
    let dir = Dir::new();
    let launchd = Launchd::start(&dir, SECOND)?;
    let labels: Vec<String> = (0..ENDS.len()).map(|number| format!("end{number}")).collect();
    for (label, (_, script)) in labels.iter().zip(ENDS) {
        let path = dir.write(&format!("{label}.plist"), &plist(&launchd, label, &["/bin/sh", "-c", script]));
        launchd.must(&format!("bootstrap {}", path.display()));
    }
    let kept = labels.iter().zip(ENDS).filter(|(label, (end, _))| {
        launchd.wait(label, "exited");
        // One of these two events follows the exit.
        let next = wait_until("it is decided", || {
            launchd
                .events(label)
                .into_iter()
                .find(|event| event["event"] == "kept" || event["event"] == "idle")
        });
        if next["event"] == "kept" {
            launchd.wait_nth(label, "spawned", 2);
            return true;
        }
        assert_eq!(launchd.must(&format!("print {label}")).lines().nth(2), Some("runs = 1"), "{end}");
        false
    });
    Some(kept.map(|(_, (end, _))| end).collect())
}

#[test]
fn keep_alive_conditions_apply_to_every_kind_of_exit() {
    let dictionary = |entries: &str| format!("<key>KeepAlive</key><dict>{entries}</dict>");
    let on = |key: &str, value: &str| dictionary(&format!("<key>{key}</key><{value}/>"));
    for (keys, expected) in [
        ("<key>KeepAlive</key><true/>".to_owned(), "exit 0, exit 1, SIGTERM, SIGSEGV, SIGKILL"),
        (format!("{RUN_AT_LOAD}<key>KeepAlive</key><false/>"), ""),
        (RUN_AT_LOAD.to_owned(), ""),
        (on("SuccessfulExit", "true"), "exit 0"),
        (on("SuccessfulExit", "false"), "exit 1, SIGTERM, SIGSEGV, SIGKILL"),
        (on("Crashed", "true"), "SIGSEGV"),
        (on("Crashed", "false"), "exit 0, exit 1, SIGTERM, SIGKILL"),
        // One true condition is enough.
        (dictionary("<key>SuccessfulExit</key><true/><key>Crashed</key><true/>"), "exit 0, SIGSEGV"),
        (dictionary(""), ""),
        // Not a condition of launchd.plist(5).
        (dictionary("<key>NetworkState</key><true/>"), ""),
    ] {
        let Some(kept) = keep_alive(&keys) else { return };
        assert_eq!(kept.join(", "), expected, "{keys}");
    }
}

/// The nearest that launchd has to each policy of systemd.service(5): it never counts a fatal signal as success, not
/// even SIGTERM, nor SIGKILL as a crash.
#[test]
fn restart_policy_becomes_the_nearest_keep_alive() {
    for (words, expected) in [
        (&[][..], ""),
        (&["--restart=no"], ""),
        (&["--restart=always"], "exit 0, exit 1, SIGTERM, SIGSEGV, SIGKILL"),
        (&["--restart=on-failure", "--restart-sec=3"], "exit 1, SIGTERM, SIGSEGV, SIGKILL"),
        (&["--restart=on-success"], "exit 0"),
        (&["--restart=on-abnormal"], "SIGSEGV"),
        (&["--restart=on-abort"], "SIGSEGV"),
    ] {
        let Some(kept) = keep_alive_generated(words) else { return };
        assert_eq!(kept.join(", "), expected, "{words:?}");
    }
}

#[test]
fn path_state_starts_and_keeps_a_job() {
    let dir = Dir::new();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let flag = dir.join("flag");
    let keys = format!(
        "<key>KeepAlive</key><dict><key>PathState</key><dict><key>{}</key><true/></dict></dict>",
        flag.display()
    );
    launchd.load("x", &(arguments(&["/bin/true"]) + &keys));
    // Once at load, because KeepAlive implies RunAtLoad.
    launchd.wait("x", "idle");
    assert_eq!(launchd.story("x"), "loaded spawned exited(0) idle");
    fs::write(&flag, "").unwrap();
    launchd.wait_nth("x", "spawned", 3);
    fs::remove_file(&flag).unwrap();
    launchd.wait_nth("x", "idle", 2);
    assert!(launchd.story("x").contains("idle throttled spawned exited(0) kept throttled spawned"));
}

#[test]
fn throttle_interval_counts_from_start_to_start() {
    let dir = Dir::new();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let spawned = |label: &str, number| {
        Duration::from_micros(launchd.wait_nth(label, "spawned", number)["time"].as_u64().unwrap())
    };
    for (label, keys, seconds) in
        [("three", "<key>ThrottleInterval</key><integer>3</integer>", 3), ("default", "", 10)]
    {
        launchd.load(label, &(shell("exit 0") + "<key>KeepAlive</key><true/>" + keys));
        let apart = spawned(label, 2).saturating_sub(spawned(label, 1));
        assert!(apart >= SECOND * seconds && apart < SECOND * seconds + Duration::from_secs(2), "{apart:?}");
        launchd.must(&format!("bootout {label}"));
    }
    // It has run longer than the interval, so it is not throttled.
    let long = "<key>KeepAlive</key><true/><key>ThrottleInterval</key><integer>1</integer>";
    launchd.load("long", &(shell("sleep 0.1") + long));
    launchd.wait_nth("long", "spawned", 2);
    assert!(!launchd.story("long").contains("throttled"), "{}", launchd.story("long"));
}
