//! Services of which only their manager knows, and a manager that does not answer.

use std::process;

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
