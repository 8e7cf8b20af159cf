//! `svcadapt detect`, started by the real programs that it has to recognise.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::{PROGRAM, Started, clean, decided, facts, set_false_variables};
use crate::harness::{Capability, Dir, have, require};

fn supervised_in(directory: &Dir, supervisor: &str) -> Value {
    // Supervisors start a service again when it ends; the second time it only waits to be stopped.
    let run = format!("#!/bin/sh\n[ -e done ] && exec sleep 600\n: > done\nexec '{PROGRAM}' detect --json\n");
    directory.executable("run", &run);
    Started::new(clean(supervisor).arg(directory.path())).document()
}

#[test]
fn runit_and_s6_services_are_supervised() {
    for (supervisor, manager) in [("runsv", "runit"), ("s6-supervise", "s6"), ("supervise", "daemontools")] {
        if have(supervisor) {
            let value = supervised_in(&Dir::new(), supervisor);
            assert_eq!(facts(&value), ["supervised", manager]);
            assert_eq!(decided(&value).0, "parent");
        }
    }
}

#[test]
fn supervisord_program_is_supervised() {
    if !have("supervisord") {
        return;
    }
    let directory = Dir::new();
    let path = directory.path().display();
    let text = format!(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={path}/pid\n\
         [program:web]\ncommand=/bin/sh -c 'exec \"{PROGRAM}\" detect --json > out'\ndirectory={path}\n\
         startsecs=0\nautorestart=false\n"
    );
    fs::write(directory.join("conf"), text).unwrap();
    nix::unistd::mkfifo(&directory.join("out"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _supervisor = Started::new(clean("supervisord").arg("-c").arg(directory.join("conf")));
    let value = Started::new(clean("cat").arg(directory.join("out"))).document();
    assert_eq!(facts(&value), ["supervised", "supervisord"]);
}

#[test]
fn child_of_a_small_init_is_supervised() {
    for init in ["tini", "dumb-init", "catatonit"] {
        if have(init) {
            let value = Started::new(clean(init).args(["--", PROGRAM, "detect", "--json"])).document();
            assert_eq!(facts(&value), ["supervised", "init"], "{init}");
        }
    }
}

#[test]
fn process_1_is_supervised_even_with_a_terminal() {
    if !require(Capability::Root) {
        return;
    }
    let inside = ["-pf", "--mount-proc", "--kill-child", PROGRAM, "detect", "--json"];
    let value = Started::new(clean("unshare").args(inside)).document();
    assert_eq!(facts(&value), ["supervised", "container"]);
    assert_eq!(decided(&value), ("pid", Some("1")));
    let shell = format!("unshare {}", inside.map(|word| format!("'{word}'")).join(" "));
    let value = Started::new(clean("script").args(["-qec", &shell, "/dev/null"])).document();
    assert_eq!(facts(&value), ["supervised", "container"]);
}

#[test]
fn terminal_outweighs_a_false_environment() {
    let shell = format!("'{PROGRAM}' detect --json; true");
    let mut command = clean("script");
    set_false_variables(&mut command);
    let value = Started::new(command.args(["-qec", &shell, "/dev/null"])).document();
    assert_eq!(facts(&value), ["classic", "none"]);
    assert_eq!(decided(&value), ("controlling terminal", Some("yes")));
}

#[test]
fn false_environment_does_not_imply_a_manager() {
    let mut command = clean(PROGRAM);
    set_false_variables(&mut command);
    let value = Started::new(command.args(["detect", "--json"])).document();
    assert_eq!(value["manager"], "none", "{value:#}");
    assert!(!["SYSTEMD_EXEC_PID", "NOTIFY_SOCKET", "XPC_SERVICE_NAME"].contains(&decided(&value).0));
}

#[test]
fn systemd_exec_pid_counts_only_with_our_own_pid() {
    let shell = format!("export SYSTEMD_EXEC_PID=$$ NOTIFY_SOCKET=/x; exec '{PROGRAM}' detect --json");
    let value = Started::new(clean("sh").args(["-c", &shell])).document();
    assert_eq!(facts(&value), ["supervised", "systemd"]);
    assert_eq!(decided(&value).0, "SYSTEMD_EXEC_PID");
}

/// A shell text that starts svcadapt as an orphan, and ends when the orphan has ended. The first FIFO is opened only
/// after the orphan's parent was reaped, so the orphan has been adopted by then.
fn orphan(directory: &Path) -> String {
    let path = directory.display();
    format!(
        "cd '{path}' && mkfifo begin end && sh -c \"sh -c 'read _ < begin; exec 9> end; \
         exec \\\"{PROGRAM}\\\" detect --json' & exit 0\"; echo > begin; cat end"
    )
}

/// It cannot be distinguished from a child of that shell, which has to stay.
#[test]
fn orphan_below_a_shell_as_process_1_is_supervised() {
    if !require(Capability::Root) {
        return;
    }
    let directory = Dir::new();
    let shell = orphan(directory.path());
    let inside = ["setsid", "-w", "unshare", "-pf", "--mount-proc", "--kill-child", "sh", "-c", &shell];
    let value = Started::new(clean(inside[0]).args(&inside[1..])).document();
    assert_eq!(facts(&value), ["supervised", "init"]);
    assert_eq!(decided(&value), ("parent", Some("1 (sh)")));
}

#[test]
fn orphan_adopted_by_a_small_init_is_supervised() {
    if !have("tini") {
        return;
    }
    let directory = Dir::new();
    let value =
        Started::new(clean("tini").args(["-s", "--", "sh", "-c", &orphan(directory.path())])).document();
    assert_eq!(facts(&value), ["supervised", "init"]);
}

#[test]
fn detection_without_proc_finds_no_manager() {
    if !require(Capability::Root) {
        return;
    }
    let shell = format!("mount -t tmpfs none /proc && exec '{PROGRAM}' detect --json");
    let inside = ["-w", "unshare", "-m", "--propagation", "private", "sh", "-c", &shell];
    let value = Started::new(clean("setsid").args(inside)).ended();
    assert_eq!(facts(&value), ["classic", "none"]);
    assert_eq!(decided(&value).0, "parent");
}
