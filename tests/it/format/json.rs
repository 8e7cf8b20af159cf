//! The neutral model in JSON: written specs are read back, and the schema and the reader agree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use svcadapt_convert::json;
use svcadapt_spec::{Arity, FIELDS, ServiceSpec};

use crate::harness::{rounds, skip};
use crate::support::{Chance, Folder, printed, stderr_of, svcadapt};

fn read(text: &str) -> Result<ServiceSpec, Vec<String>> {
    let problems = |problems: Vec<svcadapt_spec::SpecError>| -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    };
    json::read(text.as_bytes(), Path::new("x.json")).map_err(problems)?.finish().map_err(problems)
}

/// A random spec with any field, and with native lines of each host.
fn random_spec(chance: &mut Chance) -> ServiceSpec {
    ServiceSpec {
        native: crate::support::random_spec::native(chance),
        ..crate::support::random_spec::spec(chance, |_| true)
    }
}

fn problems(text: &str) -> Vec<String> {
    let first = |problem: String| problem.lines().next().unwrap_or_default().to_owned();
    read(text).unwrap_err().into_iter().map(first).collect()
}

#[test]
fn random_specs_round_trip_through_json() {
    let mut chance = Chance(11);
    for _ in 0..rounds(500) {
        let spec = random_spec(&mut chance);
        let text = json::write(&spec);
        assert_eq!(read(&text), Ok(spec), "{text}");
    }
}

/// A random spec with any field.
fn documents() -> Vec<Value> {
    let mut chance = Chance(12);
    let specs = (0..200).map(|_| json::write(&random_spec(&mut chance)));
    specs.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

#[test]
fn schema_has_exactly_the_fields() {
    let schema: Value = serde_json::from_str(&printed(["show", "--schema"])).unwrap();
    let named: BTreeSet<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected: BTreeSet<String> = FIELDS.iter().map(|row| row.option.replace('-', "_")).collect();
    expected.extend(["command", "$schema", "systemd", "launchd"].map(str::to_owned));
    assert_eq!(named, expected.iter().map(String::as_str).collect());
    assert_eq!(schema["additionalProperties"], json!(false));
    for row in &FIELDS {
        let property = &schema["properties"][json::key(row.field)];
        assert_eq!(property["type"] == "array", row.arity == Arity::Many, "{}", row.option);
        assert_eq!(property["description"], row.help);
        let of_one = if row.arity == Arity::Many { &property["items"] } else { property };
        assert!(["type", "enum", "$ref"].iter().any(|word| of_one.get(word).is_some()), "{}", row.option);
    }
    // Every key occurs, or the other tests would prove less.
    let met: BTreeSet<String> =
        documents().iter().flat_map(|document| document.as_object().unwrap().keys().cloned()).collect();
    expected.remove("$schema");
    // Text is written as data.
    expected.remove("standard_input_text");
    assert_eq!(met, expected);
}

/// Prints a letter for each document: v for valid.
const VALIDATOR: &str = "
import json, sys
from jsonschema import Draft202012Validator as V
schema, documents = json.load(sys.stdin)
V.check_schema(schema)
print(''.join('v' if V(schema).is_valid(one) else 'x' for one in documents))
";

#[test]
fn schema_and_reader_accept_the_same_documents() {
    let wrong = [
        json!({ "umask": 27 }),
        json!({ "umask": "8" }),
        json!({ "nice": "5" }),
        json!({ "nice": 20 }),
        json!({ "no_new_privileges": "yes" }),
        json!({ "type": "dbus" }),
        json!({ "environment": "A=1" }),
        json!({ "environment": [1] }),
        json!({ "user": { "bytes": "41" } }),
        json!({ "pid_file": { "bytes": "4" } }),
        json!({ "pid_file": { "bytes": "2f41", "more": 1 } }),
        json!({ "limit_nofile": -1 }),
        json!({ "timeout_stop_sec": 1.5 }),
        json!({ "working-directory": "/" }),
        json!({ "command": [] }),
        json!({ "command": "x" }),
        json!({ "user": null }),
        json!([]),
    ];
    for document in &wrong {
        let mut document = document.clone();
        if let Some(object) = document.as_object_mut().filter(|object| !object.contains_key("command")) {
            object.insert("command".to_owned(), json!(["/x"]));
        }
        assert!(read(&document.to_string()).is_err(), "{document} was taken");
    }
    let mut all = documents();
    let right = all.len();
    all.push(
        json!({ "$schema": "https://example.org/x", "pid_file": { "bytes": "2fFf" }, "limit_cpu": "1min" }),
    );
    all.extend(wrong);
    let folder = Folder::new();
    let schema: Value = serde_json::from_str(&json::schema()).unwrap();
    folder.write("input", &json!([schema, all]).to_string());
    if !Command::new("python3")
        .args(["-c", "import jsonschema"])
        .output()
        .is_ok_and(|out| out.status.success())
    {
        skip("jsonschema", "python3 does not have it");
        return;
    }
    let input = std::fs::File::open(folder.path().join("input")).unwrap();
    let output = Command::new("timeout")
        .args(["60", "python3", "-W", "ignore", "-c", VALIDATOR])
        .stdin(input)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    let verdict = String::from_utf8(output.stdout).unwrap();
    assert_eq!(verdict.trim(), format!("{}{}", "v".repeat(right + 1), "x".repeat(all.len() - right - 1)));
}

#[test]
fn mistakes_are_all_reported_with_their_places() {
    assert_eq!(
        problems(
            "{\n \"usr\": 1,\n \"umask\": 27,\n \"nice\": \"a\", \"command\": [\"a/b\"],\n \"umask\": \"1\"}"
        ),
        [
            "x.json:2:9: unknown key 'usr'",
            "x.json:3:11: umask: expected a string of octal digits",
            "x.json:4:10: nice: expected an integer",
            "x.json:4:26: command: the program's path is relative",
            "x.json:5:11: duplicate key 'umask'",
        ]
    );
    assert_eq!(
        problems("{\"command\": [\"/x\"], \"pid_file\": \"x\"}")[0],
        "x.json:1:33: pid_file 'x': not an absolute path"
    );
    assert_eq!(
        problems("{\"environment\": [\"A=1\",\n \"\"]}")[0],
        "x.json:2:2: environment: an element must not be empty"
    );
    assert_eq!(problems("{\n  \"user\": ,\n}")[0], "x.json:2:11: expected value");
    assert!(problems("")[0].starts_with("x.json:1:1: the file is empty"));
    assert_eq!(problems("[1]")[0], "x.json:1:1: expected an object: {\"command\": [\"/bin/program\"]}");
    assert!(problems("{} {}")[0].starts_with("x.json:1:4: trailing characters"));
    let bytes = json::read(b"{\n\"\xff\"}", Path::new("x.json")).unwrap_err();
    assert!(bytes[0].to_string().starts_with("x.json:2:2: not UTF-8"), "{}", bytes[0]);
}

#[test]
fn empty_list_is_the_empty_set() {
    let spec = read("{\"command\": [\"/x\"], \"capability_bounding_set\": []}").unwrap();
    assert_eq!(spec.capability_bounding_set.unwrap().bits(), 0);
    assert!(json::write(&spec).contains("\"capability_bounding_set\": []"));
    assert_eq!(read("{\"command\": [\"/x\"]}").unwrap().capability_bounding_set, None);
}

#[test]
fn oversized_json_is_refused_in_bounded_time() {
    let begin = Instant::now();
    for text in [
        "[".repeat(10_000),
        format!("{{\"command\": {}", "[".repeat(10_000)),
        format!("{{\"command\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{\"user\": {}{}}}", "{\"bytes\":".repeat(10_000), "}".repeat(10_000)),
        "{\"x\":1,".repeat(10_000),
        format!("{{\"user\": \"{}\"}}", "x".repeat(10_000_000)),
        "\n".repeat(10_000_000),
        "\0".repeat(10_000_000),
    ] {
        assert!(json::read(text.as_bytes(), Path::new("x.json")).is_err());
    }
    let many = format!(
        "{{{}\"umask\":1}}",
        (0..40_000).map(|n| format!("\"{n}\":1,\n")).collect::<Vec<_>>().concat()
    );
    assert_eq!(problems(&many).len(), 40_001);
    assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
}

#[test]
fn damaged_json_never_panics() {
    let mut chance = Chance(13);
    let texts: Vec<String> =
        (0..20).map(|_| json::write(&crate::support::random_spec::spec(&mut chance, |_| true))).collect();
    let mut taken = 0;
    for number in 0..rounds(3000) {
        let mut bytes = texts[number % texts.len()].clone().into_bytes();
        crate::support::damage(&mut chance, &mut bytes, b"{}[]\",:0\\u\xff\n");
        if let Ok(draft) = json::read(&bytes, Path::new("x")) {
            taken += 1;
            let _ = draft.finish();
        }
    }
    assert!((1..3000).contains(&taken), "{taken}");
}

#[test]
fn options_and_command_override_the_file() {
    let folder = Folder::new();
    folder.write(
        "web.json",
        "{\"name\": \"web\", \"umask\": \"027\", \"environment\": [\"A=1\"], \"command\": [\"/bin/web\"]}",
    );
    let file = folder.path().join("web.json").display().to_string();
    let shown: Value = serde_json::from_str(&printed([
        "show",
        "--umask=77",
        "--environment=B=2",
        &file,
        "--",
        "/bin/true",
        "x",
    ]))
    .unwrap();
    assert_eq!(
        shown,
        json!({ "name": "web", "umask": "0077", "environment": ["A=1", "B=2"], "command": ["/bin/true", "x"] })
    );
    let unit = printed(["gen-unit", &file]);
    assert!(unit.contains("ExecStart=/bin/web\n") && unit.contains("UMask=0027\n"), "{unit}");
    let plist = printed(["gen-plist", &file]);
    assert!(plist.contains("<string>web</string>") && plist.contains("<integer>23</integer>"), "{plist}");
}

#[test]
fn json_file_is_run() {
    let folder = Folder::new();
    let words = json!(["/bin/sh", "-c", "umask; echo $A; exit 7"]);
    let spec =
        json!({ "umask": "0027", "environment": ["A=1"], "standard_output": "inherit", "command": words });
    folder.write("web.json", &spec.to_string());
    let file = folder.path().join("web.json");
    let output = svcadapt(["run".as_ref(), "--mode=supervised".as_ref(), file.as_os_str()]);
    assert_eq!(
        (output.status.code(), &output.stdout[..]),
        (Some(7), &b"0027\n1\n"[..]),
        "{}",
        stderr_of(&output)
    );
}

#[test]
fn unknown_kind_of_spec_file_is_refused() {
    let folder = Folder::new();
    folder.write("x.toml", "");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("d.json")).unwrap();
    std::fs::write(path("x.toml"), "").unwrap();
    nix::unistd::mkfifo(path("f.plist").as_str(), nix::sys::stat::Mode::S_IRUSR).unwrap();
    for (name, cause) in [
        ("x.toml", "unknown kind of file"),
        ("missing.json", "no such file or directory"),
        ("d.json", "not a regular file"),
        ("f.plist", "not a regular file"),
    ] {
        let output = svcadapt(["show", &path(name)]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert_eq!(
            stderr_of(&output).lines().next().unwrap(),
            format!("svcadapt: spec '{}': {cause}", path(name))
        );
    }
}

#[test]
fn contradicting_keys_are_refused() {
    let spec = |systemd: &str| {
        format!(
            "{{\"user\": \"web\", \"no_new_privileges\": true, \"working_directory\": \"/srv\", \
             \"command\": [\"/bin/a\", \"b\"], \"systemd\": {{\"Service\": {{{systemd}}}}}}}"
        )
    };
    for agreed in [
        "\"User\": [\"web\"]",
        "\"ExecStart\": [\"-/bin/a b\"], \"WorkingDirectory\": [\"-/srv\"]",
        "\"NoNewPrivileges\": [\"yes\"], \"Type\": [\"dbus\"], \"BusName\": [\"a.b\"]",
    ] {
        assert!(read(&spec(agreed)).is_ok(), "{agreed}");
    }
    for (other, directive) in [
        ("\"User\": [\"root\"]", "User="),
        ("\"User\": [\"web\", \"root\"]", "User="),
        ("\"NoNewPrivileges\": [\"no\"]", "NoNewPrivileges="),
        ("\"ExecStart\": [\"/bin/evil\"]", "ExecStart="),
        ("\"ExecStart\": [\"/bin/a b\", \"/bin/evil\"]", "ExecStart="),
        ("\"WorkingDirectory\": [\"~\"]", "WorkingDirectory="),
    ] {
        let found = problems(&spec(other));
        let cause = format!("{directive} contradicts the top-level key of the field");
        assert!(found.len() == 1 && found[0].ends_with(&cause), "{other}: {found:?}");
    }
    let job = |key: &str| format!("{{\"command\": [\"/bin/a\"], \"launchd\": {{\"{key}\": \"x\"}}}}");
    for key in ["UserName", "GroupName", "Program", "ProgramArguments", "Label", "Umask"] {
        assert!(problems(&job(key))[0].ends_with(&format!("'{key}' is not allowed here")), "{key}");
    }
    assert!(read(&job("ProcessType")).is_ok());
}
