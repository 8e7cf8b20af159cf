//! A log in a directory of the service: systemd would open the log before it creates the directory, so the adapter
//! opens it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::harness::{Dir, Svc, Systemd, copy_program, wait_until};
use crate::support::{Folder, printed};

const KINDS: [(&str, &str); 5] = [
    ("runtime", "/run"),
    ("state", "/var/lib"),
    ("cache", "/var/cache"),
    ("logs", "/var/log"),
    ("configuration", "/etc"),
];

#[test]
fn log_in_a_service_directory_exists_at_the_first_start() {
    let Some(systemd) = Systemd::shared() else { return };
    let adapter = systemd.path("/opt/it-own-directory-svcadapt");
    copy_program(Path::new(env!("CARGO_BIN_EXE_svcadapt")), &adapter);
    for (kind, base) in KINDS {
        for user in ["", "daemon"] {
            // Another user cannot write to a directory of root's.
            if kind == "configuration" && !user.is_empty() {
                continue;
            }
            let name = format!("it-own-{kind}{user}");
            let directory = format!("--{kind}-directory={name}");
            let log = format!("{base}/{name}/log");
            let error = format!("--standard-error=append:{base}/{name}/errors");
            let mut words =
                vec!["gen-unit", "--svcadapt=/opt/it-own-directory-svcadapt", &directory, "-o", &log, &error];
            if !user.is_empty() {
                words.extend(["--user", user]);
            }
            words.extend(["--", "/bin/sh", "-c", "echo out; echo err >&2; exec sleep 1000"]);
            let dir = Dir::new();
            let text = Svc::new(&dir).args(words).output().stdout;
            assert!(text.contains(" run --mode systemd "), "{text}");
            let service = format!("{name}.service");
            systemd.write_unit(&service, &text);
            systemd.must(&["start", &service]);
            let read = |file: &str| {
                fs::read_to_string(systemd.path(&format!("{base}/{name}/{file}"))).unwrap_or_default()
            };
            wait_until("the service has written", || (read("errors") == "err\n").then_some(()));
            assert_eq!(read("log"), "out\n", "{name}");
            let owner = fs::metadata(systemd.path(&format!("{base}/{name}"))).unwrap().uid();
            assert_eq!(owner == 0, user.is_empty(), "{name}");
            systemd.must(&["stop", &service]);
            let _ = fs::remove_file(systemd.path("/run/systemd/system").join(&service));
        }
    }
    let _ = fs::remove_file(adapter);
}

#[test]
fn log_outside_service_directories_is_left_to_systemd() {
    for (directory, output) in [
        ("--logs-directory=web", "/var/log/website/x"),
        ("--logs-directory=web", "/var/log/x"),
        ("--state-directory=web", "/var/log/web/x"),
    ] {
        let text = printed(["gen-unit", directory, "-o", output, "--", "/bin/web"]);
        assert!(text.contains(&format!("StandardOutput=append:{output}\n")), "{text}");
        assert!(text.contains("ExecStart=/bin/web\n"), "{text}");
    }
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    folder.write(
        "web.service",
        "[Service]\nLogsDirectory=web\nStandardOutput=append:/var/log/web/x\nExecStart=/bin/web\n",
    );
    assert!(printed(["gen-unit", "--strict", &file]).contains("StandardOutput=append:/var/log/web/x\n"));
}
