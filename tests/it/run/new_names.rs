//! A file or a socket that a probe waits for is announced by the kernel: between two announcements there are few looks.

use std::time::Instant;

use crate::harness::{Capability, Dir, Service, Svc, require};

/// Starts a shell program and waits until the probe succeeds. Returns how often the launcher has looked, and for how many
/// milliseconds.
fn looks(probe: &str, script: &str) -> (usize, usize) {
    let dir = Dir::new();
    let service = Service::new();
    let text = |text: &str| text.replace("$DIR", &dir.path().display().to_string());
    let begin = Instant::now();
    Svc::new(&dir)
        .program("/usr/bin/strace")
        .args(["-qq", "-e", "trace=poll", "-o", "trace", env!("CARGO_BIN_EXE_svcadapt")])
        .args(["run", "--mode", "classic", "--name", service.name(), "--standard-output", "null"])
        .args(["--ready", &text(probe), "--", "/bin/sh", "-c", &text(script)])
        .run();
    let took = begin.elapsed().as_millis();
    Svc::new(&dir).args(["stop", service.name()]).stdout("[ANY]: stopped (SIGTERM, [ANY] s)\n").run();
    (dir.read("trace").lines().filter(|line| line.starts_with("poll(")).count(), took.try_into().unwrap())
}

#[test]
fn file_in_a_directory_that_is_made_later_is_announced() {
    if !require(Capability::Strace) {
        return;
    }
    let (looks, took) =
        looks("file:$DIR/later/file", "sleep 1; mkdir $DIR/later; : >$DIR/later/file; exec sleep 60");
    assert!(looks < took / 4, "{looks} looks in {took} ms");
}

#[test]
fn socket_is_announced_by_its_name() {
    if !require(Capability::Strace) {
        return;
    }
    let program = "sleep 1; exec python3 -c 'import socket,time; s=socket.socket(socket.AF_UNIX); \
                   s.bind(\"$DIR/socket\"); s.listen(); time.sleep(60)'";
    let (looks, took) = looks("unix:$DIR/socket", program);
    assert!(looks < took / 4, "{looks} looks in {took} ms");
}

#[test]
fn names_without_end_are_not_looked_at_without_end() {
    if !require(Capability::Strace) {
        return;
    }
    let program = "python3 -c 'import os
for n in range(20000):
    open(\"$DIR/other\", \"w\").close(); os.unlink(\"$DIR/other\")'
: >$DIR/file; exec sleep 60";
    let (looks, took) = looks("file:$DIR/file", program);
    assert!(looks < 2 * took + 100, "{looks} looks in {took} ms");
}
