//! Small units with one feature each, and systemd's reading of them; see `tests/fixtures`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use svcadapt_convert::unit::{UnitFile, UnitName, read};
use svcadapt_spec::{FIELDS, Field, LimitValue, ServiceSpec, Timespan, values};

/// Properties that systemd derives from others or prints under another name.
const DERIVED: [&str; 7] = [
    "RestartKillSignal",
    "RequiresMountsFor",
    "After",
    "Requires",
    "StandardInputFile",
    "StandardOutputFileToAppend",
    "StandardErrorFileToTruncate",
];

/// The settings of a spec as systemd would print them.
fn settings(spec: &ServiceSpec) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for row in &FIELDS {
        let our_values: Vec<String> =
            values(spec, row.field).iter().map(|value| value.to_string_lossy().into_owned()).collect();
        if our_values.is_empty()
            || matches!(row.field, Field::Name | Field::Ready | Field::ExpandVariables | Field::Argv0)
            // The commands are compared by their words, and systemd prints no set of statuses as it was written.
            || row.directive.starts_with("Exec") || row.directive.ends_with("ExitStatus")
        {
            continue;
        }
        if matches!(row.field, Field::OnFailure | Field::OnSuccess) {
            let values = our_values.iter().map(|unit| format!("{unit} (origin-file)"));
            all.insert(row.directive.to_owned(), values.collect());
            continue;
        }
        if matches!(row.field, Field::Condition | Field::Assert) {
            for (kind, value) in our_values.iter().filter_map(|value| value.split_once('=')) {
                let of_kind: &mut Vec<String> = all.entry(format!("{}{kind}", row.directive)).or_default();
                of_kind.push(format!("{value} untested"));
            }
            continue;
        }
        all.insert(row.directive.to_owned(), our_values);
    }
    for (&resource, limit) in &spec.limits {
        let number = |ceiling| match ceiling {
            LimitValue::At(number) => vec![number.to_string()],
            LimitValue::Infinity => vec![u64::MAX.to_string()],
        };
        all.insert(format!("Limit{}", resource.name()), number(limit.hard));
        all.insert(format!("Limit{}Soft", resource.name()), number(limit.soft));
    }
    for stream in ["StandardInput", "StandardOutput", "StandardError"] {
        if let Some(our_values) = all.get_mut(stream) {
            let kind = our_values[0].find(':').unwrap_or(our_values[0].len());
            our_values[0].truncate(kind);
        }
    }
    all
}

fn span(text: &str) -> Option<Timespan> {
    Timespan::parse(std::ffi::OsStr::new(text)).ok()
}

#[test]
fn recorded_cases_are_read_as_systemd_read_them() {
    let cases: Value = serde_json::from_str(include_str!("../../fixtures/unit-syntax-cases.json")).unwrap();
    let (mut held, mut foreign, mut wrong) = (0, 0, Vec::new());
    for case in cases.as_array().unwrap() {
        let unit = case["unit"].as_str().unwrap();
        let Some(name) = UnitName::parse(unit) else {
            foreign += 1;
            continue;
        };
        held += 1;
        let problems = compare(&name, case);
        wrong.extend(problems.into_iter().map(|problem| format!("{unit}: {problem}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // The others are a socket and a timer each.
    assert_eq!((held, foreign), (98, 3));
}

fn compare(name: &UnitName, case: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let expected = &case["expect"];
    let file = |wanted: &dyn Fn(&str) -> bool| {
        case["files"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(file, _)| wanted(file))
            .map(|(file, text)| UnitFile::parse(Path::new(file), text.as_str().unwrap().as_bytes()))
            .collect::<Result<Vec<_>, _>>()
    };
    let files =
        file(&|file| !file.contains('/')).and_then(|files| Ok((files, file(&|file| file.contains('/'))?)));
    let reading = files.and_then(|(units, drop_ins)| {
        let reading = read(name, &units[0], &drop_ins)?;
        Ok((reading, [units, drop_ins].concat()))
    });
    let loaded = expected["load_state"] == "loaded";
    let (reading, files) = match reading {
        Ok(read) if loaded => read,
        Err(_) if !loaded => return wrong,
        Ok(_) => return vec![format!("systemd: {}", expected["load_state"])],
        Err(faults) => return vec![faults[0].to_string()],
    };
    let argv: BTreeMap<_, _> = super::argv(name, &files);
    let expected_argv: BTreeMap<String, Vec<Vec<std::ffi::OsString>>> =
        serde_json::from_value::<BTreeMap<String, Vec<Vec<String>>>>(expected["commands"].clone())
            .unwrap()
            .into_iter()
            .map(|(directive, all)| {
                (directive, all.into_iter().map(|argv| argv.into_iter().map(Into::into).collect()).collect())
            })
            .collect();
    if argv != expected_argv {
        wrong.push(format!("{argv:?}, not {expected_argv:?}"));
    }
    for warning in expected["warnings"].as_array().unwrap() {
        let Some(line) = warning["line"].as_u64() else { continue };
        let text = files[0].lines.iter().find(|at| at.spot.line as u64 == line);
        let ours = text.is_none_or(|line| FIELDS.iter().any(|row| row.directive == line.key));
        let special = warning["message"].as_str().unwrap().starts_with("Special user");
        let reported = reading
            .warnings
            .iter()
            .any(|fault| fault.place().and_then(|(_, spot)| spot).is_some_and(|s| s.line as u64 == line));
        let newer = case["same_in_257"] == false;
        if ours && !special && !newer && !reported {
            wrong.push(format!("no warning: {warning}"));
        }
    }
    if expected["warnings"].as_array().unwrap().is_empty() {
        wrong.extend(reading.warnings.iter().map(|fault| format!("warns: {fault}")));
    }
    let unmapped = reading.unmapped;
    let Ok(spec) = reading.draft.finish() else {
        if expected_argv.contains_key("ExecStart") {
            wrong.push("no spec".to_owned());
        }
        return wrong;
    };
    let differs = expected["differs_from_defaults"].as_object().unwrap();
    let ours = settings(&spec);
    for (setting, value) in differs {
        let value: Vec<String> = serde_json::from_value(value.clone()).unwrap();
        let same = match ours.get(setting) {
            Some(our_values) if setting.starts_with("Timeout") => span(&our_values[0]) == span(&value[0]),
            Some(our_values) if unmapped.iter().any(|line| line.directive == *setting) => {
                value.starts_with(our_values)
            }
            Some(our_values) => *our_values == value,
            None => unmapped
                .iter()
                .any(|line| line.directive == *setting || line.directive.starts_with("StandardInput")),
        };
        let oneshot =
            setting == "TimeoutStartSec" && spec.service_type.is_some_and(|t| t.to_string() == "oneshot");
        if !same && !oneshot && !DERIVED.contains(&setting.as_str()) {
            wrong.push(format!("{setting}: {:?}, not {value:?}", ours.get(setting)));
        }
    }
    for (setting, our_values) in &ours {
        let default = match setting.as_str() {
            "Type" => our_values[0] == "simple" || case["same_in_257"] == false,
            "TimeoutStopSec" | "TimeoutStartSec" => span(&our_values[0]) == span("90"),
            "RemainAfterExit" => our_values[0] == "no",
            "KillSignal" => our_values[0] == "SIGTERM",
            "UMask" => our_values[0] == "0022",
            "LimitMEMLOCKSoft" => our_values[0] == "8388608",
            // systemd does not show the data.
            "StandardInputData" => true,
            "StandardError" => spec.standard_error == spec.standard_output,
            _ => false,
        };
        if !differs.contains_key(setting) && !default {
            wrong.push(format!("{setting} is {our_values:?}, and systemd has its default"));
        }
    }
    wrong
}
