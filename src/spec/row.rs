//! The row type of the field table.

use super::{FIELDS, Field, Resource};

/// How often a field may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Once; the last value wins.
    One,
    /// Any number of times; all values count, and an empty value resets the list.
    Many,
}

/// A field with its names and its help text.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// The field.
    pub field: Field,
    /// The name in a unit. A name that systemd does not have belongs in `[X-Svcadapt]`.
    pub directive: &'static str,
    /// The option without dashes: the directive in kebab case.
    pub option: &'static str,
    /// The short option, where daemonize(1) has one of the same meaning.
    pub short: Option<char>,
    /// The placeholder of the value in help texts.
    pub value: &'static str,
    /// How often it may be set.
    pub arity: Arity,
    /// The help text.
    pub help: &'static str,
}

pub(super) const fn one(
    field: Field,
    directive: &'static str,
    option: &'static str,
    value: &'static str,
    help: &'static str,
) -> FieldRow {
    FieldRow { field, directive, option, short: None, value, arity: Arity::One, help }
}

pub(super) const fn many(
    field: Field,
    directive: &'static str,
    option: &'static str,
    value: &'static str,
    help: &'static str,
) -> FieldRow {
    FieldRow { arity: Arity::Many, ..one(field, directive, option, value, help) }
}

pub(super) const fn short(letter: char, row: FieldRow) -> FieldRow {
    FieldRow { short: Some(letter), ..row }
}

pub(super) const fn limit(
    resource: Resource,
    directive: &'static str,
    option: &'static str,
    help: &'static str,
) -> FieldRow {
    one(Field::Limit(resource), directive, option, "SOFT[:HARD]", help)
}

impl Field {
    fn row(self) -> &'static FieldRow {
        // Every field has a row; a test checks it.
        FIELDS.iter().find(|row| row.field == self).unwrap_or(&FIELDS[0])
    }

    /// systemd's name.
    pub fn directive(self) -> &'static str {
        self.row().directive
    }

    /// The option, without its dashes.
    pub fn option(self) -> &'static str {
        self.row().option
    }

    /// How often it may be set.
    pub fn arity(self) -> Arity {
        self.row().arity
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::DirectoryKind;

    #[test]
    fn field_has_one_row_and_one_name() {
        let distinct = |name: fn(&FieldRow) -> String| FIELDS.iter().map(name).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|row| format!("{:?}", row.field)), FIELDS.len());
        assert_eq!(distinct(|row| row.option.to_owned()), FIELDS.len());
        assert_eq!(distinct(|row| row.directive.to_owned()), FIELDS.len());
        for resource in Resource::ALL {
            assert_eq!(Field::Limit(resource).directive(), format!("Limit{}", resource.name()));
        }
        for kind in DirectoryKind::ALL {
            assert_eq!(
                Field::DirectoryMode(kind).directive(),
                format!("{}Mode", Field::Directory(kind).directive())
            );
        }
    }

    #[test]
    fn option_is_the_directive_in_kebab_case() {
        for row in &FIELDS {
            assert_eq!(row.option.replace('-', ""), row.directive.to_ascii_lowercase(), "{}", row.directive);
        }
    }
}
