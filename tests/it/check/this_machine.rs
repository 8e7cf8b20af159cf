//! Checks that depend on the machine: accounts, files and permissions.

use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::codes;
use crate::harness::{Capability, Dir, Exit, Svc, require};

fn set_mode(dir: &Dir, name: &str, mode: u32) {
    fs::set_permissions(dir.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn missing_user_program_and_files_are_reported_unless_elsewhere() {
    let dir = Dir::new();
    dir.write(
        "web.service",
        "[Service]\nExecStart=/no/such/program\nUser=no-such-user\nGroup=no-such-group\n\
         EnvironmentFile=/no/such/file\nWorkingDirectory=/no/such/directory\nReadWritePaths=/no/such/path\n",
    );
    assert_eq!(codes(&dir, &["web.service"]), ["SVC311", "SVC401", "SVC402", "SVC501", "SVC502", "SVC504"]);
    assert_eq!(codes(&dir, &["--elsewhere", "web.service"]), [""; 0]);
}

#[test]
fn file_mode_of_a_unit_is_checked() {
    let dir = Dir::new();
    dir.write("web.service", "[Service]\nExecStart=/bin/sh\n");
    for (mode, expected) in [(0o644, &[][..]), (0o600, &[]), (0o666, &["SVC104"]), (0o755, &["SVC105"])] {
        set_mode(&dir, "web.service", mode);
        assert_eq!(codes(&dir, &["web.service"]), expected, "{mode:o}");
    }
}

#[test]
fn readable_environment_file_is_checked() {
    let dir = Dir::new();
    dir.write("env", "# one \\\nA=1\nexport B=2\nC=\"3\" # three\n");
    dir.write(
        "web.service",
        &format!("[Service]\nExecStart=/bin/sh\nEnvironmentFile={}\n", dir.join("env").display()),
    );
    assert_eq!(codes(&dir, &["web.service"]), ["SVC505", "SVC506", "SVC507"]);
    if !require(Capability::Root) {
        return;
    }
    // A file that may not be read is not reported as missing.
    set_mode(&dir, "env", 0o600);
    Svc::new(&dir).by("nobody").args(["check", "web.service"]).run();
    fs::create_dir(dir.join("closed")).unwrap();
    set_mode(&dir, "closed", 0o700);
    let hidden = dir.join("closed/env");
    dir.write(
        "hidden.service",
        &format!("[Service]\nExecStart=/bin/sh\nEnvironmentFile={}\n", hidden.display()),
    );
    Svc::new(&dir).by("nobody").args(["check", "hidden.service"]).run();
    assert_eq!(codes(&dir, &["hidden.service"]), ["SVC501"]);
    set_mode(&dir, "web.service", 0o600);
    let output = Svc::new(&dir).by("nobody").args(["check", "web.service"]).output();
    assert_eq!(output.exit, Exit::Status(2), "{output:?}");
}

/// A job whose log lies there.
fn job(dir: &Dir, log: &str) {
    let text = format!(
        "<plist version=\"1.0\">\n<dict>\n<key>Label</key>\n<string>org.web</string>\n<key>Program</key>\n\
         <string>/bin/sh</string>\n<key>RunAtLoad</key>\n<true/>\n<key>UserName</key>\n<string>nobody</string>\n\
         <key>StandardOutPath</key>\n<string>{}</string>\n</dict>\n</plist>\n",
        dir.join(log).display()
    );
    dir.write("org.web.plist", &text);
}

#[test]
fn log_closed_to_the_jobs_user_is_reported() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    for name in ["roots", "open", "closed"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    set_mode(&dir, "roots", 0o755);
    set_mode(&dir, "open", 0o777);
    set_mode(&dir, "closed", 0o700);
    for (log, expected, opens) in [
        ("roots/log", &["SVC808"][..], false),
        ("open/log", &[], true),
        ("closed/log", &["SVC808"], false),
        ("roots/new/log", &["SVC808"], false),
        ("open/new/log", &["SVC809"], false),
    ] {
        job(&dir, log);
        assert_eq!(codes(&dir, &["org.web.plist"]), expected, "{log}");
        // The same open, tried as that user.
        let tried =
            Svc::new(&dir).by("nobody").program("/bin/sh").args(["-c", "exec >>\"$0\"", log]).output();
        assert_eq!(tried.exit == Exit::Status(0), opens, "{log}: {tried:?}");
    }
}

#[test]
fn quarantined_property_list_is_reported() {
    if !require(Capability::Python) {
        return;
    }
    let dir = Dir::new();
    job(&dir, "log");
    let path = dir.join("org.web.plist");
    let script = "import os, sys; os.setxattr(sys.argv[1], 'user.com.apple.quarantine', b'0081;0;x;')";
    let marked = Command::new("/usr/bin/python3").args(["-c", script]).arg(&path).output().unwrap();
    if !marked.status.success() {
        return crate::harness::skip("xattr", "the file system has no extended attributes of users");
    }
    assert!(codes(&dir, &["org.web.plist"]).contains(&"SVC109".to_owned()));
    // A rewritten file has no quarantine mark.
    fs::remove_file(&path).unwrap();
    job(&dir, "log");
    assert!(!codes(&dir, &["org.web.plist"]).contains(&"SVC109".to_owned()));
}
