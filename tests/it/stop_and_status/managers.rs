//! Services of which only their manager knows, and a manager that does not answer.

use std::process;

use serde_json::Value;

use crate::harness::{Dir, Exit, Output, Systemd, wait_until};

/// What a command in a systemd has said and how it has ended.
fn told(output: Output) -> (Exit, String) {
    (output.exit, output.stdout + &output.stderr)
}

#[test]
fn signal_reaches_a_unit_that_svcadapt_has_not_started() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let name = format!("it-signal-{}", process::id());
    let (unit, got) = (format!("{name}.service"), dir.join("got"));
    let script =
        format!("trap 'echo usr1 >>{}' USR1; echo ready >>{0}; while :; do sleep 0.1; done", got.display());
    let file = dir.write("script", &script);
    systemd.write_unit(&unit, &format!("[Service]\nExecStart=/bin/sh {}\n", file.display()));
    let svcadapt = dir.program("svcadapt");
    let ask = |words: &[&str]| {
        let words = words.iter().copied().map(str::to_owned);
        told(systemd.run([svcadapt.display().to_string()].into_iter().chain(words)))
    };
    let stopped = format!("svcadapt: signal '{unit}': it does not run\n");
    assert_eq!(ask(&["signal", "-s", "USR1", &name]), (Exit::Status(7), stopped));
    systemd.must(&["start", &unit]);
    wait_until("the trap is set", || got.exists().then_some(()));
    assert_eq!(ask(&["signal", "-s", "USR1", &name]), (Exit::Status(0), String::new()));
    wait_until("the signal has arrived", || dir.read("got").contains("usr1").then_some(()));
    let reopen = ask(&["reopen", &name]);
    let why = format!("systemd, {unit} runs it, and svcadapt does not know its signal for that");
    assert!(reopen.0 == Exit::Status(1) && reopen.1.contains(&why), "{reopen:?}");
    assert_eq!(ask(&["signal", "-s", "TERM", &name]), (Exit::Status(0), String::new()));
    wait_until("it has ended", || (systemd.show(&unit, "ActiveState") != "active").then_some(()));
    assert_eq!(ask(&["start", "no-such-unit"]).0, Exit::Status(5));
}

#[test]
fn status_of_a_failed_unit_has_its_end_and_its_last_lines() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let name = format!("it-fails-{}", process::id());
    let unit = format!("{name}.service");
    systemd.write_unit(&unit, "[Service]\nExecStart=/bin/sh -c 'echo it is broken >&2; exit 3'\n");
    systemd.must(&["start", &unit]);
    wait_until("it has failed", || (systemd.show(&unit, "ActiveState") == "failed").then_some(()));
    let svcadapt = dir.program("svcadapt").display().to_string();
    let page = wait_until("the journal has its line", || {
        let output = systemd.run([&svcadapt, "status", &name]);
        output.stdout.contains("it is broken").then_some(output)
    });
    assert_eq!(page.exit, Exit::Status(1));
    let lines: Vec<&str> = page.stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("{name}: failed, exit-code, since ")), "{}", page.stdout);
    assert_eq!(lines[1..3], ["  last exit: exit status 3", &format!("  host: systemd, {unit}")]);
    assert!(lines[3..].iter().all(|line| line.starts_with("  | ")), "{}", page.stdout);
    let json: Value =
        serde_json::from_str(&systemd.run([&svcadapt, "status", "--json", &name]).stdout).unwrap();
    assert_eq!((&json["state"], &json["host"]["last_exit"]), (&"failed".into(), &"exit status 3".into()));
    assert!(json["last_lines"].to_string().contains("it is broken"), "{json}");
}

#[test]
fn status_of_a_unit_with_a_record_has_what_its_manager_counts() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let name = format!("it-counts-{}", process::id());
    let unit = format!("{name}.service");
    let svcadapt = dir.program("svcadapt").display().to_string();
    systemd.write_unit(&unit, &format!("[Service]\nRestart=always\nRestartSec=10ms\nExecStart={svcadapt} run --mode systemd --name {name} -- /bin/sleep 1000\n"));
    systemd.must(&["start", &unit]);
    systemd.must(&["kill", "--signal", "KILL", &unit]);
    wait_until("it runs again, and has its record", || {
        let text = systemd.run([&svcadapt, "status", &name]).stdout;
        let is_running = text.starts_with(&format!("{name}: running, process "));
        let has_all = ["\n  program: /bin/sleep\n", "\n  started again 1 times\n", "\n  host: systemd, "];
        (is_running && has_all.iter().all(|line| text.contains(line))).then_some(())
    });
    systemd.must(&["stop", &unit]);
}

#[test]
fn manager_that_does_not_answer_is_not_passed_over() {
    let Ok(systemd) = Systemd::boot() else { return };
    let dir = Dir::new();
    let svcadapt = dir.program("svcadapt").display().to_string();
    let text = format!(
        "[Service]\nExecStart={svcadapt} run --mode systemd --name silent -- /bin/sleep 1000\nRestart=always\n"
    );
    systemd.write_unit("silent.service", &text);
    systemd.must(&["start", "silent.service"]);
    let ask = |words: &[&str]| told(systemd.run([&[svcadapt.as_str()], words].concat()));
    wait_until("it runs", || (ask(&["status", "silent"]).0 == Exit::Status(0)).then_some(()));
    let pid = systemd.show("silent.service", "MainPID");
    systemd.run(["mv", "/usr/bin/systemctl", "/usr/bin/systemctl.away"]);
    // Its record proves that it runs; who would start it again is not known.
    let (exit, text) = ask(&["status", "silent"]);
    assert!(exit == Exit::Status(0) && text.contains("\n  host: unknown, systemctl show "), "{text}");
    for words in [
        &["stop", "silent"][..],
        &["restart", "silent"],
        &["start", "silent"],
        &["status", "other"],
        &["stop", "other"],
    ] {
        let (exit, text) = ask(words);
        assert!(
            exit == Exit::Status(4) && text.contains(": not installed\n  hint: "),
            "{words:?} {exit:?} {text}"
        );
    }
    systemd.run(["mv", "/usr/bin/systemctl.away", "/usr/bin/systemctl"]);
    assert_eq!(systemd.show("silent.service", "MainPID"), pid);
    assert_eq!(ask(&["stop", "silent"]).0, Exit::Status(0));
}
