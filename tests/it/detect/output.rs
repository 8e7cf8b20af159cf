//! The output and the exit status of `svcadapt detect`.

use std::process::{Output, Stdio};

use serde_json::Value;
use svcadapt::detect::Facts;

use super::support::{PROGRAM, clean, decided};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = clean(PROGRAM);
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn text_begins_with_the_result_and_marks_the_deciding_fact() {
    let output = run(&["detect", "--mode", "classic"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "mode: classic");
    assert!(lines[1].starts_with("manager: "), "{text}");
    assert!(lines[2].starts_with("scope: "), "{text}");
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with("fact "), "{text}");
    assert!(lines[5].starts_with("mode option ") && lines[5].ends_with("  <- decided"), "{text}");
    assert_eq!(text.matches("<- decided").count(), 1, "{text}");
    let column = lines[4].find("meaning").unwrap();
    assert_eq!(lines[5].find("the mode is set by option"), Some(column), "{text}");
    assert!(output.stderr.is_empty() && output.status.success());
}

#[test]
fn json_and_text_agree() {
    let text = String::from_utf8(run(&["detect"], &[]).stdout).unwrap();
    let value: Value = serde_json::from_slice(&run(&["detect", "--json"], &[]).stdout).unwrap();
    let answer = |name: &str| format!("{name}: {}\n", value[name].as_str().unwrap());
    assert!(text.starts_with(&[answer("mode"), answer("manager"), answer("scope")].concat()), "{text}");
    let marked = text.lines().find(|line| line.ends_with("<- decided")).unwrap();
    assert!(marked.starts_with(decided(&value).0), "{text}");
}

#[test]
fn requested_mode_is_printed() {
    for mode in ["classic", "supervised"] {
        let value: Value =
            serde_json::from_slice(&run(&["detect", "--json", "--mode", mode], &[]).stdout).unwrap();
        assert_eq!(value["mode"], mode);
        assert_eq!(decided(&value), ("mode option", Some(mode)));
    }
}

#[test]
fn facts_option_output_can_be_read_back() {
    let value: Value =
        serde_json::from_slice(&run(&["detect", "--facts"], &[("container", "x")]).stdout).unwrap();
    assert_eq!(Facts::from_json(&value).unwrap().variable("container"), Some("x"));
}

#[test]
fn control_characters_in_variables_are_escaped() {
    let enemy = "\x1b[2J\r\n\u{9b}31m\u{202e}mode: supervised\x07\x7f";
    for arguments in [&["detect"][..], &["detect", "--json"], &["detect", "--facts"]] {
        let output = run(arguments, &[("XPC_SERVICE_NAME", enemy), ("NOTIFY_SOCKET", enemy)]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("mode: supervised"), "the value is shown");
        assert!(!text.lines().any(|line| line == "mode: supervised"), "{text}");
        assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
    }
}

#[test]
fn unknown_mode_is_a_usage_error() {
    let output = run(&["detect", "--mode", "nonsense"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}
