//! A program that ends with a core dump (core(5)).

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::support::Traced;
use crate::harness::skip;

const DUMP: &str = "cd \"$(dirname \"$0\")\"; ulimit -c unlimited; kill -SEGV $$";

#[test]
fn core_dump_is_named_to_the_last_command_and_is_abnormal() {
    let traced = Traced::new();
    let dumped = Command::new("/bin/sh").arg(traced.dir.join("program")).arg(DUMP).status().unwrap();
    if !dumped.core_dumped() {
        return skip("core dumps", "none is written here (/proc/sys/kernel/core_pattern, RLIMIT_CORE)");
    }
    for policy in ["on-abort", "on-abnormal"] {
        traced.dir.write("log", "");
        let options = [
            "--restart",
            policy,
            "--restart-sec",
            "1ms",
            "--start-limit-burst",
            "2",
            "--exec-stop-post",
            "[T] post",
        ];
        let running = traced.run("supervised", &options, DUMP).spawn();
        running.finish();
        let end = "post none core-dump dumped SEGV 32";
        assert_eq!(traced.log(), ["program", end, "program", end], "{policy}");
    }
    traced.dir.nothing_left();
}
