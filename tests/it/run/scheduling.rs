//! Scheduling of the program: disks, processors and timers, as the kernel and the tools of util-linux see it.

use std::fs;

use crate::harness::{Capability, Dir, Svc, require};

/// Prints what the kernel has of the program: policy, real-time priority, I/O priority, processors, timer slack.
const SHOW: &str = "exec 2>&1; chrt -p $$ | sed 's/.*: //'; ionice -p $$; taskset -cp $$ | sed 's/.*: //'; \
                    read slack </proc/$$/timerslack_ns; echo $slack";

/// What the program of a start in this mode shows, in one line.
fn seen(dir: &Dir, start: Svc, mode: &str, options: &[&str]) -> String {
    let output = format!("--standard-output=truncate:{}", dir.join("seen").display());
    let words = ["run", "--mode", mode, "--type", "oneshot", &output];
    start.args(words).args(options).args(["--", "/bin/sh", "-c", SHOW]).run();
    let shown = dir.read("seen").lines().collect::<Vec<_>>().join(" | ");
    fs::remove_file(dir.join("seen")).unwrap();
    shown
}

#[test]
fn scheduling_of_the_program_is_that_set_in_every_mode() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let real_time = [
        "--io-scheduling-class=realtime",
        "--io-scheduling-priority=6",
        "--cpu-scheduling-policy=rr",
        "--cpu-scheduling-priority=7",
        "--cpu-scheduling-reset-on-fork",
        "--cpu-affinity=0",
    ];
    let batch = ["--cpu-scheduling-policy=batch", "--io-scheduling-class=idle", "--timer-slack-nsec=1ms"];
    for mode in ["classic", "supervised"] {
        for user in [&[][..], &["--user=nobody"]] {
            let shown = |options: &[&str]| seen(&dir, Svc::new(&dir), mode, &[options, user].concat());
            let expected = "SCHED_RR|SCHED_RESET_ON_FORK | 7 | realtime: prio 6 | 0 | ";
            assert!(shown(&real_time).starts_with(expected), "{mode} {user:?}: {}", shown(&real_time));
            let all = shown(&batch);
            assert!(all.starts_with("SCHED_BATCH | 0 | idle | 0"), "{mode} {user:?}: {all}");
            assert!(all.ends_with(" | 1000000"), "{mode} {user:?}: {all}");
            let level = shown(&["--io-scheduling-priority=2", "--cpu-affinity=0-1"]);
            assert!(
                level.starts_with("SCHED_OTHER | 0 | best-effort: prio 2 | "),
                "{mode} {user:?}: {level}"
            );
        }
    }
}

#[test]
fn user_lowers_its_own_priorities_and_is_refused_real_time() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let by_user = || Svc::new(&dir).by("nobody");
    for mode in ["classic", "supervised"] {
        let options =
            ["--cpu-scheduling-policy=idle", "--io-scheduling-class=idle", "--timer-slack-nsec=70us"];
        let all = seen(&dir, by_user(), mode, &options);
        assert!(all.starts_with("SCHED_IDLE | 0 | idle | ") && all.ends_with(" | 70000"), "{mode}: {all}");
    }
    by_user()
        .args(["run", "--mode", "supervised", "--cpu-scheduling-policy=fifo", "--", "/bin/true"])
        .stderr("svcadapt: cpu policy 'fifo 1': operation not permitted\n  hint: only root can raise this\n")
        .status(214)
        .run();
}

#[test]
fn scheduling_of_a_unit_holds_and_invalid_values_are_ignored_by_line() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let unit = format!(
        "[Service]\nType=oneshot\nStandardOutput=truncate:{}\nIOSchedulingClass=2\nIOSchedulingPriority=7\n\
         IOSchedulingPriority=8\nCPUSchedulingPolicy=3\nCPUAffinity=0\nTimerSlackNSec=60us\nTimerSlackNSec=\n\
         ExecStart=/bin/sh -c \"{}\"\n",
        dir.join("seen").display(),
        SHOW.replace('$', "$$"),
    );
    let file = dir.write("scheduled.service", &unit).display().to_string();
    for mode in ["classic", "supervised"] {
        Svc::new(&dir)
            .args(["run", "--mode", mode, &file])
            .stderr(
                "svcadapt: [DIR]/scheduled.service:6:22: IOSchedulingPriority=: not a whole number from 0 to 7\n  \
                 | IOSchedulingPriority=8\n  |                      ^\n\
                 svcadapt: [DIR]/scheduled.service:10:16: TimerSlackNSec=: systemd ignores an empty value here\n  \
                 | TimerSlackNSec=\n  |                ^\n",
            )
            .run();
        // The program was svcadapt's own process, so its record is still there.
        Svc::new(&dir).args(["stop", "scheduled"]).output();
        let all = dir.read("seen").lines().collect::<Vec<_>>().join(" | ");
        assert_eq!(all, "SCHED_BATCH | 0 | best-effort: prio 7 | 0 | 60000", "{mode}");
    }
}

#[test]
fn processor_that_is_missing_is_refused_and_wrong_values_all_at_once() {
    let dir = Dir::new();
    Svc::new(&dir)
        .args(["run", "--mode", "supervised", "--cpu-affinity=8190", "--", "/bin/true"])
        .stderr(
            "svcadapt: cpu affinity '8190': invalid argument\n  hint: this machine has none of these processors\n",
        )
        .status(215)
        .run();
    Svc::new(&dir)
        .args(["run", "--io-scheduling-class=4", "--cpu-scheduling-policy=x", "--cpu-affinity=3-1"])
        .args(["--timer-slack-nsec=z", "--", "/bin/true"])
        .stderr(
            "svcadapt: --cpu-scheduling-policy 'x': unknown policy\n  \
             hint: use one of other, batch, idle, fifo, rr\n\
             svcadapt: --io-scheduling-class '4': unknown class\n  \
             hint: use one of none, realtime, best-effort, idle\n\
             svcadapt: --cpu-affinity '3-1': the range 3-1 ends before it begins\n\
             svcadapt: --timer-slack-nsec 'z': not a time span\n  \
             hint: write it as 90, 1min 30s, 500ms or infinity\n",
        )
        .status(2)
        .run();
}
