//! Where no control group is possible, the start says so in one line and goes on.

use super::{base, mount};
use crate::harness::{Capability, Dir, Service, Svc, require};

/// The options of a service that asks for a group.
const ASKS: [&str; 6] = ["run", "--mode", "supervised", "--tasks-max=5", "--memory-max=1G", "--"];

#[test]
fn spec_that_asks_for_nothing_looks_at_no_group() {
    let dir = Dir::new();
    let run = Svc::new(&dir).args(["run", "--dry-run", "--mode", "classic", "--", "/bin/true"]).output();
    assert!(!run.stdout.contains("control group") && run.stderr.is_empty(), "{} {}", run.stdout, run.stderr);
}

#[test]
fn group_of_another_user_is_named_and_the_program_runs() {
    if !require(Capability::Root) || mount().is_none() || base(&[]).is_none() {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let named =
        "svcadapt: control group 'TasksMax= MemoryMax=': not honoured here: [ANY] belongs to another user\n";
    Svc::new(&dir).by("nobody").args(ASKS).args(["/bin/true"]).stderr(named).run();
    Svc::new(&dir)
        .by("nobody")
        .args(["run", "--strict"])
        .args(&ASKS[1..])
        .args(["/bin/true"])
        .stderr(&format!(
            "{named}svcadapt: strict: not everything in the file is supported here; nothing was started\n"
        ))
        .status(2)
        .run();
}

#[test]
fn read_only_hierarchy_is_named() {
    if base(&[]).is_none() || !require(Capability::Namespaces) {
        return;
    }
    let mount = mount().unwrap().display().to_string();
    let dir = Dir::new();
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let namespace = ["--mount", "--propagation", "private", "/bin/sh", "-c", script, &mount];
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(namespace)
        .args([dir.program("svcadapt")])
        .args(ASKS)
        .args(["/bin/true"])
        .stderr(
            "svcadapt: control group 'TasksMax= MemoryMax=': not honoured here: [ANY] is mounted read-only\n  hint: let \
             the container's manager mount it read-write in a namespace of its own, or set the limits there\n",
        )
        .run();
}

#[test]
fn machine_without_version_2_is_named() {
    if base(&[]).is_none() || !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = "umount -l -a -t cgroup2 && exec \"$0\" \"$@\"";
    Svc::new(&dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "--propagation", "private", "/bin/sh", "-c", script])
        .args([dir.program("svcadapt")])
        .args(ASKS)
        .args(["/bin/true"])
        .stderr(
            "svcadapt: control group 'TasksMax= MemoryMax=': not honoured here: no cgroup2 is mounted here (cgroups(7)), and \
             version 1 cannot do it\n",
        )
        .run();
}

#[test]
fn below_systemd_limits_are_those_of_the_unit() {
    let (dir, service) = (Dir::new(), Service::new());
    let run = Svc::new(&dir)
        .args([
            "run",
            "--dry-run",
            "--mode",
            "systemd",
            "--name",
            service.name(),
            "--tasks-max=5",
            "--",
            "/bin/true",
        ])
        .output();
    assert!(!run.stdout.contains("control group"), "{}", run.stdout);
    assert_eq!(
        run.stderr,
        "svcadapt: --tasks-max: not honoured here: it takes effect only in a generated unit or property list\n"
    );
}
