//! The order of versions (uapi-group.org, "Version Format Specification"): `6.2~rc1` < `6.2` < `6.2-1` < `6.2.1` < `6.10`.

use std::cmp::Ordering;

/// Which of two versions is newer.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        (left, right) = (from_valid(left), from_valid(right));
        if let Some(order) = separator(b'~', &mut left, &mut right) {
            return order;
        }
        // A version that goes on is newer.
        if left.is_empty() || right.is_empty() {
            return left.len().cmp(&right.len());
        }
        for sign in *b"-^." {
            if let Some(order) = separator(sign, &mut left, &mut right) {
                return order;
            }
        }
        let numeric = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        let order = if numeric(left) || numeric(right) {
            let (one, other) = (take(&mut left, u8::is_ascii_digit), take(&mut right, u8::is_ascii_digit));
            // A number is newer than letters.
            let both = (!one.is_empty()).cmp(&!other.is_empty());
            let (one, other) = (without_zeros(one), without_zeros(other));
            both.then(one.len().cmp(&other.len())).then(one.cmp(other))
        } else {
            take(&mut left, u8::is_ascii_alphabetic).cmp(take(&mut right, u8::is_ascii_alphabetic))
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Skips a separator that both have. If only one has it, that one is older.
fn separator(sign: u8, left: &mut &[u8], right: &mut &[u8]) -> Option<Ordering> {
    match (left.strip_prefix(&[sign]), right.strip_prefix(&[sign])) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(one), Some(other)) => {
            (*left, *right) = (one, other);
            None
        }
    }
}

fn from_valid(text: &[u8]) -> &[u8] {
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"~-^.".contains(byte);
    text.iter().position(valid).map_or(&[], |at| &text[at..])
}

/// Takes the bytes at the start for which this holds.
fn take<'a>(text: &mut &'a [u8], holds: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|byte| !holds(byte)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    digits.iter().position(|&digit| digit != b'0').map_or(&[], |at| &digits[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_their_specification() {
        let ascending = [
            "~1",
            "",
            "ab",
            "abb",
            "abc",
            "0001",
            "002",
            "12",
            "122",
            "122.9",
            "123~rc1",
            "123",
            "123-a",
            "123-a.1",
            "123-a1",
            "123-a1.1",
            "123-3",
            "123-3.1",
            "123^patch1",
            "123^1",
            "123.a-1",
            "123.1-1",
            "123a-1",
            "124",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(compare(one, other), at.cmp(&other_at), "{one} {other}");
            }
        }
    }

    #[test]
    fn versions_that_differ_in_zeros_or_foreign_signs_are_equal() {
        for (one, other) in [("123", "000123"), ("12_.3", "12.3"), ("", "_")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }
}
