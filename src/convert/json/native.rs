//! The native parts of a spec as JSON: the key `systemd` has the sections of a unit, each with its directives and their
//! values in order; the key `launchd` has the keys of a property list.

use serde_json::{Map, Value, json};
use svcadapt_spec::{Directive, Native, ValueError};

use crate::plist::is_field;

/// The key of the native lines of a unit.
pub(super) const SYSTEMD: &str = "systemd";

/// The key of the native keys of a property list.
pub(super) const LAUNCHD: &str = "launchd";

/// Adds the keys, each only if the spec comes from a file of that host.
pub(super) fn write(native: &Native, object: &mut Map<String, Value>) {
    if let Some(lines) = &native.systemd {
        let mut sections = Map::new();
        for line in lines {
            let section = sections.entry(line.section()).or_insert_with(|| json!({}));
            let values =
                section.as_object_mut().map(|names| names.entry(line.name()).or_insert_with(|| json!([])));
            if let Some(Value::Array(values)) = values {
                values.push(line.value().into());
            }
        }
        object.insert(SYSTEMD.to_owned(), Value::Object(sections));
    }
    if !native.launchd.is_empty() {
        let keys = native.launchd.iter().map(|(key, value)| (key.clone(), as_json(value)));
        object.insert(LAUNCHD.to_owned(), Value::Object(keys.collect()));
    }
}

fn as_json(value: &svcadapt_spec::NativeValue) -> Value {
    match value {
        svcadapt_spec::NativeValue::Boolean(truth) => (*truth).into(),
        svcadapt_spec::NativeValue::Integer(number) => (*number).into(),
        svcadapt_spec::NativeValue::String(text) => text.as_str().into(),
        svcadapt_spec::NativeValue::Array(values) => values.iter().map(as_json).collect(),
        svcadapt_spec::NativeValue::Dict(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), as_json(value))).collect())
        }
    }
}

/// Reads the native lines of a unit.
pub(super) fn systemd(value: &Value) -> Result<Vec<Directive>, ValueError> {
    let shape = || ValueError::from("expected an object of sections, each an object of arrays of strings");
    let mut lines = Vec::new();
    for (section, names) in value.as_object().ok_or_else(shape)? {
        if section == "X-Svcadapt" {
            return Err(ValueError::hinted("[X-Svcadapt] is not allowed here", "use the top-level keys"));
        }
        for (name, values) in names.as_object().ok_or_else(shape)? {
            for value in values.as_array().ok_or_else(shape)? {
                let value = value.as_str().ok_or_else(shape)?;
                let line = Directive::new(section, name, value);
                lines.push(line.map_err(|error| ValueError {
                    cause: format!("{}.{}: {}", section.escape_debug(), name.escape_debug(), error.cause),
                    hint: error.hint,
                })?);
            }
        }
    }
    Ok(Native::group_directives(lines))
}

/// Reads the native keys of a property list.
pub(super) fn launchd(value: &Value) -> Result<Vec<(String, svcadapt_spec::NativeValue)>, ValueError> {
    let keys = value.as_object().ok_or("expected an object of launchd's keys")?;
    let entry = |(key, value): (&String, &Value)| {
        if is_field(key) {
            return Err(ValueError::hinted(
                format!("'{key}' is not allowed here"),
                "use the top-level key of the field",
            ));
        }
        Ok((key.clone(), of_json(value)?))
    };
    keys.iter().map(entry).collect()
}

fn of_json(value: &Value) -> Result<svcadapt_spec::NativeValue, ValueError> {
    Ok(match value {
        Value::Bool(truth) => svcadapt_spec::NativeValue::Boolean(*truth),
        Value::String(text) => svcadapt_spec::NativeValue::String(text.clone()),
        Value::Number(number) => svcadapt_spec::NativeValue::Integer(
            number.as_i64().ok_or("the number is not an integer, or too large")?,
        ),
        Value::Array(values) => {
            svcadapt_spec::NativeValue::Array(values.iter().map(of_json).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => svcadapt_spec::NativeValue::Dict(
            members
                .iter()
                .map(|(key, value)| Ok((key.clone(), of_json(value)?)))
                .collect::<Result<_, ValueError>>()?,
        ),
        Value::Null => return Err("a property list has no null".into()),
    })
}

/// The schema of both keys.
pub(super) fn schema() -> [(&'static str, Value); 2] {
    let lines = json!({ "type": "array", "items": { "type": "string" } });
    let section = json!({ "type": "object", "additionalProperties": lines });
    [
        (
            SYSTEMD,
            json!({
                "type": "object",
                "additionalProperties": section,
                "description": "Settings for systemd only: the sections of a unit with their directives and values",
            }),
        ),
        (
            LAUNCHD,
            json!({
                "type": "object",
                "description": "Settings for launchd only: keys of a property list",
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_whatever_a_section_is_called() {
        let error = systemd(&json!({ "Service]\nX": { "A": ["1"] } })).unwrap_err();
        assert_eq!(error.cause, "Service]\\nX.A: invalid section name");
    }
}
