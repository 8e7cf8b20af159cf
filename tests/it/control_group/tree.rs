//! All processes of the group end with the service, and the group with them.

use std::fs;

use nix::sys::signal::Signal;

use super::{Grouped, base};
use crate::harness::{Exit, Process, have, wait_until};

/// Asks for a group, and needs no controller of it.
const GROUP: &str = "--oom-policy=kill";

/// A process in another session, with another parent, without the service's descriptors and environment.
const HIDDEN: &str = "(env -i setsid bash -c 'exec 32>&-; sleep 1001 & sleep 1002' &);";

fn sleepers(grouped: &Grouped) -> Vec<i32> {
    grouped.read("cgroup.procs").lines().filter_map(|line| line.parse().ok()).collect()
}

/// Starts a service with two hidden processes, and waits for them.
fn hidden(options: &[&str]) -> Option<Grouped> {
    if !have("bash") {
        return None;
    }
    let grouped = Grouped::new(base(&[])?);
    grouped.start(options, &format!("{HIDDEN} exec sleep 1000"));
    wait_until("all processes are in the group", || (sleepers(&grouped).len() >= 3).then_some(()));
    Some(grouped)
}

#[test]
fn stop_ends_processes_that_left_session_environment_and_descriptors() {
    let Some(grouped) = hidden(&[GROUP]) else { return };
    assert_eq!(grouped.status()["control_group"], grouped.path().display().to_string());
    grouped.stop();
}

#[test]
fn stop_of_a_monitored_service_leaves_no_group() {
    let Some(grouped) = hidden(&[GROUP, "--restart=always"]) else { return };
    let first = grouped.service.main();
    grouped.ask("restart").stdout("[NAME]: restarted\n").run();
    first.wait_gone();
    let main = grouped.service.main().pid();
    wait_until("the program is in the group again", || sleepers(&grouped).contains(&main).then_some(()));
    grouped.stop();
}

#[test]
fn crash_leaves_no_process_and_no_group() {
    let Some(grouped) = hidden(&[GROUP, "--exec-stop-post=/bin/true", "--timeout-stop-sec=5s"]) else {
        return;
    };
    let monitor = grouped.service.monitor().unwrap();
    grouped.service.main().signal(Signal::SIGKILL);
    monitor.wait_gone();
    grouped.is_gone();
}

#[test]
fn crash_without_a_monitor_is_cleared_by_stop() {
    let Some(grouped) = hidden(&[GROUP]) else { return };
    let main = grouped.service.main();
    main.signal(Signal::SIGKILL);
    main.wait_gone();
    assert_eq!(grouped.status()["state"], "unknown");
    grouped.ask("stop").stdout("[NAME]: stopped; [ANY]\n").run();
    grouped.is_gone();
}

#[test]
fn failed_start_leaves_no_process_and_no_group() {
    let Some(base) = base(&[]) else { return };
    for options in [&[GROUP][..], &[GROUP, "--restart=on-abnormal"]] {
        let grouped = Grouped::new(base.clone());
        let options = [options, &["--ready=file:never", "--timeout-start-sec=5s"]].concat();
        let output = grouped.run(&options, &format!("{HIDDEN} sleep 0.2; exit 7")).output();
        assert_ne!(output.exit, Exit::Status(0), "{}", output.stderr);
        grouped.is_gone();
    }
}

#[test]
fn start_after_a_kill_of_everything_takes_the_name_again() {
    let Some(grouped) = hidden(&[GROUP]) else { return };
    let pids = sleepers(&grouped);
    fs::write(grouped.path().join("cgroup.kill"), "1").unwrap();
    for pid in pids {
        // Some are gone already.
        if let Ok(process) = Process::open(pid) {
            process.wait_gone();
        }
    }
    assert!(grouped.path().exists());
    grouped.start(&[GROUP], "exec sleep 1000");
    grouped.stop();
}

#[test]
fn frozen_group_is_stopped() {
    let Some(grouped) = hidden(&[GROUP]) else { return };
    fs::write(grouped.path().join("cgroup.freeze"), "1").unwrap();
    wait_until("it is frozen", || grouped.read("cgroup.events").contains("frozen 1").then_some(()));
    grouped.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY]\n").run();
    grouped.is_gone();
}

#[test]
fn groups_below_the_service_go_with_it() {
    let Some(base) = base(&[]) else { return };
    let grouped = Grouped::new(base);
    let below = grouped.path().join("a/b");
    let script = format!("mkdir -p {0} && echo 0 >{0}/cgroup.procs; exec sleep 1000", below.display());
    grouped.start(&[GROUP], &script);
    let main = grouped.service.main().pid().to_string();
    wait_until("it is in its own group", || {
        fs::read_to_string(below.join("cgroup.procs")).is_ok_and(|text| text.contains(&main)).then_some(())
    });
    grouped.stop();
}

#[test]
fn lost_second_start_does_not_touch_the_first() {
    let Some(grouped) = hidden(&[GROUP]) else { return };
    let output = grouped.run(&[GROUP], "exec sleep 1000").output();
    assert_eq!(output.exit, Exit::Status(250), "{}", output.stderr);
    assert!(grouped.service.main().is_alive() && sleepers(&grouped).len() >= 3);
    grouped.stop();
}
