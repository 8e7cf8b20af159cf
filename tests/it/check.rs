//! `svcadapt check` reports mistakes with their places, and nothing that is correct.

mod installed_units;
mod known_mistakes;
mod this_machine;

use serde_json::{Value, json};

use crate::harness::{Dir, Exit, Svc};

/// What `--json` prints.
fn findings(dir: &Dir, arguments: &[&str]) -> Vec<Value> {
    let output = Svc::new(dir).args(["check", "--json"]).args(arguments).output();
    assert_eq!(output.stderr, "", "{arguments:?}");
    assert!(output.stdout.is_ascii(), "only printable ASCII reaches a terminal");
    serde_json::from_str(&output.stdout).unwrap()
}

/// The codes of all findings.
fn codes(dir: &Dir, arguments: &[&str]) -> Vec<String> {
    let code = |finding: &Value| finding["code"].as_str().unwrap().to_owned();
    findings(dir, arguments).iter().map(code).collect()
}

#[test]
fn finding_has_place_reason_and_hint() {
    let dir = Dir::new();
    dir.write("web.service", "[Service]\nExecStart=/bin/ls -c true $PORT\nUser=root\n");
    Svc::new(&dir)
        .args(["check", "web.service"])
        .status(1)
        .stdout(
            "web.service:2:27: warning SVC303: nothing sets PORT, and systemd drops the argument\n\
             \x20 | ExecStart=/bin/ls -c true $PORT\n\
             \x20 |                           ^\n\
             \x20 why: systemd drops such a word: the program gets one argument less\n\
             \x20 hint: set it with Environment=, write ${NAME} to keep an empty argument, or $$ for a dollar sign\n",
        )
        .run();
    assert_eq!(
        findings(&dir, &["web.service"]),
        [json!({
            "file": "web.service",
            "line": 2,
            "column": 27,
            "code": "SVC303",
            "severity": "warning",
            "message": "nothing sets PORT, and systemd drops the argument",
            "why": "systemd drops such a word: the program gets one argument less",
            "hint": "set it with Environment=, write ${NAME} to keep an empty argument, or $$ for a dollar sign",
        })]
    );
}

#[test]
fn exit_status_shows_whether_there_are_findings() {
    let dir = Dir::new();
    dir.write("good.service", "[Service]\nExecStart=/bin/sh\n");
    dir.write("bad.service", "[Service]\nExecStart=/bin/sh\nKillMode=none\n");
    dir.write("note.service", "[Service]\nType=forking\nExecStart=/bin/sh\n");
    dir.write("good.json", r#"{"command": ["/bin/sh"]}"#);
    dir.write("bad.json", r#"{"command": ["/bin/sh"], "umask": "999"}"#);
    dir.write("x.conf", "[Service]\n");
    let status = |arguments: &[&str], status: i32| {
        let output = Svc::new(&dir).args(["check"]).args(arguments).output();
        assert_eq!(output.exit, Exit::Status(status), "{arguments:?}: {output:?}");
        output
    };
    status(&["good.service", "good.json"], 0);
    status(&["good.service", "bad.service"], 1);
    status(&["bad.json"], 1);
    assert!(status(&["note.service"], 0).stdout.contains("note SVC603"), "a note is printed");
    status(&["--ignore", "SVC606", "bad.service"], 0);
    status(&["--ignore", "svc101,svc606", "bad.service"], 0);
    status(&["--ignore", "SVC603", "bad.service"], 1);
    status(&[], 2);
    status(&["x.conf"], 2);
    let output = status(&["bad.service", "missing.service"], 2);
    assert!(output.stdout.contains("SVC606"), "what can be read is looked at: {output:?}");
    assert_eq!(status(&["--ignore", "SVC999", "bad.service"], 2).stdout, "");
    status(&["--systemd-version", "1", "bad.service"], 2);
}

#[test]
fn note_on_several_files_is_printed_once() {
    let dir = Dir::new();
    for name in ["a.service", "b.service"] {
        dir.write(name, "[Service]\nType=forking\nExecStart=/bin/sh\nKillMode=none\n");
    }
    let output = Svc::new(&dir).args(["check", "--elsewhere", "a.service", "b.service"]).output().stdout;
    assert_eq!(output.matches("note SVC603").count(), 1, "{output}");
    assert!(output.contains("\n  also: b.service:2:6\n"), "{output}");
    assert_eq!(output.matches("warning SVC606").count(), 2, "only notes are: {output}");
    assert_eq!(codes(&dir, &["--elsewhere", "a.service", "b.service"]).len(), 4, "--json has all of them");
    let job = |label: &str| {
        format!(
            "<plist version=\"1.0\"><dict><key>Label</key><string>{label}</string><key>Program</key>\
             <string>/bin/sh</string><key>KeepAlive</key><true/></dict></plist>\n"
        )
    };
    dir.write("a.plist", &job("a"));
    dir.write("b.plist", &job("b"));
    let output = Svc::new(&dir).args(["check", "--elsewhere", "a.plist", "b.plist"]).output().stdout;
    assert_eq!(output.matches("note SVC").count(), 1, "one note for both keys and both files: {output}");
}

#[test]
fn generated_job_that_expands_variables_has_no_finding() {
    let dir = Dir::new();
    let job = [
        "--name",
        "org.a",
        "--environment",
        "PORT=80",
        "--expand-variables",
        "--output",
        ".",
        "--",
        "/bin/web",
    ];
    Svc::new(&dir).args(["gen-plist", "--allow-loss"]).args(job).args(["$PORT", "${PORT}x"]).output();
    assert!(dir.read("org.a.plist").contains("<string>$PORT</string>"), "{}", dir.read("org.a.plist"));
    assert_eq!(codes(&dir, &["--elsewhere", "org.a.plist"]), [""; 0]);
}

#[test]
fn codes_option_prints_every_rule_in_full() {
    let dir = Dir::new();
    let text = Svc::new(&dir).args(["check", "--codes"]).output().stdout;
    for rule in svcadapt_convert::lint::rules::all() {
        let reported = format!(
            "{} {}: {}\n  why: {}\n  hint: {}\n",
            rule.code, rule.severity, rule.summary, rule.why, rule.hint
        );
        assert!(text.contains(&reported), "{}", rule.code);
    }
}

#[test]
fn unit_folder_decides_the_scope() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.join("systemd/user")).unwrap();
    let text = "[Service]\nExecStart=/bin/sh\n[Install]\nWantedBy=multi-user.target\n";
    dir.write("systemd/user/web.service", text);
    dir.write("web.service", text);
    assert_eq!(codes(&dir, &["systemd/user/web.service"]), ["SVC608"]);
    assert_eq!(codes(&dir, &["--scope", "system", "systemd/user/web.service"]), [""; 0]);
    assert_eq!(codes(&dir, &["web.service"]), [""; 0]);
    assert_eq!(codes(&dir, &["--scope", "user", "web.service"]), ["SVC608"]);
}

#[test]
fn drop_in_and_socket_of_a_unit_are_checked() {
    let dir = Dir::new();
    std::fs::create_dir(dir.join("web.service.d")).unwrap();
    dir.write("web.service", "[Service]\nExecStart=/bin/sh\n");
    dir.write("web.service.d/a.conf", "[Service]\nExecStart=/bin/sh\n");
    dir.write("web.socket", "[Socket]\nListenStraem=80\n");
    let found = findings(&dir, &["web.service"]);
    let reported: Vec<_> =
        found.iter().map(|one| (one["file"].as_str().unwrap(), one["code"].as_str().unwrap())).collect();
    assert_eq!(reported, [("web.service.d/a.conf", "SVC601"), ("web.socket", "SVC201")]);
}

#[test]
fn malformed_file_is_refused_in_bounded_time() {
    let dir = Dir::new();
    for (text, cause) in [
        ("[Service]\nExecStart=/bin/sh\0\n".to_owned(), "NUL"),
        ("\0".repeat(1 << 20), "NUL"),
        ("x".repeat(2 << 20), "the line is longer than"),
        ("[Service]\nExecStart=/bin/sh\n".repeat(400_000), "larger than"),
        ("[Service]\n# x\n".repeat(200_000) + "Foo\n", "ExecStart="),
    ] {
        dir.write("web.service", &text);
        let found = findings(&dir, &["web.service"]);
        let reported = found
            .iter()
            .any(|one| one["code"] == "SVC101" && one["message"].as_str().unwrap().contains(cause));
        assert!(reported, "{cause}: {} {:?}", found.len(), found.first());
    }
    dir.write("web.plist", &"<plist><array>".repeat(50_000));
    assert_eq!(codes(&dir, &["web.plist"]), ["SVC101"]);
    dir.write("web.json", &"[".repeat(10_000));
    assert_eq!(codes(&dir, &["web.json"]), ["SVC103"]);
}
