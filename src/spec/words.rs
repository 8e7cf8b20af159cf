//! Words, quotes and escapes in a value (systemd.syntax(7), "Quoting").

use std::fmt::Write;
use std::ops::Range;

/// Which quoting rules the words of a directive follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Quotes and C escapes: command lines, `Environment=`.
    Command,
    /// Quotes; a backslash protects the next character: `PassEnvironment=`, `ReadWritePaths=`.
    Quoted,
    /// No quotes; a backslash protects the next character: `SupplementaryGroups=`.
    Bare,
    /// Quotes; escapes are kept, because the words are split a second time: `RuntimeDirectory=`.
    Tuple,
}

/// One word of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word without quotes and escapes. Bytes, because an escape can produce any byte.
    pub bytes: Vec<u8>,
    /// Where the word is in the value, with its quotes: a range of byte offsets.
    pub span: Range<usize>,
    /// Whether the word contains a quote or a backslash.
    pub quoted: bool,
    /// Whether the word contains an invalid escape. It is kept verbatim; systemd warns.
    pub invalid_escape: bool,
}

/// The error for a quote without its end, and for a value that ends with a backslash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnbalancedQuote;

/// Splits a value into words.
pub fn split(text: &str, syntax: Syntax) -> Result<Vec<Word>, UnbalancedQuote> {
    Words { text: text.as_bytes(), at: 0, syntax }.collect()
}

/// Splits a value into words as [`split`] does. After a quote without its end the rest is one word, verbatim.
pub fn split_lossy(text: &str, syntax: Syntax) -> Vec<Word> {
    let mut words = Words { text: text.as_bytes(), at: 0, syntax };
    let mut all = Vec::new();
    loop {
        let start = words.at + blanks(&words.text[words.at..], BLANKS);
        match words.next() {
            Some(Ok(word)) => all.push(word),
            Some(Err(UnbalancedQuote)) => {
                let bytes = words.text[start..].to_vec();
                all.push(Word { bytes, span: start..text.len(), quoted: true, invalid_escape: false });
                return all;
            }
            None => return all,
        }
    }
}

/// The characters between words.
pub const BLANKS: &[u8] = b" \t\n\r";

/// The words of a value in order. After an error it must not be used any more.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
    syntax: Syntax,
}

impl Iterator for Words<'_> {
    type Item = Result<Word, UnbalancedQuote>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        match first(&self.text[start..], self.syntax, BLANKS) {
            Ok(Some((mut word, tail))) => {
                self.at = self.text.len() - tail.len();
                word.span = start + word.span.start..start + word.span.end;
                Some(Ok(word))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The first word and the text after it; `None` at the end of the text.
pub fn first<'a>(
    text: &'a [u8],
    syntax: Syntax,
    separators: &[u8],
) -> Result<Option<(Word, &'a [u8])>, UnbalancedQuote> {
    let begin = blanks(text, separators);
    let mut rest = &text[begin..];
    if rest.is_empty() {
        return Ok(None);
    }
    let mut word = Word { bytes: Vec::new(), span: begin..text.len(), quoted: false, invalid_escape: false };
    let mut quote = None;
    while let Some((&byte, tail)) = rest.split_first() {
        let at = text.len() - rest.len();
        rest = tail;
        if quote.is_none() && separators.contains(&byte) {
            word.span.end = at;
            return Ok(Some((word, &rest[blanks(rest, separators)..])));
        }
        word.quoted |= matches!(byte, b'\\' | b'"' | b'\'');
        match byte {
            b'\\' if syntax != Syntax::Tuple => rest = escape(rest, syntax, quote, &mut word)?,
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => word.bytes.push(byte),
            b'"' | b'\'' if syntax != Syntax::Bare => quote = Some(byte),
            _ => word.bytes.push(byte),
        }
    }
    if quote.is_some() { Err(UnbalancedQuote) } else { Ok(Some((word, rest))) }
}

/// How many separators the text begins with.
fn blanks(text: &[u8], separators: &[u8]) -> usize {
    text.iter().take_while(|byte| separators.contains(byte)).count()
}

/// Decodes the escape after a backslash, and returns the text after it.
fn escape<'a>(
    rest: &'a [u8],
    syntax: Syntax,
    quote: Option<u8>,
    word: &mut Word,
) -> Result<&'a [u8], UnbalancedQuote> {
    let Some((&byte, tail)) = rest.split_first() else {
        return match (syntax, quote) {
            (Syntax::Command, None) => {
                word.bytes.push(b'\\');
                word.invalid_escape = true;
                Ok(rest)
            }
            _ => Err(UnbalancedQuote),
        };
    };
    if syntax != Syntax::Command {
        word.bytes.push(byte);
        return Ok(tail);
    }
    if let Some((length, decoded)) = decode(rest) {
        word.bytes.extend(decoded);
        Ok(&rest[length..])
    } else {
        word.invalid_escape = true;
        word.bytes.extend([b'\\', byte]);
        Ok(tail)
    }
}

/// Decodes the C-style escapes of a text. `None` if one is invalid.
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    unescape_by(decode, text)
}

/// [`unescape`] for data, in which an escape may produce NUL.
pub(crate) fn unescape_data(text: &[u8]) -> Option<Vec<u8>> {
    unescape_by(decode_byte, text)
}

type Decode = fn(&[u8]) -> Option<(usize, Vec<u8>)>;

fn unescape_by(decode: Decode, text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'\\' {
            let (length, decoded) = decode(rest)?;
            plain.extend(decoded);
            rest = &rest[length..];
        } else {
            plain.push(byte);
        }
    }
    Some(plain)
}

/// The length of an escape without its backslash, and its bytes. `None` if it is invalid or produces NUL.
fn decode(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    decode_byte(text).filter(|(_, bytes)| bytes != &[0])
}

/// [`decode`], also for NUL.
fn decode_byte(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let digits = |from: usize, count: usize, radix: u32| {
        let digits = text.get(from..from + count)?;
        digits.iter().try_fold(0_u32, |number, &digit| {
            number.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?)
        })
    };
    let plain = match text.first()? {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b's' => b' ',
        &byte @ (b'\\' | b'"' | b'\'') => byte,
        b'x' => return byte(digits(1, 2, 16)?).map(|byte| (3, vec![byte])),
        b'0'..=b'7' => return byte(digits(0, 3, 8)?).map(|byte| (3, vec![byte])),
        b'u' => return Some((5, unicode(digits(1, 4, 16)?)?)),
        b'U' => {
            let number = digits(1, 8, 16)?;
            char::from_u32(number).filter(|c| !noncharacter(*c))?;
            return Some((9, unicode(number)?));
        }
        _ => return None,
    };
    Some((1, vec![plain]))
}

fn byte(number: u32) -> Option<u8> {
    u8::try_from(number).ok()
}

/// Encodes as UTF-8. A surrogate, which `\u` can name, becomes three bytes as in systemd.
fn unicode(number: u32) -> Option<Vec<u8>> {
    let part =
        |shift: u32, mask: u32, mark: u8| u8::try_from(number >> shift & mask).ok().map(|bits| mark | bits);
    match char::from_u32(number) {
        Some(letter) => Some(letter.encode_utf8(&mut [0; 4]).as_bytes().to_vec()),
        None => Some(vec![part(12, 0x0f, 0xe0)?, part(6, 0x3f, 0x80)?, part(0, 0x3f, 0x80)?]),
    }
}

/// Unicode's noncharacters: U+FDD0 to U+FDEF, and the last two code points of every plane.
pub fn noncharacter(letter: char) -> bool {
    let number = u32::from(letter);
    (0xfdd0..=0xfdef).contains(&number) || number & 0xfffe == 0xfffe
}

/// The inside of a word in double quotes that [`split`] decodes to these bytes.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\x07' => text.push_str("\\a"),
                '\x08' => text.push_str("\\b"),
                '\t' => text.push_str("\\t"),
                '\n' => text.push_str("\\n"),
                '\x0b' => text.push_str("\\v"),
                '\x0c' => text.push_str("\\f"),
                '\r' => text.push_str("\\r"),
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                _ if letter.is_ascii_control() || noncharacter(letter) => {
                    letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| hexadecimal(&mut text, byte));
                }
                _ => text.push(letter),
            }
        }
        chunk.invalid().iter().for_each(|&byte| hexadecimal(&mut text, byte));
    }
    text
}

/// Appends a byte as an escape.
pub fn hexadecimal(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, syntax: Syntax) -> Option<Vec<String>> {
        let words = split(text, syntax).ok()?;
        Some(words.iter().map(|word| word.bytes.escape_ascii().to_string()).collect())
    }

    #[test]
    fn quotes_inside_a_word_are_removed() {
        let words = |text| read(text, Syntax::Command).unwrap();
        assert_eq!(words(" --o=\"b c\"'d e'f  '' \"\" \t'\"'"), ["--o=b cd ef", "", "", "\\\""]);
        assert_eq!(words(""), [""; 0]);
        for text in ["\"a", "a 'b", "\"a\\\"", "\"\\"] {
            assert_eq!(read(text, Syntax::Command), None, "{text}");
        }
    }

    #[test]
    fn invalid_escapes_are_kept_verbatim() {
        let one = |text| {
            let word = split(text, Syntax::Command).unwrap().remove(0);
            assert_eq!((word.span, word.quoted), (0..text.len(), true), "{text}");
            (word.bytes, word.invalid_escape)
        };
        for (text, bytes) in [
            ("\\a\\b\\f\\n\\r\\t\\v\\s", b"\x07\x08\x0c\n\r\t\x0b ".as_slice()),
            ("\\\\\\\"\\'", b"\\\"'"),
            ("\\x41\\101\\377", b"AA\xff"),
            ("\\u00e9\\U0001f600", "é😀".as_bytes()),
            ("\\ud800", b"\xed\xa0\x80"),
        ] {
            assert_eq!(one(text), (bytes.to_vec(), false), "{text}");
        }
        for text in
            ["\\x00", "\\x4", "\\400", "\\000", "\\e", "\\q", "\\u0000", "\\U0000fdd0", "\\ ", "a\\", "\\é"]
        {
            assert_eq!(one(text), (text.as_bytes().to_vec(), true), "{text}");
        }
    }

    #[test]
    fn each_syntax_decodes_its_own_quotes_and_escapes() {
        assert_eq!(read("'a b' c\\n\\\\", Syntax::Quoted).unwrap(), ["a b", "cn\\\\"]);
        assert_eq!(read("'a b\\ c", Syntax::Bare).unwrap(), ["\\'a", "b c"]);
        assert_eq!(read("\"a b\":c\\x41", Syntax::Tuple).unwrap(), ["a b:c\\\\x41"]);
        assert_eq!(read("a\\", Syntax::Bare), None);
    }

    #[test]
    fn words_have_their_span_and_an_unbalanced_rest_is_one_word() {
        let words = |text: &str| -> Vec<(String, bool)> {
            let all = split_lossy(text, Syntax::Command);
            all.into_iter().map(|word| (text[word.span].to_owned(), word.quoted)).collect()
        };
        let word = |text: &str, quoted| (text.to_owned(), quoted);
        assert_eq!(
            words(" -a  b\"c d\"e f\\ g\t; \"h i "),
            [
                word("-a", false),
                word("b\"c d\"e", true),
                word("f\\ g", true),
                word(";", false),
                word("\"h i ", true)
            ]
        );
        assert_eq!(words(" "), []);
    }
}
