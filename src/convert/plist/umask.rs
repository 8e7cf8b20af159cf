//! `Umask`, which is an integer or a string.

use svcadapt_spec::ValueError;

use super::tree::{Integer, Value};

/// A umask for a spec, and a warning if it is probably not the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Umask {
    pub(super) octal: String,
    pub(super) doubt: Option<String>,
}

const MAX_UMASK: i128 = 0o777;

/// Reads a umask. An integer is decimal. A string is read by strtoul(3) with base 0: octal after `0`, hexadecimal after
/// `0x`, otherwise decimal.
pub(super) fn umask(value: &Value) -> Result<Umask, ValueError> {
    match value {
        Value::Integer(Integer { number, padded }) => {
            let doubt = (*padded && *number > 7).then_some("an integer is decimal even with a leading zero");
            checked(*number, doubt)
        }
        Value::String(text) => string(text),
        other => Err(format!("Umask must be an integer or a string, not {}", other.kind()).into()),
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
        let cause =
            format!("'{}' is not a valid umask: launchd would read it as {read:04o}", text.escape_debug());
        return Err(ValueError::hinted(cause, "write an octal number with a leading 0: 027"));
    }
    // A number that overflows is out of range too.
    let number = i128::from_str_radix(digits, radix).unwrap_or(i128::MAX);
    checked(number, (radix == 10 && number > 7).then_some("a string without a leading zero is decimal"))
}

fn checked(number: i128, doubt: Option<&str>) -> Result<Umask, ValueError> {
    if !(0..=MAX_UMASK).contains(&number) {
        return Err(ValueError::hinted("a umask is between 0 and 511 (0777)", "an integer is decimal"));
    }
    let octal = format!("{number:04o}");
    let doubt = doubt.map(|doubt| format!("{doubt}: the umask is {octal}"));
    Ok(Umask { octal, doubt })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Option<(String, bool)> {
        umask(value).ok().map(|umask| (umask.octal, umask.doubt.is_some()))
    }

    #[test]
    fn umask_integer_is_decimal() {
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
    fn umask_string_has_the_base_of_strtoul() {
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
        let error = umask(&Value::String("0o27".to_owned())).unwrap_err();
        assert_eq!(error.cause, "'0o27' is not a valid umask: launchd would read it as 0000");
    }
}
