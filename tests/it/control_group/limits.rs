//! The limits of the group, as the kernel keeps them.

use std::fs;

use super::{Grouped, base};
use crate::harness::wait_until;

#[test]
fn limits_are_written_in_the_words_of_the_kernel() {
    let Some(base) = base(&["pids", "memory", "cpu"]) else { return };
    let grouped = Grouped::new(base);
    let options = [
        "--tasks-max=50",
        "--memory-low=1M",
        "--memory-high=256M",
        "--memory-max=512M",
        "--cpu-quota=50%",
        "--cpu-weight=20",
        "--oom-policy=kill",
    ];
    grouped.run(&options, "exec sleep 1000").run();
    for (file, expected) in [
        ("pids.max", "50"),
        ("memory.low", "1048576"),
        ("memory.high", "268435456"),
        ("memory.max", "536870912"),
        ("cpu.max", "50000 100000"),
        ("cpu.weight", "20"),
        ("memory.oom.group", "1"),
    ] {
        assert_eq!(grouped.read(file), expected, "{file}");
    }
    let status = grouped.status();
    assert_eq!(status["tasks"], 1);
    assert!(status["memory_bytes"].as_u64().unwrap() > 0, "{status}");
    let text = grouped.ask("status").output().stdout;
    assert!(text.contains("  uses: memory ") && text.contains(", tasks 1, control group /"), "{text}");
    grouped.stop();
}

#[test]
fn fork_bomb_has_no_more_tasks_than_it_may() {
    let Some(base) = base(&["pids"]) else { return };
    let grouped = Grouped::new(base);
    // A shell that cannot fork ends; what it has started stays, and ignores SIGTERM.
    let bomb = "(trap '' TERM; while :; do sleep 1000 & done) 2>/dev/null & exec sleep 1000";
    grouped.run(&["--tasks-max=20", "--timeout-stop-sec=200ms"], bomb).run();
    let refused = || {
        let events = grouped.read("pids.events");
        events.strip_prefix("max ").and_then(|count| count.parse::<u32>().ok()).unwrap_or(0) > 0
    };
    wait_until("a fork was refused", || refused().then_some(()));
    assert!(grouped.read("pids.current").parse::<u32>().unwrap() <= 20);
    grouped.stop();
}

/// A process of the group that takes more and more memory, beside a main process that does not.
const HOG: &str = "tail /dev/zero & exec sleep 1000";

#[test]
fn out_of_memory_kill_stops_the_service_with_its_result() {
    let Some(base) = base(&["memory"]) else { return };
    let grouped = Grouped::new(base);
    let log = grouped.dir.join("log");
    let post = format!("--exec-stop-post=/bin/sh -c 'echo $SERVICE_RESULT >>{}'", log.display());
    let options = ["--memory-max=30M", "--memory-swap-max=0", &post];
    let _ = grouped.run(&options, HOG).output();
    wait_until("the result is written", || fs::read_to_string(&log).ok().filter(|text| !text.is_empty()));
    assert_eq!(grouped.dir.read("log"), "oom-kill\n");
    wait_until("the group is gone", || (!grouped.path().exists()).then_some(()));
    grouped.dir.nothing_left();
}

#[test]
fn out_of_memory_kill_restarts_a_service_that_asks_for_it() {
    let Some(base) = base(&["memory"]) else { return };
    let grouped = Grouped::new(base);
    // It takes too much only the first time.
    let script = format!("test -e again || {{ : >again; sleep 0.1; {HOG}; }}; exec sleep 1000");
    let options = ["--memory-max=30M", "--memory-swap-max=0", "--restart=on-failure", "--restart-sec=1ms"];
    grouped.run(&options, &script).run();
    wait_until("it was started twice", || (grouped.status()["starts"] == 2).then_some(()));
    wait_until("it runs", || (grouped.status()["phase"] == "running").then_some(()));
    grouped.stop();
}

#[test]
fn out_of_memory_policy_decides_what_lives_on() {
    let Some(base) = base(&["memory"]) else { return };
    let killed = |grouped: &Grouped| {
        let events = grouped.read("memory.events");
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count != "0"))
    };
    let limits = ["--memory-max=30M", "--memory-swap-max=0"];
    let going_on = Grouped::new(base.clone());
    going_on.run(&[&limits[..], &["--oom-policy=continue", "--kill-mode=mixed"]].concat(), HOG).run();
    wait_until("the kernel has killed", || killed(&going_on).then_some(()));
    assert!(going_on.service.main().is_alive());
    going_on.stop();
    // The kernel kills the whole group, and no process of svcadapt is needed.
    let together = Grouped::new(base);
    together.run(&[&limits[..], &["--oom-policy=kill"]].concat(), &format!("sleep 0.3; {HOG}")).run();
    wait_until("all are killed", || together.service.running().is_none().then_some(()));
    wait_until("none is left", || together.read("cgroup.procs").is_empty().then_some(()));
}

#[test]
fn service_alone_in_its_group_makes_room_for_controllers() {
    let Some(base) = base(&["pids"]) else { return };
    fs::write(base.join("cgroup.subtree_control"), "+pids").unwrap();
    let outer = base.join(format!("it-outer-{}", std::process::id()));
    fs::create_dir(&outer).unwrap();
    let grouped = Grouped::new(outer.clone());
    let run = |before: &str| {
        let script = format!(
            "echo 0 >{}/cgroup.procs; {before} exec \"$0\" run --name {} --mode classic --tasks-max 7 -- sleep 1000",
            outer.display(),
            grouped.service.name()
        );
        let svcadapt = grouped.dir.program("svcadapt");
        crate::harness::Svc::new(&grouped.dir).program("/bin/sh").args(["-c", &script]).args([svcadapt])
    };
    run("").run();
    assert_eq!(grouped.read("pids.max"), "7");
    assert_eq!(fs::read_to_string(outer.join("cgroup.procs")).unwrap(), "");
    grouped.stop();
    assert!(!outer.join("svcadapt").exists());
    // With another process in the group the limit is not possible, and that process stays where it is.
    fs::write(outer.join("cgroup.subtree_control"), "-pids").unwrap();
    run("sleep 5 & ")
        .stderr(&format!(
            "svcadapt: control group 'TasksMax=': not honoured here: {0} has other processes, so its children get no \
             controllers (cgroups(7))\n  hint: start it in a control group of its own, without a shell beside it, or as \
             process 1 of the container\n",
            outer.display()
        ))
        .run();
    assert!(!grouped.path().join("pids.max").exists());
    grouped.ask("stop").stdout("[NAME]: stopped ([ANY]\n").run();
    drop(grouped);
    fs::write(outer.join("cgroup.kill"), "1").unwrap();
    wait_until("the outer group is empty", || fs::remove_dir(&outer).is_ok().then_some(()));
}
