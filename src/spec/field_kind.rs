//! The kinds of values, for formats that have more than text.

/// A kind of value. Of a field that can be said many times it is the kind of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A string of octal digits, of at most so many.
    Octal(usize),
    /// One of systemd's names for the types of services.
    Type,
    /// One of systemd's names for the times to restart.
    Restart,
    /// A whole number, or a string `SOFT:HARD`.
    Limit,
    /// A whole number of seconds, or a string as systemd.time(7) has it.
    Time,
    /// A string.
    String,
    /// A string, or bytes that are not UTF-8.
    Bytes,
}
