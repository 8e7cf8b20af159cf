//! Errors in words.

use std::io;

use nix::errno::Errno;

/// What an error means, in the kernel's words, with neither a number nor a capital letter.
pub fn error_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        // "Try again", which nobody has to: a limit is reached.
        Some(libc::EAGAIN) => "resource temporarily unavailable".to_owned(),
        Some(number) => {
            let text = Errno::from_raw(number).desc();
            let mut letters = text.chars();
            // `I/O error` stays as it is.
            match (letters.next(), letters.next()) {
                (Some(first), Some(second)) if second.is_lowercase() => {
                    first.to_lowercase().chain([second]).chain(letters).collect()
                }
                _ => text.to_owned(),
            }
        }
        None => error.to_string(),
    }
}

/// A text for people, with everything escaped that a terminal would obey or that shows another text than there is, and
/// nothing else changed. What is shown to people goes through here once more where it is printed: a text that is plain
/// stays as it is.
pub fn escape_control(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            plain.extend(c.escape_debug());
        } else if is_invisible(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// The same of each line.
pub fn escape_control_lines(text: &str) -> String {
    text.lines().map(escape_control).collect::<Vec<_>>().join("\n")
}

/// Characters that have no shape of their own and change the order or the lines of others: marks and overrides of the
/// direction (Unicode Annex 9), separators of lines, and those that only hide. Joiners stay: scripts need them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// `process 7`, `processes 7, 8 and 9`.
pub fn processes(pids: &[i32]) -> String {
    let all: Vec<String> = pids.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    match (pids.len().saturating_sub(MAX_NAMED), all.as_slice()) {
        (0, [one]) => format!("process {one}"),
        (0, [first @ .., last]) => format!("processes {} and {last}", first.join(", ")),
        (more, _) => format!("processes {} and {more} more", all.join(", ")),
    }
}

/// So many processes are named.
const MAX_NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_escaped_once_and_letters_of_all_scripts_stay() {
        let text = escape_control("a\u{1b}[31m\u{9b}\u{202e}\u{2066}\u{200f}\u{2028}\u{e0041}\tz");
        assert_eq!(text, r"a\u{1b}[31m\u{9b}\u{202e}\u{2066}\u{200f}\u{2028}\u{e0041}\tz");
        assert_eq!(escape_control(&text), text);
        assert_eq!(escape_control("żółw עברית 日本 👩\u{200d}🚀"), "żółw עברית 日本 👩\u{200d}🚀");
        assert_eq!(escape_control_lines("a\nb\rc\n"), "a\nb\\rc");
    }

    #[test]
    fn no_number_is_shown() {
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::ENOENT)), "no such file or directory");
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::EIO)), "I/O error");
        assert_eq!(
            error_text(&io::Error::from_raw_os_error(libc::EAGAIN)),
            "resource temporarily unavailable"
        );
        assert_eq!(error_text(&io::Error::other("in our words")), "in our words");
    }
}
