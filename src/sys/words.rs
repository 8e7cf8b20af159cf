//! Errors in words.

use std::io;

use nix::errno::Errno;

/// What an error means, in the kernel's words, with neither a number nor a capital letter.
pub fn words(error: &io::Error) -> String {
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

/// A text with its control characters escaped, and nothing else changed: a terminal must not obey what a program or a
/// file has said.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { plain.extend(c.escape_debug()) } else { plain.push(c) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_shown() {
        assert_eq!(words(&io::Error::from_raw_os_error(libc::ENOENT)), "no such file or directory");
        assert_eq!(words(&io::Error::from_raw_os_error(libc::EIO)), "I/O error");
        assert_eq!(words(&io::Error::from_raw_os_error(libc::EAGAIN)), "resource temporarily unavailable");
        assert_eq!(words(&io::Error::other("in our words")), "in our words");
    }
}
