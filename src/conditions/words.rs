//! The values in the parameters of conditions: words, truth values, sizes.

/// Splits at white space; quotes hold words together, and a backslash takes the next letter as it is. `None`: a quote has
/// no end.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    read(text, WordSyntax::Unit)
}

/// The same for a kernel's command line, where a quote without an end is one to the end of the line.
pub(super) fn split_relaxed(text: &str) -> Vec<String> {
    read(text, WordSyntax::Kernel).unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WordSyntax {
    Unit,
    Kernel,
}

fn read(text: &str, syntax: WordSyntax) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', _) if syntax == WordSyntax::Unit => word.get_or_insert_default().push(letters.next()?),
            (letter, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_ascii_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    (quote.is_none() || syntax == WordSyntax::Kernel).then_some(words)
}

/// A truth value (systemd.syntax(7)).
pub(super) fn boolean(text: &str) -> Option<bool> {
    let is_one = |names: [&str; 6]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    match () {
        () if is_one(["1", "yes", "y", "true", "t", "on"]) => Some(true),
        () if is_one(["0", "no", "n", "false", "f", "off"]) => Some(false),
        () => None,
    }
}

/// A size in bytes: `1.5G`, in powers of 1024.
pub(super) fn size(text: &str) -> Option<u64> {
    const UNITS: [(char, u32); 7] =
        [('B', 0), ('K', 10), ('M', 20), ('G', 30), ('T', 40), ('P', 50), ('E', 60)];
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let mut letters = unit.chars();
    let shift = match (letters.next(), letters.next()) {
        (None, _) => 0,
        (Some(unit), None) => UNITS.iter().find(|(known, _)| *known == unit)?.1,
        (Some(_), Some(_)) => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let bytes = whole.parse::<u64>().ok()?.checked_mul(1_u64.checked_shl(shift)?)?;
    let digits = part.get(..part.len().min(9))?;
    let fraction = digits.parse::<u128>().ok()? << shift;
    let fraction = fraction / 10_u128.pow(u32::try_from(digits.len()).ok()?);
    bytes.checked_add(u64::try_from(fraction).ok()?)
}

/// A percentage of at most 100 in hundredths of a percent: `12.5%` is 1250.
pub(super) fn percentage(text: &str) -> Option<u32> {
    let (number, digits) = match (text.strip_suffix('%'), text.strip_suffix('‰'), text.strip_suffix('‱'))
    {
        (Some(number), ..) => (number, 2),
        (_, Some(number), _) => (number, 1),
        (.., Some(number)) => (number, 0),
        (None, None, None) => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let has_only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || number.ends_with('.') || part.len() > digits || !has_only_digits(part) {
        return None;
    }
    let hundredths: u32 = format!("{whole}{part:0<digits$}").parse().ok()?;
    Some(hundredths).filter(|hundredths| *hundredths <= 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_space_outside_of_quotes() {
        assert_eq!(split(" a  'b c' d\"e f\"g h\\ i '' ").unwrap(), ["a", "b c", "de fg", "h i", ""]);
        assert_eq!(split("").unwrap(), [""; 0]);
        assert_eq!((split("a 'b"), split("a\\")), (None, None));
        assert_eq!(split_relaxed("a 'b c"), ["a", "b c"]);
        assert_eq!(split_relaxed("a=\\x"), ["a=\\x"]);
    }

    #[test]
    fn truth_values_are_those_of_systemd() {
        for text in ["1", "yes", "Y", "TRUE", "t", "on"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["0", "no", "n", "False", "F", "off"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "2", "maybe", " yes"] {
            assert_eq!(boolean(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_powers_of_1024() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("7B", Some(7)),
            ("1K", Some(1024)),
            ("1.5G", Some(3 << 29)),
            ("1 G", Some(1 << 30)),
            ("15E", Some(15 << 60)),
            ("16E", None),
            ("1k", None),
            ("1KB", None),
            ("", None),
            (".5G", None),
            ("-1", None),
            ("1.K", None),
            ("1.2.3", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn percentages_are_read_in_hundredths() {
        for (text, hundredths) in [
            ("0%", Some(0)),
            ("12.5%", Some(1250)),
            ("0.05%", Some(5)),
            ("100%", Some(10_000)),
            ("5‰", Some(50)),
            ("5‱", Some(5)),
            ("100.01%", None),
            ("1.234%", None),
            ("1", None),
            ("%", None),
            ("1.%", None),
            ("-1%", None),
        ] {
            assert_eq!(percentage(text), hundredths, "{text}");
        }
    }
}
