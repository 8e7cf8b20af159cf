//! The keys of the fields.

use svcadapt_spec::{FIELDS, Field};

/// The key of the command: the program and its arguments.
pub const COMMAND: &str = "command";

/// The key with the address of the schema, for editors.
pub(super) const SCHEMA: &str = "$schema";

/// The only key of a value that is not UTF-8.
pub(super) const BYTES: &str = "bytes";

/// The key of a field.
pub fn key(field: Field) -> String {
    field.option().replace('-', "_")
}

/// The field of a key.
pub(super) fn field(name: &str) -> Option<Field> {
    let same = |option: &str| {
        option.len() == name.len()
            && option.bytes().map(|byte| if byte == b'-' { b'_' } else { byte }).eq(name.bytes())
    };
    FIELDS.iter().find(|row| same(row.option)).map(|row| row.field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        for row in &FIELDS {
            assert_eq!(field(&key(row.field)), Some(row.field));
            assert!(
                key(row.field) != COMMAND
                    && key(row.field)
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
        }
    }
}
