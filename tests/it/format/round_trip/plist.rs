//! Property lists through our reader, Python's reader, and xmllint with their document type.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use svcadapt_convert::WriteError;
use svcadapt_convert::divide::{Target, divide};
use svcadapt_convert::plist::{Label, read, write};
use svcadapt_spec::{Field, Scope, ServiceSpec, values};

use super::{Alphabet, Sample, first_invalid};
use crate::gen_plist::read as python;
use crate::harness::skip;
use crate::support::{Chance, Folder, stderr_of};

/// The document type of property lists. `version` is the only attribute.
const DTD: &str = r#"<!ENTITY % value "array|dict|data|date|real|integer|string|true|false">
<!ELEMENT plist (%value;)>
<!ATTLIST plist version CDATA "1.0">
<!ELEMENT array (%value;)*>
<!ELEMENT dict (key, (%value;))*>
<!ELEMENT key (#PCDATA)>
<!ELEMENT string (#PCDATA)>
<!ELEMENT data (#PCDATA)>
<!ELEMENT date (#PCDATA)>
<!ELEMENT real (#PCDATA)>
<!ELEMENT integer (#PCDATA)>
<!ELEMENT true EMPTY>
<!ELEMENT false EMPTY>
"#;

fn written(spec: &ServiceSpec) -> Result<String, Vec<WriteError>> {
    let label = Label::parse("org.example.web".as_ref()).unwrap();
    write(spec, &divide(spec, Target::Launchd(Scope::System)), &label, Path::new("/usr/bin/svcadapt"))
        .map(|list| list.text)
}

/// The characters that XML 1.0 excludes, and the carriage return, which no reader preserves.
fn illegal(letter: char) -> bool {
    letter < ' ' && !"\t\n".contains(letter) || "\u{fffe}\u{ffff}".contains(letter)
}

#[test]
fn random_values_round_trip_or_are_refused_at_their_byte() {
    let mut chance = Chance(41);
    let (mut read_back, mut refused) = (0, 0);
    while read_back < 6_000 {
        let alphabet = if chance.below(3) == 0 { Alphabet::Bytes } else { Alphabet::Text };
        let sample = Sample::new(&mut chance, alphabet, 9, 4);
        let spec = sample.spec();
        let mut bad = BTreeSet::new();
        for (index, argument) in sample.arguments.iter().enumerate() {
            let at = first_invalid(argument, illegal);
            bad.extend(at.map(|at| (format!("argument {}", index + 1), argument.clone(), at)));
        }
        for value in values(&spec, Field::Environment) {
            let at = first_invalid(&value, illegal);
            bad.extend(at.map(|at| ("--environment".to_owned(), value, at)));
        }
        for (field, prefix) in [
            (Field::WorkingDirectory, ""),
            (Field::StandardOutput, "append:"),
            (Field::StandardInput, "file:"),
        ] {
            let value = values(&spec, field).remove(0);
            // launchd has a key only for the path.
            let path =
                OsString::from(std::ffi::OsStr::new(&value)).into_encoded_bytes().split_off(prefix.len());
            let path: OsString = std::os::unix::ffi::OsStringExt::from_vec(path);
            let at = first_invalid(&path, illegal);
            bad.extend(at.map(|at| (format!("--{}", field.option()), path, at)));
        }
        match written(&spec) {
            Ok(text) => {
                assert!(bad.is_empty(), "{bad:?} in\n{text}");
                let again = read(text.as_bytes(), Path::new("/x.plist")).unwrap().draft.finish().unwrap();
                assert_eq!(again.command, spec.command, "{text}");
                for field in
                    [Field::Environment, Field::WorkingDirectory, Field::StandardOutput, Field::StandardInput]
                {
                    assert_eq!(values(&again, field), values(&spec, field), "{text}");
                }
                read_back += 9 + 4 + 3;
            }
            Err(all) => {
                let found: BTreeSet<_> =
                    all.iter().map(|one| (one.place.to_string(), one.value.clone(), one.offset)).collect();
                assert_eq!(found, bad);
                refused += 1;
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn random_values_mean_the_same_to_python_and_fit_the_dtd() {
    let mut chance = Chance(42);
    let all: Vec<Sample> = (0..120).map(|_| Sample::new(&mut chance, Alphabet::Text, 22, 8)).collect();
    let texts: Vec<String> = all.iter().map(|sample| written(&sample.spec()).unwrap()).collect();
    let harmless: Vec<String> =
        all.iter().map(|sample| written(&sample.harmless().spec()).unwrap()).collect();
    valid(&texts);
    let (Some(jobs), Some(harmless)) = (python(&texts), python(&harmless)) else { return };
    let text = |value: &OsString| value.to_str().unwrap().to_owned();
    for ((sample, job), harmless) in all.iter().zip(&jobs).zip(&harmless) {
        let mut argv = vec!["/bin/web".to_owned()];
        argv.extend(sample.arguments.iter().map(text));
        assert_eq!(job["ProgramArguments"], json!(argv));
        let variables = sample.variables.iter().enumerate();
        let variables: serde_json::Map<String, Value> =
            variables.map(|(number, value)| (format!("V{number}"), text(value).into())).collect();
        assert_eq!(job["EnvironmentVariables"], Value::Object(variables));
        assert_eq!(job["WorkingDirectory"], text(&sample.directory));
        assert_eq!(job["StandardOutPath"], text(&sample.output));
        assert_eq!(job["StandardInPath"], text(&sample.file));
        assert_eq!(keys(job), keys(harmless));
    }
}

/// All keys, however deep.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            object.iter().flat_map(|(key, value)| std::iter::once(key.clone()).chain(keys(value))).collect()
        }
        Value::Array(array) => array.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

/// xmllint accepts every document, and would refuse a bad one.
fn valid(texts: &[String]) {
    if Command::new("xmllint").arg("--version").output().is_err() {
        return skip("xmllint", "there is no such program");
    }
    let folder = Folder::new();
    folder.write("plist.dtd", DTD);
    let check = |names: &[String]| {
        let mut command = Command::new("timeout");
        command.args(["60", "xmllint", "--noout", "--nonet", "--dtdvalid", "plist.dtd"]).args(names);
        command.current_dir(folder.path()).output().unwrap()
    };
    let names: Vec<String> = (0..texts.len()).map(|number| format!("{number}.xml")).collect();
    for (name, text) in names.iter().zip(texts) {
        folder.write(name, text);
    }
    let output = check(&names);
    assert!(output.status.success(), "{}", stderr_of(&output));
    folder.write("bad.xml", &texts[0].replacen("<key>", "<string>", 1).replacen("</key>", "</string>", 1));
    assert!(!check(&["bad.xml".to_owned()]).status.success());
}
