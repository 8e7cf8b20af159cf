//! Defaults of one host that another does not have.

use crate::support::{Folder, printed, stderr_of, svcadapt};

#[test]
fn journal_output_is_reported_as_lost_to_launchd() {
    const LOST: &str = "lost: launchd has no journal: output goes to /dev/null and is lost; --standard-output append:PATH keeps it\n";
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let install = "[Install]\nWantedBy=multi-user.target\n";
    let output = || format!("svcadapt: StandardOutput=: {LOST}");
    let line = |number: usize, line: &str| format!("svcadapt: {file}:{number}: {line}: {LOST}");
    for (lines, reported) in [
        ("", output()),
        ("StandardOutput=journal\n", line(3, "StandardOutput=journal")),
        ("StandardOutput=journal\nStandardError=inherit\n", line(3, "StandardOutput=journal")),
        (
            "StandardOutput=kmsg+console\nStandardError=syslog\n",
            line(3, "StandardOutput=kmsg+console") + &line(4, "StandardError=syslog"),
        ),
        ("StandardError=append:/var/log/web\n", output()),
        ("StandardOutput=append:/var/log/web\nStandardError=journal\n", line(4, "StandardError=journal")),
        ("StandardOutput=append:/var/log/web\n", String::new()),
        ("StandardOutput=null\n", String::new()),
    ] {
        folder.write("web.service", &format!("[Service]\nExecStart=/bin/web\n{lines}{install}"));
        let written = svcadapt(["gen-plist", &file]);
        assert_eq!((written.status.code(), stderr_of(&written)), (Some(0), reported.clone()), "{lines}");
        let strict = svcadapt(["gen-plist", "--strict", &file]);
        assert_eq!(strict.status.code(), Some(if reported.is_empty() { 0 } else { 2 }), "{lines}");
    }
    folder.write("web.service", &format!("[Service]\nExecStart=/bin/web\nStandardOutput=journal\n{install}"));
    assert_eq!(stderr_of(&svcadapt(["gen-plist", "--strict", "-o", "/var/log/web.log", &file])), "");
}

#[test]
fn syslog_output_becomes_journal_for_newer_systemds() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let unit = |output: &str, error: &str| {
        format!(
            "[Service]\nStandardInput=socket\nStandardOutput={output}\nStandardError={error}\n\
             ExecStart=/bin/web\n"
        )
    };
    folder.write("web.service", &unit("syslog+console", "syslog"));
    let old = unit("syslog+console", "syslog");
    let new = unit("journal+console", "journal");
    for (version, written) in [("239", &old), ("245", &old), ("246", &new), ("252", &new), ("262", &new)] {
        let version = format!("--systemd-version={version}");
        let text = printed(["gen-unit", "--strict", &version, &file]);
        let mut lines: Vec<&str> = text.lines().collect();
        let mut expected: Vec<&str> = written.lines().collect();
        lines.sort_unstable();
        expected.sort_unstable();
        assert_eq!(lines, expected, "{version}");
    }
}

#[test]
fn user_service_gets_a_namespace_if_its_manager_supports_it() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let unit = |lines: &str| format!("[Service]\n{lines}ExecStart=/bin/web\n");
    let confined = "PrivateTmp=yes\nProtectSystem=strict\nReadOnlyPaths=/srv\n";
    let gen_unit = |version: &str, lines: &str| {
        folder.write("web.service", &unit(lines));
        let output = svcadapt(["gen-unit", "--scope=user", &format!("--systemd-version={version}"), &file]);
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), stderr_of(&output))
    };
    for version in ["254", "262"] {
        let (status, text, reported) = gen_unit(version, confined);
        assert_eq!((status, reported.as_str()), (Some(0), ""), "{version}");
        assert!(confined.lines().all(|line| text.contains(line)), "{text}");
    }
    let (status, text, reported) = gen_unit("253", confined);
    let why = "lost, weakens security: a user manager has the rights for it since systemd 254";
    for (number, line) in [(2, "PrivateTmp=yes"), (3, "ProtectSystem=strict")] {
        assert!(reported.contains(&format!("svcadapt: {file}:{number}: {line}: {why}\n")), "{reported}");
    }
    assert_eq!((status, text.as_str()), (Some(2), ""));
    // Before that version a unit can request the namespace itself.
    let (status, text, reported) = gen_unit("252", &format!("PrivateUsers=yes\n{confined}"));
    assert_eq!((status, reported.as_str()), (Some(0), ""));
    assert!(text.contains("PrivateUsers=yes\n") && text.contains("PrivateTmp=yes\n"), "{text}");
    // Settings that drop root's privileges are still refused.
    for line in ["DynamicUser=yes\n", "CapabilityBoundingSet=CAP_KILL\n", "User=web\n"] {
        assert_eq!(gen_unit("262", line).0, Some(2), "{line}");
    }
}
