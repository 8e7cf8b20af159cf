//! Units and their drop-ins.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{bounded, place, refused, refused_words};
use crate::harness::{Dir, Exit};

const GOOD: &str = "[Service]\nExecStart=/bin/true\n";

/// Asserts that `web.service` with these bytes is refused with this line.
fn unit(dir: &Dir, bytes: &[u8], reported: &str) {
    fs::write(dir.join("web.service"), bytes).unwrap();
    refused(dir, "web.service", reported);
}

#[test]
fn oversized_unit_is_refused() {
    let dir = place();
    let large = "svcadapt: [DIR]/web.service: larger than 4194304 bytes: this is not a unit\n";
    let after = |text: &str| format!("{GOOD}{text}").into_bytes();
    unit(&dir, &after(&"# comment\n".repeat(1_000_000)), large);
    unit(&dir, &vec![0; 10_000_000], large);
    unit(&dir, &after(&"A=x\\\n".repeat(2_000_000)), large);
    unit(&dir, &vec![0; 1_000_000], "svcadapt: [DIR]/web.service:1:1: a NUL byte\n  | \n  | ^\n");
    let line = "x".repeat(120);
    unit(
        &dir,
        &after(&"x".repeat(2_000_000)),
        &format!(
            "svcadapt: [DIR]/web.service:3:1048576: the line is longer than 1048575 bytes\n  | {line}\n"
        ),
    );
    unit(
        &dir,
        &after(&"xxxxxxxxxxxxx\\\n".repeat(100_000)),
        "svcadapt: [DIR]/web.service:74901:1: the line and its continuations are longer than 1048576 bytes\n  | xxxxxxxxxxxxx\\\n  | ^\n",
    );
    let many = "more than 16384 assignments: this is not a unit";
    for line in ["A=b", "=", "x", "TimeoutSec==infinity", "Environment=9"] {
        unit(
            &dir,
            &after(&format!("{line}\n").repeat(100_000)),
            &format!("svcadapt: [DIR]/web.service:16386:1: {many}\n  | {line}\n  | ^\n"),
        );
    }
    let words = format!("Environment={}", "A= ".repeat(300_000));
    unit(
        &dir,
        &after(&words),
        &format!(
            "svcadapt: [DIR]/web.service:3:13: Environment=: with the values of lists {many}\n  | {}\n  |             ^\n",
            &words[..120]
        ),
    );
}

/// Accepted input stays within the same bounds.
#[test]
fn largest_allowed_units_are_read() {
    let dir = place();
    let path = dir.join("web.service").display().to_string();
    let sections = "[Service]\n".repeat(400_000);
    let comments = "#\n".repeat(2_000_000);
    let resets = "Nice=x\nNice=\nStandardOutput=tty\nStandardOutput=null\n".repeat(4_000);
    let words = format!("ExecStart=/bin/true {}\n", "a ".repeat(500_000));
    for text in [sections + GOOD, comments + GOOD, resets + GOOD, format!("[Service]\n{words}")] {
        let text = if text.starts_with("Nice") { format!("[Service]\n{text}") } else { text };
        assert!(text.len() <= 4 * 1024 * 1024);
        fs::write(&path, text).unwrap();
        let output = bounded(&dir, &["show", &path]);
        assert_eq!(output.exit, Exit::Status(0), "{}", &output.stderr[..output.stderr.len().min(500)]);
        assert!(output.stdout.contains("\"/bin/true\""));
    }
    // The last line counts, with or without a newline.
    let text = format!("{GOOD}#{}\nNice=7{}\nNice=8", "#".repeat(1_000_000), "\n#".repeat(300_000));
    fs::write(&path, text).unwrap();
    let output = bounded(&dir, &["show", &path]);
    assert!(output.stdout.contains("\"nice\": 8"), "{}{}", output.stdout, output.stderr);
}

#[test]
fn drop_in_link_loop_is_refused() {
    let dir = place();
    dir.write("web.service", GOOD);
    let beside = dir.join("web.service.d");
    // A link to itself as the folder.
    symlink("web.service.d", &beside).unwrap();
    refused(
        &dir,
        "web.service",
        "svcadapt: spec '[DIR]/web.service.d': too many symbolic links encountered\n",
    );
    fs::remove_file(&beside).unwrap();
    // Two folders that link to each other.
    symlink("service.d", &beside).unwrap();
    symlink("web.service.d", dir.join("service.d")).unwrap();
    refused(
        &dir,
        "web.service",
        "svcadapt: spec '[DIR]/web.service.d': too many symbolic links encountered\n",
    );
    fs::remove_file(dir.join("service.d")).unwrap();
    fs::remove_file(&beside).unwrap();
    fs::create_dir(&beside).unwrap();
    // A link to itself as a drop-in, a link to its folder, and a file without an end.
    for (target, cause) in [
        ("a.conf", "too many symbolic links encountered"),
        (".", "not a regular file"),
        ("..", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("nowhere", "no such file or directory"),
    ] {
        symlink(target, beside.join("a.conf")).unwrap();
        let reported = format!("svcadapt: spec '[DIR]/web.service.d/a.conf': {cause}\n");
        refused(&dir, "web.service", &reported);
        fs::remove_file(beside.join("a.conf")).unwrap();
    }
    mkfifo(&beside.join("a.conf"), Mode::S_IRUSR).unwrap();
    refused(&dir, "web.service", "svcadapt: spec '[DIR]/web.service.d/a.conf': not a regular file\n");
    fs::remove_file(beside.join("a.conf")).unwrap();
    // The unit as its own drop-in is no loop, but the second command is refused.
    symlink("../web.service", beside.join("a.conf")).unwrap();
    let output = bounded(&dir, &["show", &dir.join("web.service").display().to_string()]);
    assert_eq!(output.exit, Exit::Status(2), "{}", output.stderr);
    assert!(output.stderr.contains("ExecStart"), "{}", output.stderr);
    // A subfolder is ignored.
    fs::remove_file(beside.join("a.conf")).unwrap();
    symlink("..", beside.join("up")).unwrap();
    let output = bounded(&dir, &["show", &dir.join("web.service").display().to_string()]);
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
}

#[test]
fn thousands_of_drop_ins_are_read_up_to_the_limit() {
    let dir = place();
    let path = dir.write("web.service", GOOD).display().to_string();
    let beside = dir.join("web.service.d");
    fs::create_dir(&beside).unwrap();
    for number in 0..3_000 {
        fs::write(beside.join(format!("{number:04}.conf")), format!("[Service]\nEnvironment=V{number}=x\n"))
            .unwrap();
    }
    let output = bounded(&dir, &["show", &path]);
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
    assert_eq!(output.stdout.matches("=x\"").count(), 3_000);
    let room = "the unit and its drop-ins together have more than 4194304 bytes or 16384 assignments";
    // Many assignments in many files, and few files with many bytes.
    fs::write(beside.join("2000.conf"), format!("[Unit]\n{}", "A=b\n".repeat(14_000))).unwrap();
    refused(&dir, "web.service", &format!("svcadapt: spec '[DIR]/web.service.d/2384.conf': {room}\n"));
    fs::write(beside.join("1000.conf"), "#\n".repeat(1_500_000)).unwrap();
    fs::write(beside.join("1001.conf"), "#\n".repeat(1_500_000)).unwrap();
    refused(&dir, "web.service", &format!("svcadapt: spec '[DIR]/web.service.d/1001.conf': {room}\n"));
    // Many empty ones.
    for number in 0..16_385 {
        fs::write(beside.join(format!("{number:05}.conf")), "").unwrap();
    }
    let many = "svcadapt: spec '[DIR]/web.service.d': the directory has more than 16384 drop-ins\n";
    refused(&dir, "web.service", many);
    refused_words(&dir, &["check", &path], many);
}
