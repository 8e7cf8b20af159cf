//! Settings that the host has applied are recognised, reported, and not applied again.

use serde_json::Value;

use super::support::Unit;
use crate::harness::{Dir, Exit, Systemd, wait_until};

/// A unit with these settings that prints svcadapt's plan for these options: the actor of each step.
fn planned(systemd: &'static Systemd, name: &str, settings: &str, options: &str) -> Vec<(String, String)> {
    let dir = Dir::new();
    dir.program("svcadapt");
    let path = dir.path().display();
    let text = format!(
        "[Service]\nType=oneshot\nStandardOutput=file:{path}/plan\n{settings}\
         ExecStart={path}/svcadapt run --mode supervised --dry-run --json {options} -- /bin/true\n"
    );
    let unit = Unit::write(systemd, name, &text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    let plan: Value = dir.read("plan").parse().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                format!("{} {}", text(&step["step"]), text(&step["object"])).trim().to_owned(),
                text(&step["by"]),
            )
        })
        .collect()
}

/// The actor of the step with this prefix.
fn by<'a>(plan: &'a [(String, String)], step: &str) -> Option<&'a str> {
    plan.iter().find(|(name, _)| name.starts_with(step)).map(|(_, by)| by.as_str())
}

#[test]
fn settings_applied_by_systemd_are_not_applied_again() {
    let Some(systemd) = Systemd::shared() else { return };
    let options = "--user nobody --umask 027 --working-directory /usr --nice 3 --oom-score-adjust 7";
    let settings = "User=nobody\nUMask=0027\nWorkingDirectory=/usr\nNice=3\nOOMScoreAdjust=7\n";
    let steps = [
        "user 65534",
        "group 65534",
        "groups 65534",
        "umask 0027",
        "working directory /usr",
        "nice 3",
        "oom score 7",
    ];
    let plan = planned(systemd, "planned-host", settings, options);
    for step in steps {
        assert_eq!(by(&plan, step), Some("host"), "{step}: {plan:?}");
    }
    let plan = planned(systemd, "planned-own", "", options);
    for step in steps {
        assert_eq!(by(&plan, step), Some("adapter"), "{step}: {plan:?}");
    }
    // Settings that the spec does not set stay as systemd made them.
    let plan = planned(systemd, "planned-none", "UMask=0077\n", "");
    for step in ["umask", "working directory", "nice", "oom score", "soft limit", "limit"] {
        assert_eq!(by(&plan, step), None, "{step}: {plan:?}");
    }
}

#[test]
fn service_prepared_by_the_host_runs_as_specified() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, settings) in [("done-host", "User=nobody\nUMask=0027\n"), ("done-own", "")] {
        let dir = Dir::new().owned_by("nobody");
        dir.program("svcadapt");
        dir.program("inspect");
        let path = dir.path().display();
        let text = format!(
            "[Service]\nType=exec\n{settings}ExecStart={path}/svcadapt run --mode supervised --user nobody --umask 027 -- \
             {path}/inspect --out {path}/report --stay\n"
        );
        let unit = Unit::write(systemd, name, &text);
        assert_eq!(unit.start().exit, Exit::Status(0));
        let seen = wait_until("it reports", || dir.join("report").exists().then(|| dir.report("report")));
        assert_eq!((&seen["uid"]["saved"], &seen["gid"]["saved"]), (&65_534.into(), &65_534.into()));
        assert_eq!(seen["groups"], serde_json::json!([65_534]), "{name}");
        assert_eq!(seen["umask"], "0027");
        assert_eq!(seen["env"]["USER"], "nobody");
        unit.stop();
        assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success");
    }
}

#[test]
fn runtime_directory_is_created_once() {
    let Some(systemd) = Systemd::shared() else { return };
    for (name, settings, doer) in
        [("dir-host", "User=nobody\nRuntimeDirectory=it-dir-host\n", "host"), ("dir-own", "", "adapter")]
    {
        let directory = format!("it-{name}");
        let options = format!("--user nobody --runtime-directory {directory}");
        let plan = planned(systemd, &format!("{name}-plan"), settings, &options);
        assert_eq!(by(&plan, &format!("directory /run/{directory}")), Some(doer), "{plan:?}");
        let dir = Dir::new().owned_by("nobody");
        dir.program("svcadapt");
        dir.program("inspect");
        let path = dir.path().display();
        let text = format!(
            "[Service]\nType=exec\n{settings}ExecStart={path}/svcadapt run --mode supervised {options} -- \
             {path}/inspect --out {path}/report --stay\n"
        );
        let unit = Unit::write(systemd, name, &text);
        assert_eq!(unit.start().exit, Exit::Status(0));
        let seen = wait_until("it reports", || dir.join("report").exists().then(|| dir.report("report")));
        assert_eq!(seen["env"]["RUNTIME_DIRECTORY"], format!("/run/{directory}"));
        let there = systemd.run(["stat", "-c", "%U %a", &format!("/run/{directory}")]).stdout;
        assert_eq!(there, "nobody 755\n");
        unit.stop();
    }
}
