//! The JSON Schema of the model (draft 2020-12), made from the table of fields.

use serde_json::{Map, Value, json};
use svcadapt_spec::{Arity, FIELDS, FieldKind as Kind, Restart, ServiceType};

use super::key::{BYTES, COMMAND, SCHEMA, key};
use super::native;

/// Writes the schema, with a final newline. It accepts what the reader takes for the right kinds of values; whether
/// a path is absolute or a user's name is one, only the reader says.
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
        "title": "A service, as svcadapt knows it",
        "description": "Keys are the options of svcadapt run in snake case. A key that is missing is not said.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": {
            "text": {
                "description": "A text, or in hexadecimal the bytes of what is not UTF-8",
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

fn one(kind: Kind) -> Map<String, Value> {
    let shape = match kind {
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Octal(most) => json!({ "type": "string", "pattern": format!("^(0o)?0*[0-7]{{1,{most}}}$") }),
        Kind::Type => json!({ "enum": ServiceType::ALL.map(|(_, name)| name) }),
        Kind::Restart => json!({ "enum": Restart::ALL.map(|(_, name)| name) }),
        Kind::Limit | Kind::Time => json!({ "type": ["integer", "string"], "minimum": 0 }),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "$ref": TEXT }),
    };
    match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    }
}
