//! A generated unit under a real systemd: it becomes active when the service is ready and not before, its main process
//! is the program, and its exit is the program's.

use serde_json::json;

use super::support::{Gate, NO_PROCESSES, Unit, adapters, children, wait_no_adapter};
use crate::harness::{Dir, Exit, Systemd, free_port, wait_until};

/// A probe, the words for the program, and its descriptors besides the streams.
struct Way {
    name: &'static str,
    probe: String,
    deed: Vec<String>,
    descriptors: &'static [&'static str],
}

fn ways(dir: &Dir) -> [Way; 5] {
    let path = |name: &str| dir.join(name).display().to_string();
    let (port, socket, mark) = (free_port(), path("socket"), path("report"));
    let way = |name, probe, deed: &[&str], descriptors| Way {
        name,
        probe,
        deed: deed.iter().map(|word| (*word).to_owned()).collect(),
        descriptors,
    };
    [
        way("tcp", format!("tcp:127.0.0.1:{port}"), &["--listen", &format!("tcp:{port}")], &[]),
        way("unix", format!("unix:{socket}"), &["--listen", &format!("unix:{socket}")], &[]),
        way("file", format!("file:{mark}"), &[], &[]),
        way("fd", "fd:5".to_owned(), &["--ready", "fd:5"], &["5"]),
        way("exec", format!("exec:test -e '{mark}'"), &[], &[]),
    ]
}

#[test]
fn unit_with_a_probe_is_active_at_readiness() {
    let Some(systemd) = Systemd::shared() else { return };
    for index in 0..5 {
        let dir = Dir::new().owned_by("nobody");
        let way = ways(&dir).into_iter().nth(index).unwrap();
        let gate = Gate::inspect(&dir);
        let report = dir.join("report").display().to_string();
        let program = gate.program.display().to_string();
        let tricky = "--stdout=100% $HOME \"x\"";
        let mut words = vec!["--user", "nobody", "--ready", &way.probe, "--", &program, "--out", &report];
        words.extend(["--stdout", tricky]);
        words.extend(way.deed.iter().map(String::as_str));
        words.push("--stay");
        let unit = Unit::generate(systemd, &dir, &format!("ready-{}", way.name), &words);
        assert!(unit.text.contains("Type=notify\n"), "{}", unit.text);

        unit.begin();
        gate.wait_started();
        assert_eq!(unit.state(&["ActiveState", "SubState"]), "activating start", "{}", way.name);
        let main = unit.main();
        // The helper is its only other process, and the program has no unknown child.
        wait_until("the helper is alone", || (adapters(&dir).len() == 1).then_some(()));
        assert_eq!(children(main.pid()), NO_PROCESSES);
        assert_eq!(unit.show("ActiveState"), "activating", "{}", way.name);

        gate.open();
        unit.wait_active();
        wait_no_adapter(&dir);
        assert_eq!(unit.main().pid(), main.pid());
        assert_eq!(children(main.pid()), NO_PROCESSES);
        let seen = dir.report("report");
        assert_eq!(seen["pid"].to_string(), unit.show("MainPID"));
        assert_eq!(seen["ppid"], 1);
        assert_eq!(seen["uid"]["saved"], 65_534);
        let mut argv = vec![dir.join("inspect").display().to_string()];
        argv.extend(words.iter().skip_while(|word| **word != "--out").map(|word| (*word).to_owned()));
        assert_eq!(seen["argv"], json!(argv));
        let mut descriptors = vec!["0", "1", "2"];
        descriptors.extend(way.descriptors);
        assert_eq!(seen["fds"].as_object().unwrap().keys().collect::<Vec<_>>(), descriptors, "{}", way.name);

        unit.ends_cleanly(&main, &dir);
    }
}

/// The unit does not name the manager, and before 248 systemd sets no variable either. The user nobody cannot even ask,
/// as there is no bus.
#[test]
fn unit_without_a_mode_is_ready_under_every_systemd() {
    for systemd in Systemd::of_versions(..) {
        let dir = Dir::new();
        let Some(svcadapt) = systemd.svcadapt(&dir) else { continue };
        for user in ["root", "nobody"] {
            let text = format!(
                "[Service]\nType=notify\nNotifyAccess=all\nUser={user}\nTimeoutStartSec=20\n\
                 ExecStart={} run --ready exec:/bin/true -- /bin/sleep 60\n",
                svcadapt.display()
            );
            let unit = Unit::write(systemd, &format!("no-mode-{user}"), &text);
            assert_eq!(unit.start().exit, Exit::Status(0), "{} {}", systemd.version(), unit.status());
            unit.stop();
        }
    }
}

#[test]
fn exit_before_readiness_fails_the_unit_with_its_status() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    let words = ["--ready", "file:/nonexistent/never", "--", &inspect, "--exit", "7"];
    let unit = Unit::generate(systemd, &dir, "death", words);
    assert_ne!(unit.start().exit, Exit::Status(0));
    assert_eq!(unit.state(&["ActiveState", "Result", "ExecMainStatus"]), "failed exit-code 7");
    wait_no_adapter(&dir);
}

#[test]
fn start_timeout_fails_the_unit_and_leaves_nothing() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let inspect = dir.program("inspect").display().to_string();
    let words =
        ["--ready", "file:/nonexistent/never", "--timeout-start-sec", "300ms", "--", &inspect, "--stay"];
    let unit = Unit::generate(systemd, &dir, "timeout", words);
    assert_ne!(unit.start().exit, Exit::Status(0));
    assert_eq!(unit.state(&["ActiveState", "Result"]), "failed timeout");
    drop(unit);
    dir.nothing_left();
}

#[test]
fn notifying_program_is_started_without_an_adapter() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    let (program, report) = (gate.program.display().to_string(), dir.join("report").display().to_string());
    let words = ["--ready", "notify", "--", &program, "--out", &report, "--ready", "notify", "--stay"];
    let unit = Unit::generate(systemd, &dir, "notify", words);
    assert!(!unit.text.contains("svcadapt run"), "{}", unit.text);
    unit.begin();
    gate.wait_started();
    assert_eq!(unit.show("ActiveState"), "activating");
    gate.open();
    unit.wait_active();
    assert_eq!(dir.report("report")["pid"].to_string(), unit.show("MainPID"));
    unit.stop();
    assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
}

#[test]
fn notifying_program_is_trusted_behind_the_adapter() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let gate = Gate::inspect(&dir);
    dir.program("svcadapt");
    let path = dir.path().display();
    let text = format!(
        "[Service]\nType=notify\nNotifyAccess=main\nExecStart={path}/svcadapt run --mode supervised \
         --umask 0027 --ready notify -- {path}/gated --out {path}/report --ready notify --stay\n"
    );
    let unit = Unit::write(systemd, "notify-behind", &text);
    unit.begin();
    gate.wait_started();
    assert_eq!(unit.show("ActiveState"), "activating");
    assert_eq!(adapters(&dir), NO_PROCESSES, "there is nothing to help with");
    gate.open();
    unit.wait_active();
    let seen = dir.report("report");
    assert_eq!((seen["pid"].to_string(), &seen["umask"]), (unit.show("MainPID"), &json!("0027")));
    unit.stop();
    assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
}

#[test]
fn plain_unit_starts_the_program_alone() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let (inspect, report) = (dir.program("inspect").display().to_string(), dir.join("report"));
    let report = report.display().to_string();
    let unit = Unit::generate(systemd, &dir, "plain", ["--", &inspect, "--out", &report, "--stay"]);
    assert!(unit.text.contains("Type=exec\n") && !unit.text.contains("svcadapt run"), "{}", unit.text);
    assert_eq!(unit.start().exit, Exit::Status(0));
    let seen = wait_until("it reports", || dir.join("report").exists().then(|| dir.report("report")));
    assert_eq!(seen["pid"].to_string(), unit.show("MainPID"));
    assert_eq!(seen["argv"], json!([inspect, "--out", report, "--stay"]));
    unit.stop();
    assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
}

#[test]
fn exit_status_behind_the_adapter_is_the_units() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new().owned_by("nobody");
    let (gate, report) = (Gate::inspect(&dir), dir.join("report").display().to_string());
    let program = gate.program.display().to_string();
    let words = [
        "--user",
        "nobody",
        "--pid-file",
        "/run/it-status.pid",
        "--",
        &program,
        "--out",
        &report,
        "--exit",
        "9",
    ];
    let unit = Unit::generate(systemd, &dir, "status", words);
    assert!(unit.text.contains("Type=exec\n"), "{}", unit.text);
    assert_eq!(unit.start().exit, Exit::Status(0));
    gate.wait_started();
    assert_eq!(unit.show("ActiveState"), "active");
    let pid_file = std::fs::read_to_string(systemd.path("/run/it-status.pid")).unwrap();
    assert_eq!(pid_file.trim_end(), unit.show("MainPID"));
    assert_eq!(adapters(&dir), NO_PROCESSES);
    gate.open();
    wait_until("it ends", || (unit.show("ActiveState") == "failed").then_some(()));
    assert_eq!(unit.state(&["Result", "ExecMainStatus"]), "exit-code 9");
    assert_eq!(dir.report("report")["uid"]["effective"], 65_534);
}

#[test]
fn failed_step_sets_the_unit_status_and_is_logged() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    dir.program("svcadapt");
    let path = dir.path().display();
    for (name, options, status) in [
        ("exec", "-- /nowhere/program", "203"),
        ("user", "--user nobody-at-all -- /bin/true", "217"),
        ("chdir", "--working-directory /nowhere -- /bin/true", "200"),
        ("output", "--standard-error append:/nowhere/log -- /bin/true", "222"),
    ] {
        let text = format!(
            "[Service]\nType=exec\nStandardError=append:{path}/said\nExecStart={path}/svcadapt run --mode supervised {options}\n"
        );
        let unit = Unit::write(systemd, &format!("step-{name}"), &text);
        let _ = unit.start();
        wait_until("it has failed", || (unit.show("ActiveState") == "failed").then_some(()));
        assert_eq!(unit.state(&["Result", "ExecMainStatus"]), format!("exit-code {status}"));
    }
    let stderr = dir.read("said");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("svcadapt: ")).count(), 4, "{stderr}");
}
