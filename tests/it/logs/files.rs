//! Without a journal: a log file.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use crate::harness::{Capability, Dir, Svc, require, state};

/// A name that no other service has.
fn name(what: &str) -> String {
    format!("logs-{what}-{}", std::process::id())
}

/// The log file of a service.
fn log(name: &str) -> PathBuf {
    let root = PathBuf::from("/var/log/svcadapt");
    let place = if geteuid().is_root() { root } else { state().join("svcadapt") };
    place.join(format!("{name}.log"))
}

/// Runs the script as a service, and waits for the end of its process.
fn serve(dir: &Dir, name: &str, options: &[&str], script: &str) {
    let words = ["run", "--mode", "classic", "--type", "oneshot", "--name", name];
    Svc::new(dir).args(words).args(options).args(["--", "/bin/sh", "-c", script]).run();
}

#[test]
fn output_without_a_place_goes_to_a_log_file_that_logs_prints() {
    let dir = Dir::new();
    let web = name("plain");
    serve(&dir, &web, &[], "echo one; echo two >&2; printf 'three'");
    let path = log(&web);
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    serve(&dir, &web, &[], "echo four");
    Svc::new(&dir).args(["logs", &web]).stdout("one\ntwo\nthreefour\n").run();
    Svc::new(&dir).args(["logs", "-n", "2", &web]).stdout("two\nthreefour\n").run();
    Svc::new(&dir).args(["logs", "--lines=0", &web]).run();
    Svc::new(&dir)
        .args(["logs", "--since", "today", &web])
        .stderr(
            "svcadapt: logs '[NAME]': it is in [LOG], whose lines have no times\n  \
             hint: leave out --since and --until, or start the service with --log-timestamps\n",
        )
        .name("[NAME]", &web)
        .name("[LOG]", path.display())
        .status(2)
        .run();
}

#[test]
fn setting_of_an_output_wins_and_errors_follow_it() {
    let dir = Dir::new();
    let web = name("explicit");
    serve(&dir, &web, &["-o", "out"], "echo one; echo two >&2");
    assert_eq!(dir.read("out"), "one\ntwo\n");
    serve(&dir, &web, &["--standard-output", "null"], "echo one; readlink /proc/$$/fd/2 >seen");
    assert!(!log(&web).exists());
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", &web, "--standard-output", "null", "--"])
        .args(["/bin/sleep", "60"])
        .run();
    Svc::new(&dir)
        .args(["logs", &web])
        .stderr(
            "svcadapt: logs '[NAME]': its output goes to no log: --standard-output is null\n  \
             hint: start it without --standard-output, or with append:PATH\n",
        )
        .name("[NAME]", &web)
        .status(5)
        .run();
    Svc::new(&dir).args(["stop", &web]).stdout("[ANY]\n").run();
}

#[test]
fn last_lines_of_a_failed_start_are_shown_although_nothing_was_asked() {
    let dir = Dir::new();
    let web = name("failed");
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", &web, "--ready", "notify", "--"])
        .args(["/bin/sh", "-c", "echo out; echo 'port in use' >&2; exit 3"])
        .stderr(
            "svcadapt: start '[NAME]': the program ended with status 3 before it was ready\n  \
             | out\n  | port in use\n",
        )
        .name("[NAME]", &web)
        .status(3)
        .run();
}

#[test]
fn large_log_file_is_kept_once_at_a_start() {
    let dir = Dir::new();
    let web = name("large");
    let path = log(&web);
    let old = path.with_file_name(format!("{web}.log.1"));
    serve(&dir, &web, &[], "head -c 1048576 /dev/zero | tr '\\0' x");
    serve(&dir, &web, &[], "echo y");
    assert_eq!(fs::metadata(&path).unwrap().len(), 1_048_578, "it was not larger than 1 MiB");
    serve(&dir, &web, &[], "echo z");
    assert_eq!(fs::read_to_string(&path).unwrap(), "z\n");
    assert_eq!(fs::metadata(&old).unwrap().len(), 1_048_578);
    let before = fs::metadata(&old).unwrap().ino();
    serve(&dir, &web, &[], "echo z");
    assert_eq!(fs::metadata(&old).unwrap().ino(), before);
    Svc::new(&dir).args(["logs", "-n", "2", &web]).stdout("z\nz\n").run();
}

#[test]
fn log_is_followed_through_rotation_and_truncation() {
    let dir = Dir::new();
    let web = name("follow");
    serve(&dir, &web, &[], "echo one");
    let path = log(&web);
    let append = || fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
    let mut follow = Svc::new(&dir).args(["logs", "-f", &web]).spawn();
    follow.wait_for("one\n");
    append().write_all(b"two\n").unwrap();
    follow.wait_for("two\n");
    fs::rename(&path, path.with_extension("log.1")).unwrap();
    append().write_all(b"three\n").unwrap();
    follow.wait_for("three\n");
    fs::File::create(&path).unwrap();
    append().write_all(b"4\n").unwrap();
    follow.wait_for("4\n");
    follow.signal(Signal::SIGTERM);
    assert_eq!(follow.finish().stdout, "one\ntwo\nthree\n4\n");
}

#[test]
fn place_that_cannot_be_made_costs_the_output_and_not_the_start() {
    if geteuid().is_root() {
        return crate::harness::skip("user", "root can make any place");
    }
    let dir = Dir::new();
    let web = name("nowhere");
    Svc::new(&dir)
        .env("XDG_STATE_HOME", "/proc/nowhere")
        .args(["run", "--mode", "classic", "--type", "oneshot", "--name", &web, "--", "/bin/echo", "one"])
        .stderr("svcadapt: output 'append:/proc/nowhere/svcadapt/[NAME].log': no such file or directory; it is lost\n")
        .name("[NAME]", &web)
        .run();
}

#[test]
fn log_file_of_another_user_is_roots_and_that_user_can_write_it() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let web = name("user");
    serve(&dir, &web, &["--user", "nobody"], "echo one; id -un");
    Svc::new(&dir).args(["logs", &web]).stdout("one\nnobody\n").run();
}

#[test]
fn service_without_a_log_is_reported_as_unknown() {
    let dir = Dir::new();
    Svc::new(&dir)
        .args(["logs", "never-started"])
        .stderr(
            "svcadapt: logs 'never-started': no log of it is known\n  \
             hint: `svcadapt list` shows the services; only a service with a name has a log file\n",
        )
        .status(5)
        .run();
    Svc::new(&dir)
        .args(["logs", "-n", "x", "web"])
        .stderr("error: invalid value 'x' for '--lines <N>': not a number, and not all\n[ANY]")
        .status(2)
        .output();
}

#[test]
fn log_that_is_a_link_is_followed_unless_others_could_have_made_it() {
    let dir = Dir::new();
    let web = name("link");
    serve(&dir, &web, &["-o", "out.log"], "echo one");
    fs::rename(dir.join("out.log"), dir.join("real.log")).unwrap();
    std::os::unix::fs::symlink("real.log", dir.join("out.log")).unwrap();
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", &web, "-o", "out.log", "--", "/bin/sleep", "600"])
        .run();
    Svc::new(&dir).args(["logs", &web]).stdout("one\n").run();
    if geteuid().is_root() {
        std::os::unix::fs::chown(dir.path(), Some(65534), None).unwrap();
        Svc::new(&dir)
            .args(["logs", &web])
            .stderr(
                "svcadapt: logs '[NAME]': [DIR]/out.log: it is a symbolic link that other users could have made\n",
            )
            .name("[NAME]", &web)
            .status(1)
            .run();
    }
    Svc::new(&dir).args(["stop", &web]).stdout("[ANY]\n").run();
}
