//! Descriptors: inherited ones are closed, the program's own stay open, and none that Rust owns is closed.

use serde_json::Value;

use super::{becomes, logged, report, seen};
use crate::harness::{Dir, Service, Svc};

/// All descriptors above 2: number, target, and whether an exec closes it.
fn others(seen: &Value) -> Vec<(i32, String, bool)> {
    let all = seen["fds"].as_object().unwrap().iter();
    let mut others: Vec<_> = all
        .map(|(number, fd)| {
            let target = fd["target"].as_str().unwrap().to_owned();
            (number.parse::<i32>().unwrap(), target, fd["cloexec"].as_bool().unwrap())
        })
        .filter(|(number, ..)| *number > 2)
        .collect();
    others.sort();
    others
}

#[test]
fn inherited_descriptors_are_closed_at_any_number() {
    for options in [&["--only", "fds"][..], &["--only", "fds,nofile"]] {
        let (dir, service) = (Dir::new(), Service::new());
        becomes(&dir, &service, &["enter", "ready", "stay"]).via_hostile(options).run();
        let others = others(&seen(&service));
        for number in [7, 50, 500] {
            let (_, target, cloexec) = others.iter().find(|(known, ..)| *known == number).unwrap();
            // The number stays in use, so that the program cannot close a descriptor opened later under it.
            assert_eq!((target.as_str(), *cloexec), ("/dev/null", true), "{others:?}");
        }
        assert!(others.iter().all(|(_, target, _)| !target.contains("shadow") && !target.contains("passwd")));
        assert!(others.iter().all(|(.., cloexec)| *cloexec), "a child would inherit one of {others:?}");
    }
}

/// dup2(2) refuses numbers above the limit, and the new limit of the service may be below a descriptor that the starter
/// has left open.
#[test]
fn inherited_descriptor_above_the_limit_is_closed() {
    for (option, number) in [("limit-nofile=64:64", 300), ("limit-nofile=64:4096", 300), ("nice=0", 3000)] {
        let (dir, service) = (Dir::new(), Service::new());
        let program = dir.program("becomes").display().to_string();
        let log = dir.join("log").display().to_string();
        let text = format!(
            "ulimit -S -n $(ulimit -H -n) && exec {number}</etc/passwd && exec '{program}' --log '{log}' --detach yes \
             --set name={} --set {option} enter ready stay",
            service.name()
        );
        Svc::new(&dir).program("/bin/bash").args(["-c", &text]).run();
        let now = seen(&service);
        assert!(others(&now).iter().all(|(_, target, _)| !target.contains("passwd")), "{option}: {now}");
        let limit = &now["limits"]["Max open files"]["soft"];
        assert_eq!(limit, if option.starts_with("limit") { "64" } else { "1024" }, "{option}");
    }
}

#[test]
fn children_inherit_only_the_standard_streams() {
    let (dir, service) = (Dir::new(), Service::new());
    let list = "sh=ls /proc/self/fd | grep -v 3 | tr '\\n' ' '; test -r /dev/stdin && cat; echo done";
    becomes(&dir, &service, &["enter", list, "ready", "stay"]).via_hostile(&["--only", "fds"]).run();
    logged(&dir, "sh: \"0 1 2 done\\n\"");
}

#[test]
fn file_opened_by_the_program_stays_open() {
    let (dir, service) = (Dir::new(), Service::new());
    let file = dir.write("own", "mine\n").display().to_string();
    let deeds = ["--open", &file, "enter", "own", "ready", "stay"];
    becomes(&dir, &service, &deeds).via_hostile(&["--only", "fds"]).run();
    let log = dir.read("log");
    assert!(log.contains("own: Some(\"") && log.contains(" mine\")"), "{log}");
}

#[test]
fn preserved_descriptor_stays_open() {
    let (dir, service) = (Dir::new(), Service::new());
    dir.write("kept", "kept\n");
    let program = dir.program("becomes").display().to_string();
    let path = dir.path().display();
    for (option, kept) in [("--set files-preserve=7", true), ("", false)] {
        let text = format!(
            "exec 7<'{path}/kept'; exec '{program}' --detach yes --set name={} {option} enter ready stay",
            service.name()
        );
        Svc::new(&dir).program("/bin/sh").args(["-c", &text]).run();
        let others = others(&seen(&service));
        let target = &others.iter().find(|(number, ..)| *number == 7).unwrap().1;
        assert_eq!(target.ends_with("/kept"), kept, "{others:?}");
        Svc::new(&dir).args(["stop", service.name()]).output();
    }
    // A descriptor that the program has opened itself.
    let file = dir.join("kept").display().to_string();
    becomes(&dir, &service, &["--preserve", &file, "enter", "preserved", "ready", "stay"]).run();
    let log = dir.read("log");
    assert!(log.contains("preserved: Some(\"") && log.contains(" kept\")"), "{log}");
}

#[test]
fn preserved_descriptor_that_is_closed_is_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["--set", "files-preserve=77", "enter"])
        .stderr("files to preserve '77': no such descriptor is open\n")
        .status(202)
        .run();
    becomes(&dir, &service, &["--set", "files-preserve=1", "enter"])
        .stderr("files preserve '1': descriptors 0 to 2 are the standard streams\n")
        .status(2)
        .run();
    dir.nothing_left();
}

#[test]
fn closed_standard_streams_become_dev_null() {
    let (dir, service) = (Dir::new(), Service::new());
    let deeds = ["enter", "ready", &report(&dir), "stay"];
    becomes(&dir, &service, &deeds).via_hostile(&["--only", "cwd", "--close-stdio"]).run();
    let (_, seen) = dir.reported();
    for number in ["0", "1", "2"] {
        assert_eq!(seen["fds"][number]["target"], "/dev/null");
        assert_eq!(seen["fds"][number]["cloexec"], false);
    }
    // No other file uses their numbers.
    assert!(others(&seen).iter().all(|(number, ..)| *number > 2));
}

#[test]
fn standard_streams_are_redirected() {
    let (dir, service) = (Dir::new(), Service::new());
    let input = dir.write("in", "").display().to_string();
    let path = |name: &str| dir.join(name).display().to_string();
    let options = [
        format!("standard-input=file:{input}"),
        format!("standard-output=append:{}", path("out")),
        format!("standard-error=append:{}", path("out")),
    ];
    let words: Vec<&str> = options.iter().flat_map(|option| ["--set", option]).collect();
    let deeds = ["enter", "print=one", "complain=two", "ready", "print=three", "stay"];
    becomes(&dir, &service, &[&words[..], &deeds].concat()).run();
    crate::harness::wait_until("all is written", || (dir.read("out") == "one\ntwo\nthree\n").then_some(()));
    let now = seen(&service);
    assert_eq!(now["fds"]["0"]["target"], input);
    assert_eq!(now["fds"]["0"]["access"], "read");
    assert_eq!(now["fds"]["1"]["append"], true);
}
