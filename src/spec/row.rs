//! The row type of the field table.

use super::{Field, Resource};

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
