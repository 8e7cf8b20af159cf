//! Detection under real systemds and by their real answers: the machine's own, one without `SYSTEMD_EXEC_PID` (before
//! 248), and newer ones.

use std::path::Path;

use serde_json::Value;

use super::support::{decided, facts};
use crate::harness::{Dir, Systemd, wait_until};

/// The output of `detect` in a unit with these settings and this shell text, where `detect` is the command.
fn inside(
    systemd: &Systemd,
    dir: &Dir,
    svcadapt: &Path,
    name: &str,
    settings: &[&str],
    shell: &str,
) -> Value {
    let unit = format!("detect-{name}.service");
    let shell = shell.replace("detect", &format!("{} detect --json", svcadapt.display()));
    let out = dir.join(name);
    let text = format!("[Service]\nStandardOutput=file:{}\nExecStart=/bin/sh -c '{shell}'\n", out.display());
    systemd.write_unit(&unit, &(text + &settings.join("\n") + "\n"));
    systemd.systemctl(["start", "--no-block", &unit]);
    wait_until("the output is whole", || std::fs::read_to_string(&out).ok()?.parse().ok())
}

#[test]
fn systemd_is_detected_in_every_version() {
    let old = "unset SYSTEMD_EXEC_PID; exec detect";
    for systemd in Systemd::of_versions(..) {
        let dir = Dir::new();
        let Some(svcadapt) = systemd.svcadapt(&dir) else { continue };
        // From 248 on every process of a unit gets its pid; before, the manager has to be asked.
        let (reported, asked, silent, unanswered) = match systemd.version() {
            ..248 => ("manager's answer", "NOTIFY_SOCKET", "cgroup", ["supervised", "none"]),
            248.. => ("SYSTEMD_EXEC_PID", "SYSTEMD_EXEC_PID", "SYSTEMD_EXEC_PID", ["supervised", "systemd"]),
        };
        for (name, settings, shell, expected, fact) in [
            ("simple", &[][..], "exec detect", ["supervised", "systemd"], reported),
            ("notify", &["Type=notify"], "exec detect", ["supervised", "systemd"], reported),
            ("oneshot", &["Type=oneshot"], "exec detect", ["supervised", "systemd"], reported),
            ("forking", &["Type=forking"], "exec detect", ["classic", "systemd"], "manager's answer"),
            ("exec", &["Type=exec"], "exec detect", ["supervised", "systemd"], reported),
            // There is no bus here, and without it systemd answers only root; without an answer the process stays.
            ("nobody", &["Type=forking", "User=nobody"], "exec detect", unanswered, silent),
            (
                "nobody-asked",
                &["Type=notify", "User=nobody"],
                "exec detect",
                ["supervised", "systemd"],
                asked,
            ),
            ("child", &[], "detect; true", ["supervised", "systemd"], reported),
            ("notify-child", &["Type=notify"], "detect; true", ["supervised", "systemd"], reported),
            ("forking-child", &["Type=forking"], "detect; true", ["classic", "systemd"], "manager's answer"),
            ("old", &[], old, ["supervised", "systemd"], "manager's answer"),
            ("old-forking", &["Type=forking"], old, ["classic", "systemd"], "manager's answer"),
        ] {
            let value = inside(systemd, &dir, &svcadapt, name, settings, shell);
            let found = (facts(&value), decided(&value).0);
            assert_eq!(found, (expected, fact), "{} {name}: {value:#}", systemd.version());
        }
    }
}

#[test]
fn scope_unit_is_not_a_service() {
    // setsid(1) removes our terminal, where it is installed.
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let program = dir.program("svcadapt").display().to_string();
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
