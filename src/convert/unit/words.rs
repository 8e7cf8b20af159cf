//! Words, quotes and escapes within a value (systemd.syntax(7) "Quoting").

/// How the words of a directive are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// With quotes and C escapes: commands, `Environment=`.
    Command,
    /// With quotes; a backslash protects what follows it: `PassEnvironment=`, `ReadWritePaths=`.
    Quoted,
    /// Without quotes; a backslash protects what follows it: `SupplementaryGroups=`.
    Bare,
    /// With quotes, but escapes stay for a second reading: `RuntimeDirectory=`.
    Tuple,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it is: bytes, for an escape can make any.
    pub bytes: Vec<u8>,
    /// Whether an escape in it is none; it stays as it stands, and systemd warns.
    pub strange: bool,
}

/// A quote that is never closed, or a backslash at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbalanced;

/// All words of a value.
pub fn split(text: &str, syntax: Syntax) -> Result<Vec<Word>, Unbalanced> {
    let (mut words, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((word, tail)) = first(rest, syntax, BLANKS)? {
        words.push(word);
        rest = tail;
    }
    Ok(words)
}

/// What parts words.
pub(super) const BLANKS: &[u8] = b" \t\n\r";

/// The first word and what follows it; none at the end.
pub(super) fn first<'a>(
    text: &'a [u8],
    syntax: Syntax,
    separators: &[u8],
) -> Result<Option<(Word, &'a [u8])>, Unbalanced> {
    let mut rest = &text[text.iter().take_while(|byte| separators.contains(byte)).count()..];
    if rest.is_empty() {
        return Ok(None);
    }
    let mut word = Word { bytes: Vec::new(), strange: false };
    let mut quote = None;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'\\' if syntax != Syntax::Tuple => rest = escape(rest, syntax, quote, &mut word)?,
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => word.bytes.push(byte),
            b'"' | b'\'' if syntax != Syntax::Bare => quote = Some(byte),
            _ if separators.contains(&byte) => {
                rest = &rest[rest.iter().take_while(|byte| separators.contains(byte)).count()..];
                return Ok(Some((word, rest)));
            }
            _ => word.bytes.push(byte),
        }
    }
    if quote.is_some() { Err(Unbalanced) } else { Ok(Some((word, rest))) }
}

/// Undoes the escape after a backslash.
fn escape<'a>(
    rest: &'a [u8],
    syntax: Syntax,
    quote: Option<u8>,
    word: &mut Word,
) -> Result<&'a [u8], Unbalanced> {
    let Some((&byte, tail)) = rest.split_first() else {
        return match (syntax, quote) {
            (Syntax::Command, None) => {
                word.bytes.push(b'\\');
                word.strange = true;
                Ok(rest)
            }
            _ => Err(Unbalanced),
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
        word.strange = true;
        word.bytes.extend([b'\\', byte]);
        Ok(tail)
    }
}

/// The length of an escape without its backslash, and its bytes. NUL has none.
fn decode(text: &[u8]) -> Option<(usize, Vec<u8>)> {
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
            char::from_u32(number).filter(|c| !super::quote::noncharacter(*c))?;
            return Some((9, unicode(number)?));
        }
        _ => return None,
    };
    Some((1, vec![plain]))
}

fn byte(number: u32) -> Option<u8> {
    u8::try_from(number).ok().filter(|byte| *byte != 0)
}

/// UTF-8; a half of a surrogate pair, which `\u` can name, has three bytes too.
fn unicode(number: u32) -> Option<Vec<u8>> {
    let part =
        |shift: u32, mask: u32, mark: u8| u8::try_from(number >> shift & mask).ok().map(|bits| mark | bits);
    match char::from_u32(number) {
        Some('\0') => None,
        Some(letter) => Some(letter.encode_utf8(&mut [0; 4]).as_bytes().to_vec()),
        None => Some(vec![part(12, 0x0f, 0xe0)?, part(6, 0x3f, 0x80)?, part(0, 0x3f, 0x80)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, syntax: Syntax) -> Option<Vec<String>> {
        let words = split(text, syntax).ok()?;
        Some(words.iter().map(|word| word.bytes.escape_ascii().to_string()).collect())
    }

    #[test]
    fn quotes_may_stand_anywhere_in_a_word() {
        let words = |text| read(text, Syntax::Command).unwrap();
        assert_eq!(words(" --o=\"b c\"'d e'f  '' \"\" \t'\"'"), ["--o=b cd ef", "", "", "\\\""]);
        assert_eq!(words(""), [""; 0]);
        for text in ["\"a", "a 'b", "\"a\\\"", "\"\\"] {
            assert_eq!(read(text, Syntax::Command), None, "{text}");
        }
    }

    #[test]
    fn escapes_are_those_of_c_and_a_few_more() {
        let one = |text| split(text, Syntax::Command).unwrap().remove(0);
        for (text, bytes) in [
            ("\\a\\b\\f\\n\\r\\t\\v\\s", b"\x07\x08\x0c\n\r\t\x0b ".as_slice()),
            ("\\\\\\\"\\'", b"\\\"'"),
            ("\\x41\\101\\377", b"AA\xff"),
            ("\\u00e9\\U0001f600", "é😀".as_bytes()),
            ("\\ud800", b"\xed\xa0\x80"),
        ] {
            assert_eq!(one(text), Word { bytes: bytes.to_vec(), strange: false }, "{text}");
        }
        for text in
            ["\\x00", "\\x4", "\\400", "\\000", "\\e", "\\q", "\\u0000", "\\U0000fdd0", "\\ ", "a\\", "\\é"]
        {
            assert_eq!(one(text), Word { bytes: text.as_bytes().to_vec(), strange: true }, "{text}");
        }
    }

    #[test]
    fn other_syntaxes_know_fewer_signs() {
        assert_eq!(read("'a b' c\\n\\\\", Syntax::Quoted).unwrap(), ["a b", "cn\\\\"]);
        assert_eq!(read("'a b\\ c", Syntax::Bare).unwrap(), ["\\'a", "b c"]);
        assert_eq!(read("\"a b\":c\\x41", Syntax::Tuple).unwrap(), ["a b:c\\\\x41"]);
        assert_eq!(read("a\\", Syntax::Bare), None);
    }
}
