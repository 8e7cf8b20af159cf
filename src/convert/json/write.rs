//! Writes a spec as JSON.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};
use svcadapt_spec::{Arity, FIELDS, Field, FieldKind as JsonKind, ServiceSpec, values};

use super::key::{BYTES, COMMAND, key};
use super::{is_set, native};

/// Writes all fields that are set, in the order of the fields, with a final newline. Equal specs give equal texts.
pub fn write(spec: &ServiceSpec) -> String {
    let mut object = Map::new();
    for row in &FIELDS {
        let values = values(spec, row.field);
        let value = match (row.arity, &values[..]) {
            (_, []) => continue,
            (Arity::One, [value, ..]) => element(row.field, value),
            (Arity::Many, all) if is_set(row.field) => all.iter().flat_map(|value| words(value)).collect(),
            (Arity::Many, all) => all.iter().map(|value| element(row.field, value)).collect(),
        };
        object.insert(key(row.field), value);
    }
    native::write(&spec.native, &mut object);
    if !spec.command.is_native() {
        object.insert(COMMAND.to_owned(), spec.command.argv().map(bytes).collect());
    }
    format!("{:#}\n", Value::Object(object))
}

fn words(value: &OsStr) -> Vec<Value> {
    value.to_string_lossy().split_ascii_whitespace().map(Value::from).collect()
}

fn element(field: Field, value: &OsStr) -> Value {
    let text = value.to_str();
    match field.kind() {
        JsonKind::Boolean => (text == Some("yes")).into(),
        JsonKind::Integer(..) | JsonKind::Limit => match text.and_then(|text| text.parse::<i64>().ok()) {
            Some(number) => number.into(),
            None => bytes(value),
        },
        _ => bytes(value),
    }
}

fn bytes(value: &OsStr) -> Value {
    if let Some(text) = value.to_str() {
        return text.into();
    }
    let mut digits = String::new();
    for byte in value.as_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    json!({ BYTES: digits })
}
