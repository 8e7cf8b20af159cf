//! JSON.

use std::fs;

use super::{place, refused};

#[test]
fn oversized_json_is_refused() {
    let dir = place();
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    let (objects, ends) = ("{\"a\":".repeat(10_000), "}".repeat(10_000));
    for (text, column, reported) in [
        (format!("{{\"command\": {open}{close}}}"), 13, "command: nested too deep, or not valid Unicode"),
        (format!("{{\"user\": {objects}1{ends}}}"), 10, "user: nested too deep, or not valid Unicode"),
        (
            format!("{{\"environment\": [{objects}1{ends}]}}"),
            18,
            "environment: nested too deep, or not valid Unicode",
        ),
        (format!("{{\"x\": {open}"), 10_006, "EOF while parsing a list"),
        (objects.clone(), 50_000, "EOF while parsing a value"),
        (open.clone() + &close, 1, "expected an object: {\"command\": [\"/bin/program\"]}"),
    ] {
        fs::write(dir.join("web.json"), &text).unwrap();
        let shown: String = text.chars().take(120).collect();
        let caret = if column <= 120 { format!("  | {:>column$}\n", '^') } else { String::new() };
        refused(
            &dir,
            "web.json",
            &format!("svcadapt: [DIR]/web.json:1:{column}: {reported}\n  | {shown}\n{caret}"),
        );
    }
    for text in [
        " ".repeat(10_000_000),
        format!("{{\"command\": [\"{}\"]}}", "x".repeat(10_000_000)),
        "\0".repeat(10_000_000),
        "[".repeat(10_000_000),
    ] {
        fs::write(dir.join("web.json"), text).unwrap();
        refused(&dir, "web.json", "svcadapt: [DIR]/web.json: larger than 1 MiB\n");
    }
}

/// All mistakes are reported at once, up to a hundred.
#[test]
fn mistakes_beyond_a_hundred_are_counted() {
    let dir = place();
    let keys: Vec<String> = (0..30_000).map(|number| format!("\"{number}\":1")).collect();
    dir.write("web.json", &format!("{{\n{}\n}}", keys.join(",\n")));
    let hint = "svcadapt show --schema lists all keys";
    let reported = (0..100).fold(String::new(), |all, number| {
        let (line, column) = (format!("\"{number}\":1,"), format!("\"{number}\":").len() + 1);
        let place = format!("[DIR]/web.json:{}:{column}", number + 2);
        all + &format!(
            "svcadapt: {place}: unknown key '{number}'\n  | {line}\n  | {:>column$}\n  hint: {hint}\n",
            '^'
        )
    });
    let path = dir.join("web.json").display().to_string();
    super::refused_words(&dir, &["show", &path], &format!("{reported}svcadapt: and 29900 more\n"));
}

#[test]
fn json_value_of_a_wrong_type_is_refused() {
    let dir = place();
    for (value, reported) in [
        (
            "\"umask\": 27",
            "umask: expected a string of octal digits\n  hint: JSON has no octal numbers; write \"0027\"",
        ),
        ("\"nice\": \"5\"", "nice: expected an integer"),
        ("\"nice\": 1e300", "nice: expected an integer"),
        ("\"nice\": 99999999999999999999", "nice: expected an integer"),
        ("\"nice\": null", "nice: expected an integer"),
        ("\"no_new_privileges\": \"yes\"", "no_new_privileges: expected true or false"),
        ("\"user\": 0", "user: expected a string"),
        ("\"user\": [\"root\"]", "user: expected a string"),
        ("\"environment\": \"A=1\"", "environment: expected an array"),
        ("\"environment\": {\"A\": \"1\"}", "environment: expected an array"),
        (
            "\"environment\": [1]",
            "environment: expected a string\n  hint: write a value that is not UTF-8 in hexadecimal: {\"bytes\": \"2fff\"}",
        ),
        ("\"timeout_stop_sec\": 1.5", "timeout_stop_sec: expected an integer (seconds) or a string"),
        ("\"limit_nofile\": -1", "limit_nofile: expected an integer or a string"),
        (
            "\"pid_file\": {\"bytes\": \"2\"}",
            "pid_file: expected a string\n  hint: write a value that is not UTF-8 in hexadecimal: {\"bytes\": \"2fff\"}",
        ),
        ("\"__proto__\": 1", "unknown key '__proto__'\n  hint: svcadapt show --schema lists all keys"),
    ] {
        let line = format!("{{{value}, \"command\": [\"/bin/x\"]}}");
        dir.write("web.json", &line);
        let mut column = line.find(": ").unwrap() + 3;
        if value.starts_with("\"environment\": [") {
            column += 1;
        }
        let (cause, hint) = reported
            .split_once('\n')
            .map_or((reported, String::new()), |(cause, hint)| (cause, format!("{hint}\n")));
        let reported =
            format!("svcadapt: [DIR]/web.json:1:{column}: {cause}\n  | {line}\n  | {:>column$}\n{hint}", '^');
        refused(&dir, "web.json", &reported);
    }
}
