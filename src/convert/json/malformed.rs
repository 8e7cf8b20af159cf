//! What is wrong with a text that is no JSON, in our words.

use serde_json::Error;
use svcadapt_spec::ValueError;

/// What stands at `offset` instead of what has to stand there. serde_json tells it in English of its own, in which a
/// file has an EOF and an array is a sequence, with the place at its end.
pub(super) fn malformed(text: &str, offset: Option<usize>, error: &Error) -> ValueError {
    let said = error.to_string();
    let there = offset.and_then(|offset| text.get(offset..)).and_then(|rest| rest.chars().next());
    if text.trim().is_empty() {
        return ValueError::hinted("the file is empty", ONE_OBJECT);
    }
    for (start, cause, hint) in CAUSES {
        if said.starts_with(start) {
            let hint = if start == VALUE { instead(there) } else { hint };
            return if hint.is_empty() { cause.into() } else { ValueError::hinted(cause, hint) };
        }
    }
    "this is no JSON".into()
}

const VALUE: &str = "expected value";

const ONE_OBJECT: &str = "a service is one object: {\"command\": [\"/bin/program\"]}";

/// How serde_json's message begins, ours, and the cure.
const CAUSES: [(&str, &str, &str); 20] = [
    ("EOF while parsing an object", "the file ends within an object", ""),
    ("EOF while parsing a list", "the file ends within an array", ""),
    ("EOF while parsing a string", "the file ends within a string", ""),
    ("EOF while parsing a value", "the file ends where a value has to stand", ""),
    ("expected `:`", "a colon has to stand between a key and its value", ""),
    ("expected `,` or `]`", "a comma or the end of the array has to stand here", ""),
    ("expected `,` or `}`", "a comma or the end of the object has to stand here", ""),
    ("expected ident", "this is no word of JSON", "true, false and null are"),
    (VALUE, "a value has to stand here", ""),
    (
        "invalid escape",
        "no escape sequence",
        "\\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits are",
    ),
    (
        "invalid number",
        "no number of JSON",
        "it begins with no zero before other digits, and has digits behind its point",
    ),
    ("number out of range", "a number that is too large", ""),
    (
        "control character",
        "a line break or another control character within a string",
        "write it as \\n, or as \\u000a",
    ),
    ("key must be a string", "a key has to stand here", "keys stand in double quotes"),
    ("trailing comma", "nothing follows the comma", "JSON has no comma behind the last one"),
    ("trailing characters", "the object has ended before this", "a file has one service"),
    ("recursion limit", "more than 127 levels deep", ""),
    ("invalid type", ONE_OBJECT, ""),
    ("unexpected end of hex escape", "an escape sequence that is no character", ""),
    ("lone leading surrogate", "an escape sequence that is no character", ""),
];

/// What people write who think of another notation.
fn instead(there: Option<char>) -> &'static str {
    match there {
        Some('/' | '#') => "JSON has no comments, and a text stands in double quotes",
        Some('\'') => "a text stands in double quotes",
        Some(letter) if letter.is_alphabetic() => {
            "a text stands in double quotes; the only words are true, false and null"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(text: &str) -> (String, Option<String>) {
        let error = serde_json::from_str::<Value>(text).unwrap_err();
        let refusal = malformed(text, Some(error.column().saturating_sub(1)), &error);
        (refusal.cause, refusal.hint)
    }

    #[test]
    fn nothing_is_told_in_the_words_of_the_parser() {
        for (text, cause) in [
            ("{", "the file ends within an object"),
            ("", "the file is empty"),
            (" \n", "the file is empty"),
            ("{\"a\"", "the file ends within an object"),
            ("{\"a\":", "the file ends where a value has to stand"),
            ("[1", "the file ends within an array"),
            ("\"a", "the file ends within a string"),
            ("{\"a\" 1}", "a colon has to stand between a key and its value"),
            ("[1 2]", "a comma or the end of the array has to stand here"),
            ("{\"a\":1 \"b\":2}", "a comma or the end of the object has to stand here"),
            ("trux", "this is no word of JSON"),
            ("[,]", "a value has to stand here"),
            ("\"\\x\"", "no escape sequence"),
            ("01", "no number of JSON"),
            ("1e999", "a number that is too large"),
            ("\"\n\"", "a line break or another control character within a string"),
            ("{a:1}", "a key has to stand here"),
            ("[1,]", "nothing follows the comma"),
            ("{} {}", "the object has ended before this"),
            (&"[".repeat(200), "more than 127 levels deep"),
            ("\"\\ud800\"", "an escape sequence that is no character"),
        ] {
            assert_eq!(told(text).0, cause, "{text}");
        }
    }

    #[test]
    fn who_thinks_of_another_notation_is_told_what_json_has_instead() {
        for (text, hint) in [
            ("// x", "JSON has no comments, and a text stands in double quotes"),
            ("'x'", "a text stands in double quotes"),
            ("True", "a text stands in double quotes; the only words are true, false and null"),
        ] {
            assert_eq!(told(text).1.as_deref(), Some(hint));
        }
        assert_eq!(told("[,]").1, None);
    }
}
