//! Compares the result of a command with the expected one, and prints the difference.

use std::fmt::Write;

use super::svc::Output;

const RULE: &str = "────────────────────────────────────────────────────────────────";

/// The difference as text; `None` if all is as expected.
///
/// `names` are placeholders with one value each; `[PID]` and `[ANY]` are known to [`matches`].
pub(super) fn difference(expected: &Output, got: &Output, names: &[(String, String)]) -> Option<String> {
    let mut text = String::new();
    for (name, expected, got) in
        [("stdout", &expected.stdout, &got.stdout), ("stderr", &expected.stderr, &got.stderr)]
    {
        let expected = names.iter().fold(expected.clone(), |text, (name, value)| text.replace(name, value));
        if !matches(&expected, got) {
            let _ = write!(
                text,
                "── {name}, expected {RULE}\n{}── {name}, got {RULE}\n{}",
                visible(&expected),
                visible(got)
            );
        }
    }
    if expected.exit != got.exit {
        let _ = writeln!(text, "── expected {}, got {} {RULE}", expected.exit, got.exit);
        // Standard error usually explains a wrong status.
        if matches(&expected.stderr, &got.stderr) && !got.stderr.is_empty() {
            text.push_str(&visible(&got.stderr));
        }
    }
    (!text.is_empty()).then(|| text + RULE)
}

/// Whether `text` is `pattern`, where `[PID]` is any number and `[ANY]` any text in one line.
fn matches(pattern: &str, text: &str) -> bool {
    let next = [("[PID]", pattern.find("[PID]")), ("[ANY]", pattern.find("[ANY]"))]
        .into_iter()
        .filter_map(|(name, at)| Some((at?, name)))
        .min();
    let Some((at, name)) = next else { return pattern == text };
    let Some(text) = text.strip_prefix(&pattern[..at]) else { return false };
    let rest = &pattern[at + name.len()..];
    if name == "[PID]" {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        return length > 0 && matches(rest, &text[length..]);
    }
    let line = text.find('\n').unwrap_or(text.len());
    (0..=line).any(|length| text.is_char_boundary(length) && matches(rest, &text[length..]))
}

/// Marks a missing final newline, and makes control characters visible.
fn visible(text: &str) -> String {
    let mut lines: String = text
        .split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => {
                format!("{}\n", line.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\""))
            }
            None => format!("{}␄ (no newline)\n", line.escape_debug()),
        })
        .collect();
    if lines.is_empty() {
        lines.push_str("(nothing)\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::svc::Exit;
    use super::*;

    #[test]
    fn placeholders_match_only_their_kind() {
        for (pattern, text, same) in [
            ("", "", true),
            ("", "x", false),
            ("pid [PID]\n", "pid 42\n", true),
            ("pid [PID]\n", "pid \n", false),
            ("pid [PID]\n", "pid 4x\n", false),
            ("a [ANY] c\n", "a b b c\n", true),
            ("a [ANY]\nb\n", "a x\nb\n", true),
            ("a [ANY]b\n", "a x\nb\n", false),
            ("[ANY]", "two\nlines", false),
        ] {
            assert_eq!(matches(pattern, text), same, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn difference_shows_both_sides_and_the_exit() {
        let output = |stdout: &str, exit| Output { stdout: stdout.to_owned(), stderr: String::new(), exit };
        let names = [("[DIR]".to_owned(), "/d".to_owned())];
        let expected = output("in [DIR]\n", Exit::Status(0));
        assert_eq!(difference(&expected, &output("in /d\n", Exit::Status(0)), &names), None);
        let text = difference(&expected, &output("in /e", Exit::Signal(9)), &names).unwrap();
        for part in ["in /d\n", "in /e␄ (no newline)\n", "expected status 0, got signal 9"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
