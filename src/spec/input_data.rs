//! The data that a service reads from standard input (systemd.exec(5), `StandardInputText=`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::ValueError;
use super::value_error::bytes;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A line of text: it ends with a newline.
pub(super) fn line(value: &OsStr) -> Result<Vec<u8>, ValueError> {
    Ok([bytes(value)?, b"\n"].concat())
}

/// Reads base64 (RFC 4648), and ignores blanks.
pub(super) fn decode(value: &OsStr) -> Result<Vec<u8>, ValueError> {
    let invalid = || ValueError::hinted("not base64 (RFC 4648)", "encode the data with base64(1)");
    let mut digits = Vec::new();
    let mut padding = 0;
    for byte in value.as_bytes().iter().filter(|byte| !byte.is_ascii_whitespace()) {
        match DIGITS.iter().position(|digit| digit == byte) {
            _ if *byte == b'=' => padding += 1,
            Some(digit) if padding == 0 => digits.push(u32::try_from(digit).unwrap_or(0)),
            _ => return Err(invalid()),
        }
    }
    let rest = digits.len() % 4;
    if rest == 1 || padding != (4 - rest) % 4 {
        return Err(invalid());
    }
    let mut data = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let number = group.iter().fold(0, |number, digit| number << 6 | digit) << (6 * (4 - group.len()));
        data.extend(&number.to_be_bytes()[1..group.len()]);
    }
    Ok(data)
}

/// Writes base64.
pub(super) fn encode(data: &[u8]) -> String {
    let mut text = String::with_capacity(data.len().div_ceil(3) * 4);
    for group in data.chunks(3) {
        let mut word = [0; 4];
        word[1..=group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes(word);
        for at in 0..4_usize {
            let digit = usize::try_from(number >> (18 - 6 * at) & 63).unwrap_or(0);
            text.push(if at <= group.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_it_is_written() {
        for (data, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
            (b"\0\xff\xfe\n", "AP/+Cg=="),
        ] {
            assert_eq!(encode(data), text);
            assert_eq!(decode(OsStr::new(text)).unwrap(), data, "{text}");
        }
        assert_eq!(decode(OsStr::new(" Zm9v\n Zg= =")).unwrap(), b"foof");
    }

    #[test]
    fn invalid_base64_is_refused() {
        for text in ["Z", "Zg", "Zg=", "Zg===", "Z=g=", "Zm9v=", "Zm9v====", "Z!==", "====", "é==="] {
            assert!(decode(OsStr::new(text)).is_err(), "{text:?} was taken");
        }
    }
}
