//! The JSON Schema of the model (draft 2020-12), made from the table of fields.

use serde_json::{Map, Value, json};
use svcadapt_spec::{Arity, FIELDS, FieldKind as JsonKind, Restart, ServiceType};

use super::key::{BYTES, COMMAND, SCHEMA, key};
use super::native;

/// Writes the schema, with a final newline. It checks the keys and the types of their values. Only the reader checks
/// the values themselves, such as absolute paths and names of users.
pub fn schema() -> String {
    let mut properties = Map::new();
    properties.insert(SCHEMA.to_owned(), json!({ "type": "string" }));
    for row in &FIELDS {
        let mut of_one = one(row.field.kind());
        let value = match row.arity {
            Arity::One => {
                of_one.insert("description".to_owned(), row.help.into());
                Value::Object(of_one)
            }
            Arity::Many => json!({ "type": "array", "items": of_one, "description": row.help }),
        };
        properties.insert(key(row.field), value);
    }
    let words = json!({
        "type": "array",
        "items": { "$ref": TEXT },
        "minItems": 1,
        "description": "The program, by an absolute path or a bare name, and its arguments",
    });
    properties.insert(COMMAND.to_owned(), words);
    properties.extend(native::schema().map(|(key, value)| (key.to_owned(), value)));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A service for svcadapt",
        "description": "Keys are the options of svcadapt run in snake case. A missing key is not set.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": {
            "text": {
                "description": "A string, or in hexadecimal the bytes of a value that is not UTF-8",
                "anyOf": [
                    { "type": "string" },
                    {
                        "type": "object",
                        "properties": { BYTES: { "type": "string", "pattern": "^([0-9A-Fa-f]{2})*$" } },
                        "required": [BYTES],
                        "additionalProperties": false,
                    },
                ],
            },
        },
    });
    format!("{schema:#}\n")
}

const TEXT: &str = "#/$defs/text";

fn one(kind: JsonKind) -> Map<String, Value> {
    let shape = match kind {
        JsonKind::Boolean => json!({ "type": "boolean" }),
        JsonKind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        JsonKind::Octal(most) => {
            json!({ "type": "string", "pattern": format!("^(0o)?0*[0-7]{{1,{most}}}$") })
        }
        JsonKind::Type => json!({ "enum": ServiceType::ALL.map(|(_, name)| name) }),
        JsonKind::Choice(names) => json!({ "enum": names }),
        JsonKind::Restart => json!({ "enum": Restart::ALL.map(|(_, name)| name) }),
        JsonKind::Limit | JsonKind::Time => json!({ "type": ["integer", "string"], "minimum": 0 }),
        JsonKind::String => json!({ "type": "string" }),
        JsonKind::Bytes => json!({ "$ref": TEXT }),
    };
    match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    }
}
