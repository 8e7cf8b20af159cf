//! What the user of a service puts on the way to its files does not lead root to those of others.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use crate::harness::Capability;
use crate::harness::Dir;
use crate::harness::Exit;
use crate::harness::Svc;
use crate::harness::require;

use super::Service;
use super::run;

/// Does something with no more rights than the user of the service has.
fn as_nobody(dir: &Dir, script: &str) {
    Svc::new(dir).program("/bin/sh").args(["-ec", script]).by("nobody").run();
}

#[test]
fn no_directory_is_given_away_that_a_link_leads_to() {
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
    // What is there already is given as well, if it is there itself.
    std::os::unix::fs::chown(format!("{base}/x/precious"), Some(0), Some(0)).unwrap();
    start().run();
    end();
    assert_eq!(owner("/x/precious"), 65_534);

    let victim = dir.join("victim");
    fs::create_dir_all(victim.join("precious")).unwrap();
    fs::set_permissions(victim.join("precious"), fs::Permissions::from_mode(0o700)).unwrap();
    as_nobody(&dir, &format!("cd {base}; mv x old; ln -s {} x", victim.display()));
    start()
        .stderr("svcadapt: directory '/run/[NAME]/x/precious': a symbolic link stands on the way (x)\n")
        .status(233)
        .run();
    let kept = fs::metadata(victim.join("precious")).unwrap();
    assert_eq!((kept.uid(), kept.mode() & 0o7777), (0, 0o700));
    // Nor is one made there.
    fs::remove_dir(victim.join("precious")).unwrap();
    assert_eq!(start().output().exit, Exit::Status(233));
    assert!(!victim.join("precious").exists());
    fs::remove_dir_all(&base).unwrap();
}

#[test]
fn the_last_words_of_a_service_are_none_that_it_could_not_read() {
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
    let told = start(&script);
    assert!(told.exit == Exit::Status(3) && !told.stderr.contains("secret"), "{told:?}");
    as_nobody(&dir, &format!("cd {d}; rm logs; mv old logs"));
    // What it has said itself is shown as ever.
    let told = start("echo again >&2; exit 3");
    assert!(told.stderr.contains("\n  | again\n") && !told.stderr.contains("mine"), "{told:?}");
}
