//! The values of a property list without further elements.

use crate::plist::tree::{Integer, Value};

/// Reads the text of an element.
pub(super) fn scalar(name: &str, text: String) -> Result<Value, String> {
    let trimmed = text.trim_matches(blank);
    match name {
        "string" => return Ok(Value::String(text)),
        "true" | "false" if trimmed.is_empty() => return Ok(Value::Boolean(name == "true")),
        "integer" => return integer(trimmed).map(Value::Integer),
        "real" if trimmed.parse::<f64>().is_ok() => return Ok(Value::Real),
        "date" if is_date(trimmed) => return Ok(Value::Date),
        "data" if text.chars().all(|c| blank(c) || c.is_ascii_alphanumeric() || "+/=".contains(c)) => {
            return Ok(Value::Data);
        }
        _ => (),
    }
    Err(match name {
        "true" | "false" => format!("<{name}/> cannot contain text"),
        _ => format!("'{}' is not a valid {name}", trimmed.escape_debug()),
    })
}

/// Whether this is white space in XML.
pub(super) fn blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

/// Reads a decimal integer, even with leading zeros, or a hexadecimal one after `0x`.
fn integer(text: &str) -> Result<Integer, String> {
    let invalid = || format!("'{}' is not a valid integer", text.escape_debug());
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(invalid());
    }
    let number = u64::from_str_radix(digits, radix).map(|number| sign * i128::from(number));
    match number {
        Ok(number) if number >= i128::from(i64::MIN) => {
            Ok(Integer { number, padded: radix == 10 && digits.len() > 1 && digits.starts_with('0') })
        }
        _ => Err(format!("'{}' does not fit into 64 bits", text.escape_debug())),
    }
}

/// Whether this is a date: `2026-01-31T12:00:00Z`.
fn is_date(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00Z";
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            shape => byte == shape,
        })
}
