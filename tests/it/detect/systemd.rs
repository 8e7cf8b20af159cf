//! Under a real systemd, with the real question to it.

use serde_json::Value;

use super::started::PROGRAM;
use super::started::decided;
use super::started::facts;
use crate::harness::Dir;
use crate::harness::Systemd;
use crate::harness::wait_until;

/// What `detect` prints when a unit with these settings runs this shell text, in which `detect` stands for the command.
fn inside(systemd: &Systemd, name: &str, settings: &[&str], shell: &str) -> Value {
    let dir = Dir::new();
    let unit = format!("detect-{name}.service");
    let shell = shell.replace("detect", &format!("{} detect --json", program(&dir)));
    let out = dir.join("out");
    let text = format!("[Service]\nStandardOutput=file:{}\nExecStart=/bin/sh -c '{shell}'\n", out.display());
    systemd.write_unit(&unit, &(text + &settings.join("\n") + "\n"));
    systemd.systemctl(["start", "--no-block", &unit]);
    wait_until("the output is whole", || std::fs::read_to_string(&out).ok()?.parse().ok())
}

/// The binary, where systemd's root shows it.
fn program(dir: &Dir) -> String {
    let program = dir.join("svcadapt");
    std::fs::copy(PROGRAM, &program).unwrap();
    program.display().to_string()
}

#[test]
fn systemd_is_recognised_and_answers() {
    let Some(systemd) = Systemd::shared() else { return };
    let old = "unset SYSTEMD_EXEC_PID; exec detect";
    for (name, settings, shell, expected, fact) in [
        ("simple", &[][..], "exec detect", ["supervised", "systemd"], "SYSTEMD_EXEC_PID"),
        ("notify", &["Type=notify"], "exec detect", ["supervised", "systemd"], "SYSTEMD_EXEC_PID"),
        ("oneshot", &["Type=oneshot"], "exec detect", ["supervised", "systemd"], "SYSTEMD_EXEC_PID"),
        ("forking", &["Type=forking"], "exec detect", ["classic", "systemd"], "manager's answer"),
        (
            // There is no bus here, and without one systemd answers root only.
            "nobody",
            &["Type=forking", "User=nobody"],
            "exec detect",
            ["supervised", "systemd"],
            "SYSTEMD_EXEC_PID",
        ),
        ("child", &[], "detect; true", ["supervised", "none"], "cgroup"),
        ("notify-child", &["Type=notify"], "detect; true", ["supervised", "none"], "cgroup"),
        ("forking-child", &["Type=forking"], "detect; true", ["classic", "systemd"], "manager's answer"),
        ("old", &[], old, ["supervised", "systemd"], "manager's answer"),
        ("old-forking", &["Type=forking"], old, ["classic", "systemd"], "manager's answer"),
    ] {
        let value = inside(systemd, name, settings, shell);
        assert_eq!((facts(&value), decided(&value).0), (expected, fact), "{name}: {value:#}");
    }
}

#[test]
fn a_scope_is_no_service() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let program = program(&dir);
    let words = [
        "setsid",
        "-w",
        "systemd-run",
        "--quiet",
        "--scope",
        "--unit",
        "detect-scope",
        &program,
        "detect",
        "--json",
    ];
    let value: Value = systemd.run(words).stdout.parse().unwrap();
    assert_eq!(facts(&value), ["classic", "none"], "{value:#}");
}
