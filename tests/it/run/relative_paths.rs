//! A relative path on the command line starts at the working directory; one in a file is left to the file's host.

use std::fs;

use crate::harness::{Dir, Svc};

#[test]
fn relative_path_in_an_option_starts_at_the_working_directory() {
    let dir = Dir::new();
    fs::create_dir(dir.join("work")).unwrap();
    dir.write(".env", "GREETING=hello\n");
    let words = ["run", "--mode", "classic", "--type", "oneshot", "--pid-file", "app.pid"];
    let files = ["--environment-file", ".env", "-o", "app.log", "--standard-error=truncate:work/../err"];
    let script = "pwd; echo $GREETING; cat ../app.pid >/dev/null; echo oops >&2";
    Svc::new(&dir).args(words).args(files).args(["-c", "./work", "--", "sh", "-c", script]).run();
    assert_eq!(dir.read("app.log"), format!("{}\nhello\n", dir.join("work").display()));
    assert_eq!(dir.read("err"), "oops\n");
    dir.nothing_left();
}

#[test]
fn relative_path_in_an_option_is_written_as_absolute() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("a/b")).unwrap();
    for (option, line) in [
        ("--working-directory=a/..", "WorkingDirectory=[DIR]"),
        ("--environment-file=-.env", "EnvironmentFile=-[DIR]/.env"),
        ("--standard-output=app.log", "StandardOutput=append:[DIR]/app.log"),
        ("--standard-input=file:in", "StandardInput=file:[DIR]/in"),
        ("--root-directory=a", "RootDirectory=[DIR]/a"),
    ] {
        let output = Svc::new(&dir).args(["gen-unit", option, "--", "/bin/true"]).output();
        let line = line.replace("[DIR]", &dir.path().display().to_string());
        assert!(
            output.stdout.lines().any(|found| found == line),
            "{option}: {}{}",
            output.stdout,
            output.stderr
        );
    }
    // `..` after a link follows the kernel's resolution, not the text.
    std::os::unix::fs::symlink("a/b", dir.join("link")).unwrap();
    let output = Svc::new(&dir).args(["gen-unit", "--working-directory=link/..", "--", "/bin/true"]).output();
    let line = format!("WorkingDirectory={}/a\n", dir.path().display());
    assert!(output.stdout.contains(&line), "{}{}", output.stdout, output.stderr);
}

#[test]
fn option_value_without_a_path_is_unchanged() {
    let dir = Dir::new();
    let shown = |words: &[&str]| {
        let output = Svc::new(&dir).args(["show"]).args(words).args(["--", "/bin/true"]).output();
        output.stdout + &output.stderr
    };
    for (option, kept) in [
        ("--listen-stream=localhost:80", "localhost:80"),
        ("--listen-stream=@abstract/x", "@abstract/x"),
        ("--ready=exec:test -e x", "exec:test -e x"),
        ("--standard-output=null", "\"null\""),
        ("--standard-output=journal", "\"journal\""),
        ("--standard-output=apend:x", "unknown kind of output"),
    ] {
        assert!(shown(&[option]).contains(kept), "{option}: {}", shown(&[option]));
    }
    let path = dir.path().display();
    assert!(shown(&["--ready=unix:s"]).contains(&format!("unix:{path}/s")));
    assert!(shown(&["--listen-stream=./s"]).contains(&format!("{path}/s")));
}

#[test]
fn relative_path_in_a_spec_file_is_refused() {
    let dir = Dir::new();
    dir.write("web.json", r#"{"command": ["/bin/true"], "working_directory": "work"}"#);
    let output = Svc::new(&dir).args(["run", "web.json"]).output();
    assert!(output.stderr.contains("'work': not an absolute path"), "{}", output.stderr);
}
