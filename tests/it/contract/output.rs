//! The output of a service is kept, shown, and rotated.

use std::fs;

use super::host::{Host, Service};
use super::table::Cell;

pub(super) fn logs(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let speaks = host.program("speaks.sh", "echo first words; exec sleep 600");
    let log = host.at("reopens.log");
    let reopens = host.program(
        "reopens.sh",
        "exec >>[D]/reopens.log; trap 'exec >>[D]/reopens.log; echo again' USR1; echo up; while :; do sleep 600 & wait $!; done",
    );
    // launchd keeps no output unless the property list says where.
    let kept = if host.is("launchd") {
        format!("--standard-output append:{}", host.at("speaks.start"))
    } else {
        String::new()
    };
    host.start(&[
        Service::new("speaks", kept, speaks),
        Service::new("reopens", "--reopen-signal SIGUSR1", reopens),
    ]);
    cell.check("what it writes is shown", host.becomes("logs_have speaks first"));
    host.lines("reopens.log", 1);
    fs::rename(&log, format!("{log}.1")).unwrap();
    host.shell("reopen reopens");
    cell.check("a program opens its file again", host.lines("reopens.log", 1) == ["again"]);
    if !host.is("systemd") {
        let program = host.program(
            "long.sh",
            "n=0; while [ $n -lt 1000 ]; do n=$((n + 1)); echo line $n of the log; done; exec sleep 600",
        );
        let options = format!(
            "--standard-output append:{} --log-rotate-size 4K --log-keep 9",
            host.at("rotated/long.log")
        );
        fs::create_dir(host.at("rotated")).unwrap();
        host.start(&[Service::new("long", options, program)]);
        let files = || fs::read_dir(host.at("rotated")).unwrap().count();
        cell.check(
            "it is rotated",
            Host::wait("the log is rotated", || (files() >= 3).then_some(())).is_some(),
        );
        host.shell("stop long");
    }
    host.shell("stop speaks; stop reopens");
    cell
}
