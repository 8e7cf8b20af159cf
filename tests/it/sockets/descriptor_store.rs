//! What a program stores with its manager comes back at its next start, as under systemd.

use std::fs;

use crate::harness::{Capability, Dir, Exit, Service, Svc, Systemd, have, require, wait_until};

/// What three starts do, the second and the third after a crash: all the rules of the store.
const DEEDS: [&str; 3] = [
    "send:1:FDSTORE=1|FDNAME=first send:1:FDSTORE=1|FDNAME=a_b twice:FDSTORE=1 send:1:FDSTORE=1|FDNAME=x:y \
     send:1:FDSTORE=1|FDNAME=over barrier crash",
    "send:0:FDSTOREREMOVE=1|FDNAME=stored send:0:FDSTOREREMOVE=1|FDNAME=no:name send:0:FDSTOREREMOVE=1 \
     gone:FDSTORE=1|FDNAME=gone gone:FDSTORE=1|FDNAME=kept|FDPOLL=0 send:1:FDSTORE=0|FDNAME=none barrier crash",
    "stay",
];

/// The unit of a program that does this.
fn unit(dir: &Dir, deeds: &[&str], settings: &str) -> String {
    let (keeper, report) = (dir.program("keeper"), dir.join("report"));
    let words: Vec<String> = deeds.iter().map(|deeds| format!("\"{deeds}\"")).collect();
    format!(
        "[Service]\nType=notify\nFileDescriptorStoreMax=4\nRestart=on-failure\nRestartSec=50ms\n{settings}\
         ExecStart={} {} {}\n",
        keeper.display(),
        report.display(),
        words.join(" ")
    )
}

/// What the starts so far have got.
fn starts(dir: &Dir, count: usize) -> Vec<String> {
    wait_until("the program was started so often", || {
        let text = fs::read_to_string(dir.join("report")).ok()?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        (lines.len() >= count).then_some(lines)
    })
}

/// `run` of this unit below its own name.
fn run(dir: &Dir, service: &Service, text: &str) -> String {
    let unit = dir.write(&format!("{}.service", service.name()), text).display().to_string();
    // A line about descriptors that find no room comes before the launcher ends, or after it.
    let output = Svc::new(dir).args(["run", "--mode", "classic", &unit]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    output.stderr
}

fn ask(dir: &Dir, service: &Service, request: &str) {
    let output = Svc::new(dir).args([request, service.name()]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
}

#[test]
fn stored_descriptors_come_back_as_under_systemd() {
    let dir = Dir::new();
    let service = Service::new();
    run(&dir, &service, &unit(&dir, &DEEDS, ""));
    let own = starts(&dir, 3);
    assert_eq!(own, ["nothing", "4 stored=0 stored=0 a b=0 first=0", "3 kept? a b=0 first=0"]);
    ask(&dir, &service, "restart");
    assert_eq!(starts(&dir, 4)[3], own[2], "a restart keeps them");
    ask(&dir, &service, "stop");
    dir.nothing_left();
    for systemd in Systemd::own_of_versions(252..) {
        fs::remove_file(dir.join("report")).unwrap();
        let unit_name = format!("{}.service", service.name());
        systemd.write_unit(&unit_name, &unit(&dir, &DEEDS, ""));
        systemd.must(&["start", &unit_name]);
        let theirs = starts(&dir, 3);
        systemd.must(&["restart", &unit_name]);
        let restarted = starts(&dir, 4).swap_remove(3);
        systemd.must(&["stop", &unit_name]);
        assert_eq!((&theirs, &restarted), (&own, &own[2]), "systemd {}", systemd.version());
    }
}

#[test]
fn stored_descriptors_follow_the_sockets_and_survive_the_small_image() {
    let dir = Dir::new();
    let service = Service::new();
    let socket = dir.join("s");
    let deeds = ["send:2:FDSTORE=1|FDNAME=two barrier stay", "stay"];
    let text = unit(&dir, &deeds, "");
    let unit = dir.write(&format!("{}.service", service.name()), &text).display().to_string();
    let listen = format!("--listen-stream={}", socket.display());
    Svc::new(&dir).args(["run", "--mode", "classic", &listen, &unit]).run();
    assert_eq!(starts(&dir, 1), [format!("1 {}.socket?", service.name())]);
    for round in 1..4 {
        wait_until("the monitor is small", || {
            let line = fs::read(format!("/proc/{}/cmdline", service.monitor()?.pid())).ok()?;
            line.windows(8).any(|part| part == b"%monitor").then_some(())
        });
        ask(&dir, &service, "restart");
        let last = starts(&dir, round + 1).swap_remove(round);
        assert_eq!(last, format!("3 {}.socket? two=1 two=0", service.name()));
    }
    ask(&dir, &service, "stop");
    dir.nothing_left();
}

#[test]
fn store_is_dropped_at_a_stop_and_at_a_restart_only_if_asked_for() {
    let deeds = ["send:1:FDSTORE=1|FDNAME=a barrier stay", "stay"];
    for (preserve, kept) in [("no", "nothing"), ("restart", "1 a=0"), ("yes", "1 a=0")] {
        let dir = Dir::new();
        let service = Service::new();
        let setting = format!("FileDescriptorStorePreserve={preserve}\n");
        let said = run(&dir, &service, &unit(&dir, &deeds, &setting));
        let named =
            said.contains("svcadapt: descriptor store 'FileDescriptorStorePreserve=yes': a stop closes");
        assert_eq!(named, preserve == "yes", "{said}");
        ask(&dir, &service, "restart");
        assert_eq!(starts(&dir, 2)[1], kept, "{preserve}");
        ask(&dir, &service, "stop");
        run(&dir, &service, &unit(&dir, &deeds, &setting));
        assert_eq!(starts(&dir, 3)[2], "nothing", "the monitor has ended");
        ask(&dir, &service, "stop");
        dir.nothing_left();
    }
}

#[test]
fn more_descriptors_than_fit_are_dropped_and_the_service_goes_on() {
    let dir = Dir::new();
    let service = Service::new();
    let deeds = [
        "send:200:FDSTORE=1|FDNAME=a send:100:FDSTORE=1|FDNAME=b send:253:FDSTORE=1 send:253:X=1 barrier crash",
        "stay",
    ];
    let settings = "FileDescriptorStoreMax=1000000\n";
    let text = unit(&dir, &deeds, "").replace("FileDescriptorStoreMax=4\n", settings);
    run(&dir, &service, &text);
    let second = starts(&dir, 2).swap_remove(1);
    assert_eq!(second.split(' ').next(), Some("512"));
    let count = |name: &str| second.split(' ').filter(|word| word.starts_with(name)).count();
    assert_eq!((count("a="), count("b="), count("stored=")), (200, 100, 212));
    let held = |pid: i32| fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    assert!(held(service.monitor().unwrap().pid()) < 530);
    ask(&dir, &service, "restart");
    assert_eq!(starts(&dir, 3)[2], second);
    ask(&dir, &service, "stop");
    dir.nothing_left();
}

#[test]
fn process_1_and_a_monitor_below_s6_give_stored_descriptors_back() {
    let deeds = ["send:1:FDSTORE=1|FDNAME=a barrier crash", "stay"];
    if !require(Capability::Root) {
        return;
    }
    for (program, words) in
        [("unshare", &["-pf", "--mount-proc", "--kill-child"][..]), ("s6-supervise", &["service"])]
    {
        if !have(program) {
            continue;
        }
        let dir = Dir::new();
        let service = Service::new();
        let svcadapt = dir.program("svcadapt").display().to_string();
        let name = format!("{}.service", service.name());
        let unit = dir.write(&name, &unit(&dir, &deeds, "")).display().to_string();
        fs::create_dir(dir.join("service")).unwrap();
        dir.executable("service/run", &format!("#!/bin/sh\nexec {svcadapt} run {unit}\n"));
        let mut words: Vec<&str> = words.to_vec();
        if program == "unshare" {
            words.extend([svcadapt.as_str(), "run", &unit]);
        }
        let running = Svc::new(&dir).program(&format!("/usr/bin/{program}")).args(words).spawn();
        assert_eq!(starts(&dir, 2), ["nothing", "1 a=0"], "{program}");
        if program == "unshare" {
            running.signal(nix::sys::signal::Signal::SIGKILL);
        } else {
            Svc::new(&dir).program("/usr/bin/s6-svc").args(["-dx", "service"]).run();
        }
        running.finish();
        dir.wait_nothing_left();
    }
}
