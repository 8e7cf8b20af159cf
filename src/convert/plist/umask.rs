//! `Umask`, in the two ways in which it is written.

use svcadapt_spec::ValueError;

use super::tree::{Integer, Value};

/// A umask as it has to be said to a spec, and what is likely to be another than was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Umask {
    pub(super) octal: String,
    pub(super) doubt: Option<String>,
}

const MOST: i128 = 0o777;

/// An integer is decimal. A string is what strtoul(3) makes of it, which finds the base by itself: octal after a
/// `0`, hexadecimal after `0x`, else decimal.
pub(super) fn umask(value: &Value) -> Result<Umask, ValueError> {
    match value {
        Value::Integer(Integer { number, padded }) => {
            let doubt =
                (*padded && *number > 7).then_some("an integer is decimal, whatever zeros it begins with");
            taken(*number, doubt)
        }
        Value::String(text) => string(text),
        other => Err(format!("{} is no umask", other.kind()).into()),
    }
}

fn string(text: &str) -> Result<Umask, ValueError> {
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let unsigned = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => (digits, 16),
        _ if unsigned.starts_with('0') => (unsigned, 8),
        _ => (unsigned, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    if end < digits.len() || digits.is_empty() {
        let read = i128::from_str_radix(&digits[..end], radix).unwrap_or(0);
        let cause = format!("'{}' is no umask: launchd would read it as {read:04o}", text.escape_debug());
        return Err(ValueError::hinted(cause, "write an octal number that begins with 0, as 027"));
    }
    // What is longer is out of range all the same.
    let number = i128::from_str_radix(digits, radix).unwrap_or(i128::MAX);
    taken(number, (radix == 10 && number > 7).then_some("a string without a 0 in front is decimal"))
}

fn taken(number: i128, doubt: Option<&str>) -> Result<Umask, ValueError> {
    if !(0..=MOST).contains(&number) {
        return Err(ValueError::hinted("a umask is between 0 and 511 (0777)", "an integer is decimal"));
    }
    let octal = format!("{number:04o}");
    let doubt = doubt.map(|doubt| format!("{doubt}: this is the umask {octal}"));
    Ok(Umask { octal, doubt })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Option<(String, bool)> {
        umask(value).ok().map(|umask| (umask.octal, umask.doubt.is_some()))
    }

    #[test]
    fn an_integer_is_decimal() {
        for (number, padded, octal, doubt) in [
            (18, false, "0022", false),
            (27, true, "0033", true),
            (2, true, "0002", false),
            (511, false, "0777", false),
            (0, false, "0000", false),
        ] {
            let value = Value::Integer(Integer { number, padded });
            assert_eq!(read(&value), Some((octal.to_owned(), doubt)), "{number}");
        }
        for number in [-1, 512, i128::from(u64::MAX)] {
            assert_eq!(read(&Value::Integer(Integer { number, padded: false })), None, "{number}");
        }
    }

    #[test]
    fn a_string_has_the_base_that_strtoul_finds() {
        for (text, octal, doubt) in [
            ("027", "0027", false),
            ("0", "0000", false),
            (" +022", "0022", false),
            ("0x1F", "0037", false),
            ("27", "0033", true),
            ("7", "0007", false),
        ] {
            assert_eq!(read(&Value::String(text.to_owned())), Some((octal.to_owned(), doubt)), "{text}");
        }
        for text in
            ["", "0o27", "027 ", "-1", "089", "0x", "x", "01000", "99999999999999999999999999999999999999999"]
        {
            assert_eq!(read(&Value::String(text.to_owned())), None, "{text}");
        }
        let refusal = umask(&Value::String("0o27".to_owned())).unwrap_err();
        assert_eq!(refusal.cause, "'0o27' is no umask: launchd would read it as 0000");
    }
}
