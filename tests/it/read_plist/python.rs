//! Property lists written by Python are read, and they mean the same to Python.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use svcadapt_convert::plist::ParsedJob;

use super::{binary, job, reading};
use crate::harness::{rounds, skip};
use crate::support::{Chance, Folder, damage};

/// Reads documents, in hexadecimal, with Python, and prints the job, or null.
const READER: &str = "
import json, plistlib, sys
for line in sys.stdin:
    try:
        data = bytes.fromhex(line)
        job = plistlib.loads(data, fmt=plistlib.FMT_BINARY if data[:8] == b'bplist00' else plistlib.FMT_XML)
        words = job.get('ProgramArguments', [])
        if 'Program' in job: words[:1] = [job['Program']]
        environment = {n: v for n, v in job.get('EnvironmentVariables', {}).items() if isinstance(v, str)}
        print(json.dumps([job.get('Label'), words, environment]))
    except Exception: print('null')
";

/// Writes jobs with Python, in binary and in XML, and prints them in hexadecimal.
const WRITER: &str = "
import json, plistlib, sys
for line in sys.stdin:
    for fmt in plistlib.FMT_XML, plistlib.FMT_BINARY:
        print(plistlib.dumps(json.loads(line), fmt=fmt).hex())
";

fn python(program: &str, lines: &[String]) -> Option<Vec<String>> {
    let folder = Folder::new();
    folder.write("input", &(lines.join("\n") + "\n"));
    let input = std::fs::File::open(folder.path().join("input")).unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        skip("python3", "there is no such program");
        return None;
    }
    let output = Command::new("timeout")
        .args(["60", "python3", "-c", program])
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
    (0..hexadecimal.len()).step_by(2).map(digits).collect()
}

/// svcadapt's reading of a document, in the form of `READER`.
fn ours(reading: &ParsedJob) -> Option<Value> {
    let spec = reading.draft.clone().finish().ok()?;
    let environment: serde_json::Map<_, _> = spec
        .environment
        .assignments
        .iter()
        .map(|set| (set.name.to_string(), set.value.to_str().unwrap().into()))
        .collect();
    let words: Vec<_> = spec.command.argv().map(|word| word.to_str().unwrap()).collect();
    Some(json!([reading.label, words, environment]))
}

#[test]
fn plists_written_by_python_are_read() {
    let mut chance = Chance(22);
    let jobs: Vec<Value> = (0..100)
        .map(|_| {
            let mut words = vec!["/bin/web".to_owned()];
            words.extend((0..chance.below(20)).map(|_| chance.text(40, "\n]]>")));
            json!({
                "Label": "x", "RunAtLoad": true, "ProgramArguments": words, "Nice": 7,
                "EnvironmentVariables": { "A": chance.text(300, "\n"), "B": chance.below(70_000), "C": "" },
            })
        })
        .collect();
    let Some(written) = python(WRITER, &jobs.iter().map(Value::to_string).collect::<Vec<_>>()) else {
        return;
    };
    assert_eq!(written.len(), 200);
    for (document, job) in written.iter().zip(jobs.iter().flat_map(|job| [job, job])) {
        let reading = reading(&bytes(document)).unwrap();
        let set = &job["EnvironmentVariables"];
        let expected = json!(["x", job["ProgramArguments"], { "A": set["A"], "C": "" }]);
        assert_eq!(ours(&reading), Some(expected));
        assert_eq!(reading.draft.finish().unwrap().nice, Some(7));
    }
}

/// It never panics, and Python reads every accepted document alike.
#[test]
fn damaged_plist_is_read_as_by_python_or_refused() {
    let mut chance = Chance(23);
    let text = job(
        "<key>ProgramArguments</key><array><string>x</string><string>a &amp; &#60;b&#x3e;</string><string/></array>
         <!-- c --><key>EnvironmentVariables</key><dict><key>A</key><string>1</string><key>B</key><integer>2</integer></dict>
         <key>UserName</key><string>www</string><key>Umask</key><integer>18</integer><key>KeepAlive</key><true/>",
    );
    let binary = binary(&text);
    let (mut taken, mut documents) = (Vec::new(), Vec::new());
    for number in 0..rounds(6000) {
        let mut bytes = if number % 3 == 0 { binary.clone() } else { text.clone().into_bytes() };
        damage(&mut chance, &mut bytes, b"<>&;/!-[]?\"' =\r\n\xffa0x");
        if let Ok(reading) = reading(&bytes)
            && let Some(read) = ours(&reading)
        {
            taken.push(read);
            documents.push(bytes);
        }
    }
    assert!(taken.len() > rounds(150), "{}", taken.len());
    let lines: Vec<String> = documents.iter().map(|document| hexadecimal(document)).collect();
    let Some(others) = python(READER, &lines) else { return };
    let mut different = Vec::new();
    for ((own, other), document) in taken.iter().zip(&others).zip(&documents) {
        let other: Value = serde_json::from_str(other).unwrap();
        if own != &other {
            different.push(format!("{own}\n{other}\n{}", String::from_utf8_lossy(document)));
        }
    }
    assert!(different.is_empty(), "{}: {}", different.len(), different.join("\n"));
    assert_eq!(taken.len(), others.len());
}
