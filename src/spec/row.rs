//! What a row of the list of fields is made of.

use super::{Field, Resource};

/// How often a field may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Once; the last one wins.
    One,
    /// Any number of times; all count, and an empty value forgets those before it.
    Many,
}

/// What a person has to know of a field.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// The field.
    pub field: Field,
    /// systemd's name for it; one that systemd does not know stands in `[X-Svcadapt]`.
    pub directive: &'static str,
    /// The option, without its dashes: the directive in kebab case.
    pub option: &'static str,
    /// The option's letter, where daemonize(1) has one that means the same.
    pub short: Option<char>,
    /// What stands for the value in a usage text.
    pub value: &'static str,
    /// How often it may be said.
    pub arity: Arity,
    /// What it does, in a sentence.
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
