//! A strict reader of XML property lists.
//!
//! The `plist` crate is not used, for three reasons. It does not report the place of errors and values. It accepts text
//! that is not XML (raw control characters, curly quotes in the declaration) and entities that a document defines,
//! which can be a bomb; a check before it would be a second parser. And two parsers of one text can disagree. A
//! property list has ten elements and no attributes, so the reader is small.

mod prolog;
mod scalar;

use svcadapt_spec::ValueError;

use self::scalar::blank;
use super::tree::{Entry, MAX_DEPTH, Node, PlistError, Value};

/// Reads a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, PlistError> {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    if valid.len() < bytes.len() {
        return Err(PlistError { offset: Some(valid.len()), error: "not UTF-8".into() });
    }
    let illegal = |letter: &char| match letter {
        '\t' | '\n' | '\r' => false,
        letter => *letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}'),
    };
    if let Some((at, letter)) = valid.char_indices().find(|(_, letter)| illegal(letter)) {
        let cause = format!("XML cannot contain U+{:04X}", u32::from(letter));
        return Err(PlistError { offset: Some(at), error: cause.into() });
    }
    XmlReader { rest: valid.strip_prefix('\u{feff}').unwrap_or(valid), end: valid.len() }.document()
}

/// The rest of the text, and the offset of its end in the file.
struct XmlReader<'a> {
    rest: &'a str,
    end: usize,
}

struct Tag<'a> {
    form: TagForm,
    name: &'a str,
    offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TagForm {
    /// `<name>`
    Open,
    /// `<name/>`
    Empty,
    /// `</name>`
    Close,
}

impl<'a> XmlReader<'a> {
    fn document(mut self) -> Result<Node, PlistError> {
        if self.rest.trim_start_matches(blank).is_empty() {
            return self.fail("the file is empty");
        }
        if self.rest.starts_with("<?xml") {
            self.declaration()?;
        }
        self.skip_misc()?;
        if self.rest.starts_with("<!DOCTYPE") {
            self.document_type()?;
            self.skip_misc()?;
        }
        let root = self.tag()?;
        if (root.form, root.name) != (TagForm::Open, "plist") {
            return root.fail("the root element must be <plist>");
        }
        let first = self.tag()?;
        let node = self.value(&first, 0)?;
        let last = self.tag()?;
        if (last.form, last.name) != (TagForm::Close, "plist") {
            return last.fail("<plist> must contain exactly one value");
        }
        self.skip_misc()?;
        if self.rest.is_empty() { Ok(node) } else { self.fail("text after </plist>") }
    }

    /// Skips white space, comments and processing instructions.
    fn skip_misc(&mut self) -> Result<(), PlistError> {
        loop {
            self.skip(self.rest.len() - self.rest.trim_start_matches(blank).len());
            if !self.comment()? {
                return Ok(());
            }
        }
    }

    /// Skips one comment or processing instruction, if there is one.
    fn comment(&mut self) -> Result<bool, PlistError> {
        if let Some(inner) = self.rest.strip_prefix("<!--") {
            match inner.find("--") {
                Some(end) if inner[end..].starts_with("-->") => self.skip("<!--".len() + end + "-->".len()),
                Some(_) => return self.fail("a comment cannot contain '--'"),
                None => return self.fail("the comment has no end"),
            }
            return Ok(true);
        }
        if let Some(inner) = self.rest.strip_prefix("<?") {
            let end = inner.find("?>");
            let target = inner[..end.unwrap_or(0)].split(blank).next().unwrap_or_default();
            if target.eq_ignore_ascii_case("xml") {
                return self.fail("the XML declaration must be at the start of the file");
            }
            match end.filter(|_| is_name(target)) {
                Some(end) => self.skip("<?".len() + end + "?>".len()),
                None => return self.fail("the processing instruction has no name or no end"),
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The next tag; only white space, comments and processing instructions may precede it.
    fn tag(&mut self) -> Result<Tag<'a>, PlistError> {
        self.skip_misc()?;
        if self.rest.is_empty() {
            return self.fail("the file is incomplete");
        }
        let Some(inner) = self.rest.strip_prefix('<') else {
            return self.fail("text outside a value");
        };
        let Some(end) = inner.find('>') else { return self.fail("the tag has no '>'") };
        let inner = &inner[..end];
        let (form, attributes) = if let Some(name) = inner.strip_prefix('/') {
            (TagForm::Close, name)
        } else if let Some(name) = inner.strip_suffix('/') {
            (TagForm::Empty, name)
        } else {
            (TagForm::Open, inner)
        };
        let name = attributes.split(blank).next().unwrap_or_default();
        let attributes = &attributes[name.len()..];
        if !is_name(name) {
            return self.fail(ValueError::hinted("'<' without a tag", "write it as &lt;"));
        }
        if !attributes.trim_matches(blank).is_empty() {
            if name != "plist" || form == TagForm::Close {
                return self.fail(format!("<{name}> cannot have attributes in a property list"));
            }
            let mut part = XmlReader {
                rest: attributes,
                end: self.offset() + "<".len() + name.len() + attributes.len(),
            };
            while part.attribute()?.is_some() {}
        }
        let offset = self.offset();
        self.skip(end + 2);
        Ok(Tag { form, name, offset })
    }

    /// The value that begins with this tag.
    fn value(&mut self, tag: &Tag<'a>, depth: usize) -> Result<Node, PlistError> {
        if depth > MAX_DEPTH {
            return tag.fail(format!("values are nested more than {MAX_DEPTH} levels deep"));
        }
        let empty = match tag.form {
            TagForm::Open => false,
            TagForm::Empty => true,
            TagForm::Close => return tag.fail(format!("expected a value, found </{}>", tag.name)),
        };
        let value = match tag.name {
            "array" => Value::Array(if empty { Vec::new() } else { self.array(depth)? }),
            "dict" => Value::Dictionary(if empty { Vec::new() } else { self.dictionary(depth)? }),
            "key" => return tag.fail("expected a value, found <key>"),
            name @ ("string" | "integer" | "real" | "date" | "data" | "true" | "false") => {
                let text = if empty { String::new() } else { self.text(name)? };
                match scalar::scalar(name, text) {
                    Ok(value) => value,
                    Err(cause) => return tag.fail(cause),
                }
            }
            other => {
                return tag.fail(ValueError::hinted(
                    format!("unknown element <{other}>"),
                    "the elements are dict, array, string, integer, real, true, false, date and data, in lower case",
                ));
            }
        };
        Ok(Node { offset: Some(tag.offset), value })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, PlistError> {
        let mut nodes = Vec::new();
        loop {
            let tag = self.tag()?;
            if (tag.form, tag.name) == (TagForm::Close, "array") {
                return Ok(nodes);
            }
            nodes.push(self.value(&tag, depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Vec<Entry>, PlistError> {
        let mut entries = Vec::new();
        loop {
            let tag = self.tag()?;
            let key = match (tag.form, tag.name) {
                (TagForm::Close, "dict") => break,
                (TagForm::Open, "key") => self.text("key")?,
                (TagForm::Empty, "key") => String::new(),
                (TagForm::Close, name) => return tag.fail(format!("expected </dict>, found </{name}>")),
                (_, name) => return tag.fail(format!("expected <key>, found <{name}>")),
            };
            let tag = self.tag()?;
            if tag.form == TagForm::Close {
                return tag.fail(format!("the key '{}' has no value", key.escape_debug()));
            }
            entries.push(Entry { key, node: self.value(&tag, depth + 1)? });
        }
        match Entry::repeated(&entries) {
            Some(Entry { key, node }) => Err(PlistError {
                offset: node.offset,
                error: format!("duplicate key '{}'", key.escape_debug()).into(),
            }),
            None => Ok(entries),
        }
    }

    /// The text up to the end tag of its element.
    fn text(&mut self, name: &str) -> Result<String, PlistError> {
        let mut text = String::new();
        loop {
            let Some(plain) = self.rest.find(['<', '&']) else {
                return self.fail(format!("<{name}> has no end"));
            };
            let (piece, _) = self.rest.split_at(plain);
            if piece.contains("]]>") {
                return self.fail("a text cannot contain ']]>'");
            }
            push_lines(&mut text, piece);
            self.skip(plain);
            if self.rest.starts_with('&') {
                text.push(self.reference()?);
            } else if let Some(inner) = self.rest.strip_prefix("<![CDATA[") {
                let Some(end) = inner.find("]]>") else { return self.fail("the CDATA section has no end") };
                push_lines(&mut text, &inner[..end]);
                self.skip("<![CDATA[".len() + end + "]]>".len());
            } else if !self.comment()? {
                let tag = self.tag()?;
                return match tag.form {
                    TagForm::Close if tag.name == name => Ok(text),
                    TagForm::Close => tag.fail(format!("expected </{name}>, found </{}>", tag.name)),
                    TagForm::Open | TagForm::Empty => {
                        tag.fail(format!("<{}> in <{name}>, which can contain only text", tag.name))
                    }
                };
            }
        }
    }

    /// A reference: `&lt;`, `&#60;`, `&#x3c;`.
    fn reference(&mut self) -> Result<char, PlistError> {
        let bare = || ValueError::hinted("'&' without a reference", "write it as &amp;");
        // The longest reference without further zeros is `&#x10ffff;`.
        let window = self.rest.len().min(12);
        let Some(end) = self.rest.as_bytes()[..window].iter().position(|byte| *byte == b';') else {
            return self.fail(bare());
        };
        let name = &self.rest[1..end];
        let number = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => Some((digits, 16)),
            (None, Some(digits)) => Some((digits, 10)),
            (None, None) => None,
        };
        let letter = match (name, number) {
            ("amp", _) => Some('&'),
            ("lt", _) => Some('<'),
            ("gt", _) => Some('>'),
            ("quot", _) => Some('"'),
            ("apos", _) => Some('\''),
            (_, Some((digits, radix))) if digits.chars().all(|c| c.is_digit(radix)) => {
                u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|letter| {
                    matches!(letter, '\t' | '\n' | '\r')
                        || (*letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
                })
            }
            _ => None,
        };
        match letter {
            Some(letter) => {
                self.skip(end + 1);
                Ok(letter)
            }
            None if number.is_some() => self.fail(format!("&{name}; is not a valid character in XML")),
            None if is_name(name) => self.fail(format!("unknown entity '{name}'")),
            None => self.fail(bare()),
        }
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    fn fail<T>(&self, error: impl Into<ValueError>) -> Result<T, PlistError> {
        Err(PlistError { offset: Some(self.offset()), error: error.into() })
    }
}

impl Tag<'_> {
    fn fail<T>(&self, error: impl Into<ValueError>) -> Result<T, PlistError> {
        Err(PlistError { offset: Some(self.offset), error: error.into() })
    }
}

/// Whether this is a name of XML, simplified: all elements of a property list are ASCII.
fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || "_-.:".contains(c))
}

/// Appends text with line ends normalized to LF (XML 1.0, 2.11).
fn push_lines(text: &mut String, piece: &str) {
    let mut letters = piece.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                letters.next_if_eq(&'\n');
                text.push('\n');
            }
            letter => text.push(letter),
        }
    }
}
