//! A forged, stale or malformed re-exec token changes nothing: the program starts as without it.

use super::{logged, seen};
use crate::harness::{Capability, Dir, Exit, Service, Svc, require};

/// A well-formed token for the target process. The settings of the program are missing: only the program knows them.
const TOKEN: &str = "svcadapt/reexec/{own}/{parent}/{parent}/{reports}/0/1/classic/system/systemd//forged";

/// `becomes`, started by `forge`.
fn forged<'a>(dir: &'a Dir, service: &Service, options: &[&str], token: &str, deeds: &[&str]) -> Svc<'a> {
    let program = dir.program("becomes").display().to_string();
    let log = dir.join("log").display().to_string();
    let name = format!("name={}", service.name());
    Svc::new(dir)
        .program("forge")
        .args(options)
        .args([token, &program, "--log", &log, "--detach", "yes", "--set", &name])
        .args(deeds)
}

/// The program starts normally, and the token has no effect.
fn is_ignored(options: &[&str], token: &str) {
    for way in ["always", "never"] {
        let (dir, service) = (Dir::new(), Service::new());
        let deeds = ["--reexecute", way, "enter", "mode", "ready", "stay"];
        forged(&dir, &service, options, token, &deeds).env("SECRET", "x").run();
        logged(&dir, "mode: (\"classic\", \"none\")");
        logged(&dir, "ready: Ok(Launcher)");
        let now = seen(&service);
        assert_eq!(
            now["fds"].as_object().unwrap().iter().filter(|(_, fd)| fd["cloexec"] == false).count(),
            3
        );
        Svc::new(&dir).args(["stop", service.name()]).output();
    }
}

#[test]
fn reexec_token_for_another_process_is_ignored() {
    is_ignored(&[], &TOKEN.replace("{own}", "{parent}"));
    is_ignored(&[], &TOKEN.replace("{own}", "1"));
    is_ignored(&[], &TOKEN.replace("{own}", "-1"));
}

#[test]
fn reexec_token_of_a_non_ancestor_is_ignored() {
    is_ignored(&[], &TOKEN.replace("{parent}", "{own}"));
    is_ignored(&[], &TOKEN.replace("{parent}", "0"));
    is_ignored(&[], &TOKEN.replace("{parent}", "2147483647"));
}

#[test]
fn reexec_token_of_another_user_is_ignored() {
    if !require(Capability::Root) {
        return;
    }
    is_ignored(&["--user", "65534"], TOKEN);
}

#[test]
fn malformed_reexec_token_is_ignored() {
    for text in ["", "x", "svcadapt", "svcadapt/reexec", "svcadapt/reexec/{own}/{parent}/{parent}/{reports}"]
    {
        is_ignored(&[], text);
    }
    is_ignored(&[], &TOKEN.replace("classic", "launcher"));
    is_ignored(&[], &TOKEN.replace("systemd", "nobody"));
    is_ignored(&[], &format!("{TOKEN}/more"));
    is_ignored(&[], &"svcadapt/reexec/".repeat(2000));
}

#[test]
fn reexec_token_with_a_file_for_reports_is_ignored() {
    let place = Dir::new();
    let precious = place.write("precious", "precious").display().to_string();
    is_ignored(&["--reports", &precious], TOKEN);
    is_ignored(&["--reports", &precious], &TOKEN.replace("{reports}", "2"));
    is_ignored(&["--reports", &precious], &TOKEN.replace("{reports}", "77"));
    assert_eq!(place.read("precious"), "precious");
}

/// A starter with the same user may run the program anyway, but cannot know the program's settings.
#[test]
fn plausible_forged_reexec_token_starts_nothing() {
    let (dir, service) = (Dir::new(), Service::new());
    let output =
        forged(&dir, &service, &[], TOKEN, &["--reexecute", "always", "enter", "ready", "stay"]).output();
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(2), ""));
    assert!(!service.lock().exists());
    assert_eq!(dir.read("log"), "");
    dir.nothing_left();
}

#[test]
fn stale_reexec_variable_is_ignored_and_a_forged_one_refused() {
    for stale in [
        "",
        "x",
        "1 1",
        "{own}",
        "{own} {parent}",
        "{own} {own} {own}",
        "{parent} {parent} {parent}",
        "{own} 0 0",
        "{own} 2147483647 2147483647",
        "{own} {parent} {parent} 3",
    ] {
        is_ignored(&["--variable", stale], "");
    }
    let (dir, service) = (Dir::new(), Service::new());
    forged(&dir, &service, &["--variable", "{own} {parent} {parent}"], "", &["enter", "ready"])
        .stderr("daemon: re-exec failed: the handoff descriptor was closed before Daemon::enter\n  hint: do not close inherited descriptors before Daemon::enter, or use Reexecute::Never\n")
        .status(2)
        .run();
    assert!(!service.lock().exists());
    dir.nothing_left();
}
