//! The environment, limits, priority and directories of the service.

use serde_json::json;

use super::{becomes, logged, seen};
use crate::harness::{Dir, Service};

#[test]
fn environment_is_cleaned_and_extended_by_the_builder() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = [
        "--set",
        "environment=A=b c",
        "--set",
        "pass-environment=LANG",
        "enter",
        "sh=env | grep -vE '^(PWD|SHLVL|_|OLDPWD|HOME|USER|LOGNAME|SHELL)=' | sort | tr '\\n' ' '",
        "ready",
        "stay",
    ];
    becomes(&dir, &service, &words).env("NOTIFY_SOCKET", "/nowhere").via_hostile(&["--only", "env"]).run();
    logged(
        &dir,
        "sh: \"A=b c LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \"",
    );
    let other = Service::new();
    let words =
        ["--set", "clean-environment=no", "enter", "sh=echo $SECRET_TOKEN $NOTIFY_SOCKET", "ready", "stay"];
    becomes(&dir, &other, &words).env("NOTIFY_SOCKET", "/nowhere").via_hostile(&["--only", "env"]).run();
    // The whole environment is kept, except for variables addressed to one process.
    logged(&dir, "sh: \"hunter2\\n\"");
}

#[test]
fn limits_and_priorities_are_reset_or_set() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["--set", "limit-nofile=300:400", "enter", "ready", "stay"];
    becomes(&dir, &service, &words).via_hostile(&["--only", "core,oom"]).run();
    let now = seen(&service);
    assert_eq!(now["limits"]["Max open files"], json!({ "soft": "300", "hard": "400" }));
    assert_eq!(now["limits"]["Max core file size"]["soft"], "0");
    assert_eq!(now["oom_score_adj"], 0);
}

#[test]
fn service_directory_is_created_and_removed_by_a_failed_start() {
    if !crate::harness::require(crate::harness::Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let path = format!("/run/{}", service.name());
    let option = format!("runtime-directory={}", service.name());
    let words = ["--set", &option, "--set", "user=nobody", "enter"];
    becomes(&dir, &service, &[&words[..], &["exit=3"]].concat())
        .stderr("becomes: start '[NAME]': the program ended with status 3 before it was ready\n")
        .status(3)
        .run();
    assert!(std::fs::metadata(&path).is_err());
    becomes(&dir, &service, &[&words[..], &["sh=echo $RUNTIME_DIRECTORY", "ready", "stay"]].concat()).run();
    logged_any(&dir, &path);
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap()), 65_534);
    std::fs::remove_dir(&path).unwrap();
}

fn logged_any(dir: &Dir, path: &str) {
    let log = dir.read("log");
    assert!(log.contains(&format!("sh: \"{path}\\n\"")), "{log}");
}
