//! Units through our reader and systemd's.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt_convert::WriteError;
use svcadapt_convert::divide::{Place, Systemd, Target, divide};
use svcadapt_convert::unit::{UnitFile, UnitName, read, write};
use svcadapt_spec::{Field, ServiceSpec};

use super::{Alphabet, Sample, first_invalid, is_noncharacter};
use crate::support::{Chance, Folder, Judgement};

fn written(spec: &ServiceSpec) -> Result<String, Vec<WriteError>> {
    write(spec, &divide(spec, Target::Systemd(Systemd::default())), Path::new("/usr/bin/svcadapt"))
        .map(|unit| unit.text)
}

/// Sections and directives in their order, as a reader without quoting sees them: a line ends at each byte that ends
/// one for systemd, and a backslash before it would join two.
fn keys(text: &str) -> Vec<String> {
    let lines = text.split(['\n', '\r', '\0']);
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            assert!(
                line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0,
                "{line} is not the end"
            );
            line.split_once('=').map_or(line, |(key, _)| key).to_owned()
        })
        .collect()
}

/// The first byte of a value that systemd.syntax(7), systemd.exec(5) or systemd's UTF-8 check exclude.
fn unfit(field: Option<Field>, value: &OsStr) -> Option<usize> {
    let text = first_invalid(value, |letter| letter == '\0' || is_noncharacter(letter));
    let bytes = value.as_bytes();
    let raw = || {
        let last = bytes.len().checked_sub(1)?;
        let blank = |byte: u8| byte == b' ' || byte == b'\t';
        let joins = bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let line = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        line.or(blank(bytes[0]).then_some(0)).or((blank(bytes[last]) || joins).then_some(last))
    };
    match field {
        None | Some(Field::Environment) => text,
        Some(_) if bytes.is_empty() => Some(0),
        Some(_) => text.or_else(raw),
    }
}

#[test]
fn random_values_round_trip_or_are_refused_at_their_byte() {
    let mut chance = Chance(31);
    let name = UnitName::parse("web.service").unwrap();
    let (mut values, mut refused, mut reasons) = (0, 0, BTreeSet::new());
    while values < 6_000 {
        let alphabet = if chance.below(3) == 0 { Alphabet::Bytes } else { Alphabet::Text };
        let sample = Sample::new(&mut chance, alphabet, 9, 4);
        let spec = sample.spec();
        // A path without doubled slashes, as the spec has it.
        let fields = sample.fields().into_iter().map(|(field, _)| field).collect::<BTreeSet<_>>();
        let mut bad = BTreeSet::new();
        for (index, argument) in sample.arguments.iter().enumerate() {
            bad.extend(
                unfit(None, argument).map(|at| (format!("argument {}", index + 1), argument.clone(), at)),
            );
        }
        for field in fields {
            for value in svcadapt_spec::values(&spec, field) {
                bad.extend(unfit(Some(field), &value).map(|at| (format!("--{}", field.option()), value, at)));
            }
        }
        match written(&spec) {
            Ok(text) => {
                assert!(bad.is_empty(), "{bad:?} in\n{text}");
                assert_eq!(keys(&text), keys(&written(&sample.harmless().spec()).unwrap()), "{text}");
                let file = UnitFile::parse(Path::new("/web.service"), text.as_bytes()).unwrap();
                let reading = read(&name, &file, &[]).unwrap();
                assert!(reading.warnings.is_empty() && reading.not_honoured().is_empty(), "{text}");
                let again = reading.draft.finish().unwrap();
                assert_eq!(again.command, spec.command, "{text}");
                for (field, _) in sample.fields() {
                    let (ours, theirs) =
                        (svcadapt_spec::values(&again, field), svcadapt_spec::values(&spec, field));
                    assert_eq!(ours, theirs, "{text}");
                }
                values += 9 + 4 + 4;
            }
            Err(all) => {
                let reported: BTreeSet<_> =
                    all.iter().map(|one| (one.place.to_string(), one.value.clone(), one.offset)).collect();
                assert_eq!(reported, bad);
                assert!(all.iter().all(|one| one.place != Place::Adapter && !one.reason.is_empty()));
                reasons.extend(all.iter().map(|one| one.reason.to_string()));
                refused += 1;
            }
        }
    }
    assert!(refused > 50 && reasons.len() > 5, "{refused} {reasons:?}");
}

/// Compared as systemd prints them: quoted where necessary, in the given order.
#[test]
fn random_values_mean_the_same_to_systemd() {
    let mut chance = Chance(32);
    let folder = Folder::new();
    let services: Vec<(String, Sample)> = (0..150)
        .map(|number| (format!("e{number}.service"), Sample::new(&mut chance, Alphabet::Text, 22, 8)))
        .collect();
    for (name, sample) in &services {
        folder.write(name, &written(&sample.spec()).unwrap_or_else(|refused| panic!("{}", refused[0])));
    }
    let names: Vec<String> = services.iter().map(|(name, _)| name.clone()).collect();
    let Some(judgement) = Judgement::of(&folder, &names) else { return };
    assert_eq!(judgement.warnings, "");
    for (name, sample) in &services {
        let dump = judgement.unit(name);
        let argv: Vec<OsString> = judgement.argv(name);
        let expected: Vec<OsString> = [&["/bin/web".into()], &sample.arguments[..]].concat();
        // `$$` is one `$` when it is executed.
        let executed: Vec<OsString> =
            argv.iter().map(|word| word.to_str().unwrap().replace("$$", "$").into()).collect();
        assert_eq!(executed, expected, "{dump}");
        let dollars = |words: &[OsString]| {
            words.iter().map(|word| word.as_bytes().split(|byte| *byte == b'$').count() - 1).sum::<usize>()
        };
        assert_eq!(dollars(&argv), 2 * dollars(&expected), "{dump}");
        for (number, value) in sample.variables.iter().enumerate() {
            let line = format!("\t\tEnvironment: V{number}={}\n", value.display());
            assert!(dump.contains(&line), "{line:?} in\n{dump}");
        }
        assert_eq!(dump.matches("\t\tEnvironment: ").count(), sample.variables.len());
        for (setting, value) in [
            ("\tDescription", &sample.description),
            ("\t\tWorkingDirectory", &sample.directory),
            ("\t\tStandardOutputFileToAppend", &sample.output),
            ("\t\tStandardInputFile", &sample.file),
        ] {
            let line = format!("{setting}: {}\n", value.display());
            assert!(dump.contains(&line), "{line:?} in\n{dump}");
        }
    }
}
