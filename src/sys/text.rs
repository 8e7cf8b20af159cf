//! Text for people: errors, and strings safe for a terminal.

use std::io;

use nix::errno::Errno;

/// Whether an error means that nothing more was left of something that others use too: descriptors, memory, buffers.
pub fn is_exhaustion(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS))
}

/// The text of an error, without its number and in lower case.
pub fn error_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        // strerror(3) says "try again", but the cause is a limit.
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

/// Escapes everything in a text that a terminal would interpret or that would disguise the text, and nothing else. It
/// is applied again when a text is printed: an escaped text does not change.
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

/// The same for each line.
pub fn escape_control_lines(text: &str) -> String {
    text.lines().map(escape_control).collect::<Vec<_>>().join("\n")
}

/// Invisible characters that change the order or the lines of others: directional marks and overrides (Unicode Annex
/// 9), line separators, and characters that only hide. Joiners are kept: scripts need them.
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

/// The number of pids that are printed.
const MAX_NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_escaped_once_and_letters_are_kept() {
        let text = escape_control("a\u{1b}[31m\u{9b}\u{202e}\u{2066}\u{200f}\u{2028}\u{e0041}\tz");
        assert_eq!(text, r"a\u{1b}[31m\u{9b}\u{202e}\u{2066}\u{200f}\u{2028}\u{e0041}\tz");
        assert_eq!(escape_control(&text), text);
        assert_eq!(escape_control("żółw עברית 日本 👩\u{200d}🚀"), "żółw עברית 日本 👩\u{200d}🚀");
        assert_eq!(escape_control_lines("a\nb\rc\n"), "a\nb\\rc");
    }

    #[test]
    fn error_text_has_no_errno_number() {
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::ENOENT)), "no such file or directory");
        assert_eq!(error_text(&io::Error::from_raw_os_error(libc::EIO)), "I/O error");
        assert_eq!(
            error_text(&io::Error::from_raw_os_error(libc::EAGAIN)),
            "resource temporarily unavailable"
        );
        assert_eq!(error_text(&io::Error::other("in our words")), "in our words");
    }
}
