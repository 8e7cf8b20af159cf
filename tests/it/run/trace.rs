//! `run --trace FILE` draws a start.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::{Capability, Dir, Exit, Output, Service, Svc, free_port, require};

/// Starts a server and draws that.
fn traced(dir: &Dir, service: &Service, port: u16, file: &str) -> Output {
    dir.program("svcadapt");
    let serve = dir.executable(
        "serve.py",
        "#!/usr/bin/python3\nimport http.server, sys\nprint('begins', flush=True)\n\
         http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()\n",
    );
    let (probe, port) = (format!("tcp:127.0.0.1:{port}"), port.to_string());
    Svc::new(dir)
        .args(["run", "--mode", "classic", "--name", service.name(), "--ready", &probe, "--trace", file])
        .args(["-o", dir.join("log").to_str().unwrap(), "--", serve.to_str().unwrap(), &port])
        .output()
}

#[test]
fn trace_has_the_processes_and_the_moments_of_a_start() {
    if !require(Capability::Python) {
        return;
    }
    let (dir, service, port) = (Dir::new(), Service::new(), free_port());
    let output = traced(&dir, &service, port, "start.json");
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
    Svc::new(&dir).args(["stop", service.name()]).output();
    let trace: Value = serde_json::from_str(&dir.read("start.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let names: Vec<&str> = events.iter().map(|event| event["name"].as_str().unwrap()).collect();
    let at = |part: &str| {
        names.iter().position(|name| name.contains(part)).unwrap_or_else(|| panic!("{part}: {names:?}"))
    };
    assert_eq!(at("svcadapt"), 0);
    let moments = ["executes serve.py", "first output", &format!("listens on port {port}"), "ready"].map(at);
    assert!(moments.is_sorted(), "{names:?}");
    let times: Vec<u64> = moments.iter().map(|&at| events[at]["ts"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    dir.nothing_left();
}

#[test]
fn picture_replaces_a_link_and_does_not_follow_it() {
    if !require(Capability::Python) {
        return;
    }
    let (dir, service, port) = (Dir::new(), Service::new(), free_port());
    dir.write("other", "text");
    symlink("other", dir.join("start.svg")).unwrap();
    let output = traced(&dir, &service, port, "start.svg");
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
    Svc::new(&dir).args(["stop", service.name()]).output();
    assert_eq!(dir.read("other"), "text");
    assert!(fs::symlink_metadata(dir.join("start.svg")).unwrap().is_file());
    let picture = dir.read("start.svg");
    assert!(
        picture.starts_with("<svg") && picture.contains(&format!("it listens on port {port}")),
        "{picture}"
    );
    dir.nothing_left();
}

#[test]
fn failed_start_is_drawn_too() {
    let (dir, service) = (Dir::new(), Service::new());
    let arguments = ["run", "--mode", "classic", "--name", service.name(), "--ready", "tcp:127.0.0.1:1"];
    let output = Svc::new(&dir).args(arguments).args(["--trace", "bad.svg", "--", "/bin/false"]).output();
    assert_eq!(output.exit, Exit::Status(1));
    assert!(dir.read("bad.svg").contains(": failed after"), "{}", dir.read("bad.svg"));
}

#[test]
fn trace_that_is_not_possible_starts_nothing() {
    let dir = Dir::new();
    let run = |words: &[&str], stderr: &str| {
        let words = ["run"].iter().chain(words).chain(&["--", "/bin/sleep", "100"]);
        Svc::new(&dir).args(words).status(2).stderr(stderr).run();
    };
    run(
        &["--mode", "classic", "--trace", "start.png"],
        "svcadapt: trace 'start.png': unknown kind of file\n  hint: name it FILE.svg or FILE.json\n",
    );
    run(
        &["--mode", "supervised", "--trace", "start.svg"],
        "svcadapt: trace 'start.svg': here svcadapt becomes the program, so no process is left that could draw its start\n  \
         hint: use --mode classic: then a launcher waits, and can look\n",
    );
    dir.nothing_left();
}
