//! Links that a service's user plants do not lead root to other users' files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::signal::Signal;

use super::run;
use crate::harness::{Capability, Dir, Exit, Service, Svc, require};

/// Runs something with only the rights of the service's user.
fn as_nobody(dir: &Dir, script: &str) {
    Svc::new(dir).program("/bin/sh").args(["-ec", script]).by("nobody").run();
}

#[test]
fn directory_behind_a_users_link_keeps_its_owner() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let sleep = dir.program("/bin/sleep").display().to_string();
    let (base, name) = (format!("/run/{}", service.name()), service.name());
    let deep = format!("--runtime-directory={name}/x/precious");
    let option = format!("--runtime-directory={name}");
    let start = || {
        run(&dir, &["--user=nobody", "--name", name, &option, &deep, "--", &sleep, "60"]).name("[NAME]", name)
    };
    let end = || {
        let process = service.main();
        process.signal(Signal::SIGKILL);
        process.wait_gone();
    };
    start().run();
    end();
    let owner = |path: &str| fs::symlink_metadata(format!("{base}{path}")).unwrap().uid();
    assert_eq!([owner(""), owner("/x"), owner("/x/precious")], [65_534, 0, 65_534]);
    // An existing directory changes its owner as well, unless it is a link.
    std::os::unix::fs::chown(format!("{base}/x/precious"), Some(0), Some(0)).unwrap();
    start().run();
    end();
    assert_eq!(owner("/x/precious"), 65_534);

    let victim = dir.join("victim");
    fs::create_dir_all(victim.join("precious")).unwrap();
    fs::set_permissions(victim.join("precious"), fs::Permissions::from_mode(0o700)).unwrap();
    as_nobody(&dir, &format!("cd {base}; mv x old; ln -s {} x", victim.display()));
    start()
        .stderr("svcadapt: directory '/run/[NAME]/x/precious': a symbolic link is in its path (x)\n")
        .status(233)
        .run();
    let kept = fs::metadata(victim.join("precious")).unwrap();
    assert_eq!((kept.uid(), kept.mode() & 0o7777), (0, 0o700));
    // No directory is created there either.
    fs::remove_dir(victim.join("precious")).unwrap();
    assert_eq!(start().output().exit, Exit::Status(233));
    assert!(!victim.join("precious").exists());
    fs::remove_dir_all(&base).unwrap();
}

#[test]
fn log_excerpt_contains_only_what_the_service_may_read() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let secrets = Dir::new();
    secrets.write("errors", "a secret\n");
    fs::set_permissions(secrets.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let (d, s) = (dir.path().display(), secrets.path().display());
    as_nobody(&dir, &format!("mkdir {d}/logs"));
    let script = format!("echo mine >&2; cd {d}; mv logs old; ln -s {s} logs; exit 3");
    let log = format!("--standard-error=append:{d}/logs/errors");
    let start = |script: &str| {
        let words =
            ["--user=nobody", "--name", service.name(), &log, "--ready=file:/never", "--", "/bin/sh", "-c"];
        run(&dir, &words).args([script]).output()
    };
    let reported = start(&script);
    assert!(reported.exit == Exit::Status(3) && !reported.stderr.contains("secret"), "{reported:?}");
    as_nobody(&dir, &format!("cd {d}; rm logs; mv old logs"));
    // Its own output is printed as usual.
    let reported = start("echo again >&2; exit 3");
    assert!(reported.stderr.contains("\n  | again\n") && !reported.stderr.contains("mine"), "{reported:?}");
}

#[test]
fn standard_input_is_opened_with_the_service_users_rights() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let secrets = Dir::new();
    secrets.write("text", "a secret\n");
    fs::set_permissions(secrets.join("text"), fs::Permissions::from_mode(0o600)).unwrap();
    let d = dir.path().display();
    let option = format!("--standard-input=file:{d}/input");
    let script = format!("cat >{d}/got");
    let start = || {
        let words =
            ["--user=nobody", "--type=oneshot", "--name", service.name(), &option, "--", "/bin/sh", "-c"];
        run(&dir, &words).args([&script])
    };
    as_nobody(&dir, &format!("cd {d}; echo mine >input"));
    start().run();
    assert_eq!(dir.read("got"), "mine\n");
    as_nobody(&dir, &format!("cd {d}; rm input got; ln -s {}/text input", secrets.path().display()));
    start().stderr("svcadapt: standard input 'file:[DIR]/input': permission denied\n").status(208).run();
    assert!(!dir.join("got").exists());
}

/// Sends messages without end from many processes, more than can be read.
const FLOOD: &str = r#"
import os, socket
for _ in range(3):
    os.fork()
tell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
tell.connect(os.environ["NOTIFY_SOCKET"])
while True:
    tell.send(b"STATUS=x")
"#;

#[test]
fn flood_of_notify_messages_does_not_extend_the_timeout() {
    if !require(Capability::Python) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let mark = dir.path().display().to_string();
    let times = ["--timeout-start-sec=1s", "--timeout-stop-sec=1s", "--ready=notify"];
    let flood = ["--", "/usr/bin/python3", "-c", FLOOD, &mark];
    let reported = run(&dir, &["--name", service.name()]).args(times).args(flood).output();
    assert!(
        reported.exit == Exit::Status(249) && reported.stderr.contains("not ready after 1s"),
        "{reported:?}"
    );
    dir.nothing_left();
}
