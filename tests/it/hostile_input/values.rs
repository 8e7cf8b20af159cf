//! Values that a file cannot carry are refused with field, byte and reason, and nothing is written.

use serde_json::{Value, json};

use super::{place, refused, refused_words};

const UNIT: &[&str] = &["gen-unit", "--output", "out", "--name", "web"];
const PLIST: &[&str] = &["gen-plist", "--output", "out", "--label", "web"];

/// Asserts the refusal of these command line words.
fn refused_line(command: &[&str], words: &[&str], reported: &str) {
    let dir = place();
    refused_words(&dir, &[command, words].concat(), &format!("svcadapt: {reported}\n"));
}

/// Asserts the refusal of this JSON model: a command line cannot contain every value.
fn refused_model(command: &[&str], model: &Value, reported: &str) {
    let dir = place();
    let path = dir.write("web.json", &model.to_string()).display().to_string();
    refused_words(&dir, &[command, &[&path]].concat(), &format!("svcadapt: {reported}\n"));
}

#[test]
fn command_that_a_unit_cannot_carry_is_refused() {
    let argument = "x".repeat(131_072);
    let (part, path) = (format!("/{}", "x".repeat(256)), "/x".repeat(2_048));
    let shown = |text: &str| format!("{}…", &text[..60]);
    let program = |path: &str, at: u8, what: &str| {
        format!("program '{path}': byte {at}: the path of a program cannot contain {what}")
    };
    for (words, reported) in [
        (
            &["/bin/true", "a\u{fdd0}"][..],
            "argument 1 'a\\u{fdd0}': byte 1: a unit cannot contain the noncharacter U+FDD0".to_owned(),
        ),
        (&["/bin/a*b"], program("/bin/a*b", 6, "a pattern character")),
        (&["/bin/a\"b"], program("/bin/a\\\"b", 6, "a quote")),
        (&["/bin/a\\b"], program("/bin/a\\\\b", 6, "a backslash")),
        (&["/bin/a\nb"], program("/bin/a\\nb", 6, "a control character")),
        (&["/bin/a "], "program '/bin/a ': byte 6: the path of a program cannot end with a blank".to_owned()),
        (&["/bin/"], "spec '/bin/': the program's path is empty or ends with '/'".to_owned()),
        (
            &[&part],
            format!("program '{}': byte 256: a file name in the path is longer than 255 bytes", shown(&part)),
        ),
        (&[&path], format!("program '{}': byte 4095: the path is longer than 4095 bytes", shown(&path))),
    ] {
        refused_line(UNIT, &[&["--"], words].concat(), &reported);
    }
    // The kernel allows no longer argument, so only a file can have one.
    let line = json!({ "command": ["/bin/true", "a", argument] }).to_string();
    refused_model(
        UNIT,
        &json!({ "command": ["/bin/true", "a", argument] }),
        &format!(
            "[DIR]/web.json:1:12: command: argument 2 is longer than 131071 bytes\n  | {}\n  | {:>12}",
            &line[..120],
            '^'
        ),
    );
    let reported = "program '/bin/true': byte 1048575: the line would be longer than the 1048575 bytes that systemd reads";
    refused_line(UNIT, &[&["--", "/bin/true"][..], &[&argument[1..]; 8]].concat(), reported);
}

#[test]
fn field_that_a_unit_cannot_carry_is_refused() {
    for (option, reported) in [
        (
            "--description=a\\",
            "--description 'a\\\\': byte 1: a value cannot end with a backslash, which continues the line",
        ),
        ("--description= a", "--description ' a': byte 0: a value cannot begin with a blank"),
        (
            "--working-directory=/a\nExecStart=/bin/evil",
            "--working-directory '/a\\nExecStart=/bin/evil': byte 2: a value cannot contain a line break",
        ),
        (
            "--standard-output=append:/a\r[Service]",
            "--standard-output 'append:/a\\r[Service]': byte 9: a value cannot contain a line break",
        ),
        (
            "--environment=A=\u{ffff}",
            "--environment 'A=\\u{ffff}': byte 2: a unit cannot contain the noncharacter U+FFFF",
        ),
        (
            "--environment-file=/a\n/b",
            "--environment-file '/a\\n/b': byte 2: a value cannot contain a line break",
        ),
    ] {
        refused_line(UNIT, &[option, "--", "/bin/true"], reported);
    }
    for (model, reported) in [
        (json!({ "command": ["/bin/true", { "bytes": "61ff" }] }), "argument 1 'a\u{fffd}': byte 1"),
        (
            json!({ "command": ["/bin/true"], "environment": [{ "bytes": "413dff" }] }),
            "--environment 'A=\u{fffd}': byte 2",
        ),
        (json!({ "command": [{ "bytes": "2f62ff" }] }), "program '/b\u{fffd}': byte 2"),
    ] {
        let reported = format!("{reported}: a unit cannot contain bytes that are not UTF-8");
        refused_model(UNIT, &model, &reported);
    }
}

#[test]
fn value_that_a_property_list_cannot_carry_is_refused() {
    let list = "a property list cannot contain";
    for (words, reported) in [
        (&["--", "/bin/true", "a\u{1}"][..], format!("argument 1 'a\\u{{1}}': byte 1: {list} U+0001")),
        (&["--", "/bin/true", "a\rb"], format!("argument 1 'a\\rb': byte 1: {list} U+000D")),
        (
            &["--environment=A=\u{1b}[31m", "--", "/bin/true"],
            format!("--environment 'A=\\u{{1b}}[31m': byte 2: {list} U+001B"),
        ),
        (
            &["--working-directory=/\u{fffe}", "--", "/bin/true"],
            format!("--working-directory '/\\u{{fffe}}': byte 1: {list} U+FFFE"),
        ),
        (
            &["--limit-data=9223372036854775808", "--", "/bin/true"],
            "--limit-data '9223372036854775808': byte 0: the largest limit on macOS is 9223372036854775807"
                .to_owned(),
        ),
    ] {
        refused_line(PLIST, words, &reported);
    }
    let model = json!({ "command": ["/bin/true", { "bytes": "61ff" }] });
    refused_model(PLIST, &model, &format!("argument 1 'a\u{fffd}': byte 1: {list} bytes that are not UTF-8"));
}

/// A NUL byte would end the string that a program gets.
#[test]
fn nul_byte_in_json_is_refused() {
    let dir = place();
    for (key, value, column, reported) in [
        ("command", "[\"/bin/true\",\"a\\u0000b\"]", 0, "command: argument 1 contains a NUL byte"),
        ("command", "[\"/bin/\\u0000true\"]", 0, "command: argument 0 contains a NUL byte"),
        ("environment", "[\"A=\\u0000\"]", 1, "environment 'A=\\0': it contains a NUL byte"),
        ("working_directory", "\"/a\\u0000b\"", 0, "working_directory '/a\\0b': it contains a NUL byte"),
        ("description", "\"a\\u0000b\"", 0, "description 'a\\0b': it contains a NUL byte"),
    ] {
        let command = if key == "command" { "" } else { ",\"command\":[\"/bin/true\"]" };
        let line = format!("{{\"{key}\":{value}{command}}}");
        dir.write("web.json", &line);
        let column = key.len() + "{\"\":".len() + 1 + column;
        refused(
            &dir,
            "web.json",
            &format!("svcadapt: [DIR]/web.json:1:{column}: {reported}\n  | {line}\n  | {:>column$}\n", '^'),
        );
    }
}
