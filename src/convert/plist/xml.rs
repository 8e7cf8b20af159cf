//! XML property lists, read strictly.
//!
//! A reader of its own, for three reasons: errors and values need their place, which the `plist` crate does not tell;
//! that crate takes what is no XML (raw control characters, curly quotation marks in the declaration) or can be a
//! bomb (entities of the document's own), so a second parser would have to stand before it; and two parsers of one
//! text can understand it differently. A property list has ten elements and no attributes, so this is not much.

mod prolog;
mod scalar;

use svcadapt_spec::ValueError;

use super::tree::{DEEPEST, Entry, Fault, Node, Value};

/// Reads a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, Fault> {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    if valid.len() < bytes.len() {
        return Err(Fault { offset: Some(valid.len()), refusal: "it is not UTF-8".into() });
    }
    let illegal = |letter: &char| match letter {
        '\t' | '\n' | '\r' => false,
        letter => *letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}'),
    };
    if let Some((at, letter)) = valid.char_indices().find(|(_, letter)| illegal(letter)) {
        let cause = format!("U+{:04X} cannot stand in XML", u32::from(letter));
        return Err(Fault { offset: Some(at), refusal: cause.into() });
    }
    Reader { rest: valid.strip_prefix('\u{feff}').unwrap_or(valid), end: valid.len() }.document()
}

/// White space of XML, which is less than Unicode's.
fn blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}

/// What is left of the text, and the offset of its end in the file.
struct Reader<'a> {
    rest: &'a str,
    end: usize,
}

struct Tag<'a> {
    form: Form,
    name: &'a str,
    offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `<name>`
    Open,
    /// `<name/>`
    Empty,
    /// `</name>`
    Close,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Node, Fault> {
        if self.rest.trim_start_matches(blank).is_empty() {
            return self.fail("it is empty");
        }
        if self.rest.starts_with("<?xml") {
            self.declaration()?;
        }
        self.between()?;
        if self.rest.starts_with("<!DOCTYPE") {
            self.document_type()?;
            self.between()?;
        }
        let root = self.tag()?;
        if (root.form, root.name) != (Form::Open, "plist") {
            return root.fail("the outermost element has to be <plist>");
        }
        let first = self.tag()?;
        let node = self.value(&first, 0)?;
        let last = self.tag()?;
        if (last.form, last.name) != (Form::Close, "plist") {
            return last.fail("<plist> holds one value and then ends");
        }
        self.between()?;
        if self.rest.is_empty() { Ok(node) } else { self.fail("something stands behind </plist>") }
    }

    /// White space, comments and processing instructions.
    fn between(&mut self) -> Result<(), Fault> {
        loop {
            self.pass(self.rest.len() - self.rest.trim_start_matches(blank).len());
            if !self.comment()? {
                return Ok(());
            }
        }
    }

    /// Passes over one comment or processing instruction, if there is one.
    fn comment(&mut self) -> Result<bool, Fault> {
        if let Some(inner) = self.rest.strip_prefix("<!--") {
            match inner.find("--") {
                Some(end) if inner[end..].starts_with("-->") => self.pass("<!--".len() + end + "-->".len()),
                Some(_) => return self.fail("'--' cannot stand in a comment"),
                None => return self.fail("a comment has no end"),
            }
            return Ok(true);
        }
        if let Some(inner) = self.rest.strip_prefix("<?") {
            let end = inner.find("?>");
            let target = inner[..end.unwrap_or(0)].split(blank).next().unwrap_or_default();
            if target.eq_ignore_ascii_case("xml") {
                return self.fail("the XML declaration has to be the first thing in the file");
            }
            match end.filter(|_| is_name(target)) {
                Some(end) => self.pass("<?".len() + end + "?>".len()),
                None => return self.fail("a processing instruction has no name or no end"),
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The next tag; only white space and comments can stand before it.
    fn tag(&mut self) -> Result<Tag<'a>, Fault> {
        self.between()?;
        if self.rest.is_empty() {
            return self.fail("the file ends in the middle");
        }
        let Some(inner) = self.rest.strip_prefix('<') else {
            return self.fail("text can only stand in a value");
        };
        let Some(end) = inner.find('>') else { return self.fail("a tag has no '>'") };
        let inner = &inner[..end];
        let (form, attributes) = if let Some(name) = inner.strip_prefix('/') {
            (Form::Close, name)
        } else if let Some(name) = inner.strip_suffix('/') {
            (Form::Empty, name)
        } else {
            (Form::Open, inner)
        };
        let name = attributes.split(blank).next().unwrap_or_default();
        let attributes = &attributes[name.len()..];
        if !is_name(name) {
            return self.fail(ValueError::hinted("'<' does not begin a tag here", "write it as &lt;"));
        }
        if !attributes.trim_matches(blank).is_empty() {
            if name != "plist" || form == Form::Close {
                return self.fail(format!("<{name}> has no attributes in a property list"));
            }
            let mut part =
                Reader { rest: attributes, end: self.offset() + "<".len() + name.len() + attributes.len() };
            while part.attribute()?.is_some() {}
        }
        let offset = self.offset();
        self.pass(end + 2);
        Ok(Tag { form, name, offset })
    }

    /// The value that this tag begins.
    fn value(&mut self, tag: &Tag<'a>, depth: usize) -> Result<Node, Fault> {
        if depth > DEEPEST {
            return tag.fail(format!("values stand more than {DEEPEST} deep in each other"));
        }
        let empty = match tag.form {
            Form::Open => false,
            Form::Empty => true,
            Form::Close => return tag.fail(format!("</{}> where a value has to stand", tag.name)),
        };
        let value = match tag.name {
            "array" => Value::Array(if empty { Vec::new() } else { self.array(depth)? }),
            "dict" => Value::Dictionary(if empty { Vec::new() } else { self.dictionary(depth)? }),
            "key" => return tag.fail("a <key> where a value has to stand"),
            name @ ("string" | "integer" | "real" | "date" | "data" | "true" | "false") => {
                let text = if empty { String::new() } else { self.text(name)? };
                match scalar::scalar(name, text) {
                    Ok(value) => value,
                    Err(cause) => return tag.fail(cause),
                }
            }
            other => {
                return tag.fail(ValueError::hinted(
                    format!("<{other}> is no element of a property list"),
                    "dict, array, string, integer, real, true, false, date and data are, in small letters",
                ));
            }
        };
        Ok(Node { offset: Some(tag.offset), value })
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        loop {
            let tag = self.tag()?;
            if (tag.form, tag.name) == (Form::Close, "array") {
                return Ok(nodes);
            }
            nodes.push(self.value(&tag, depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        loop {
            let tag = self.tag()?;
            let key = match (tag.form, tag.name) {
                (Form::Close, "dict") => break,
                (Form::Open, "key") => self.text("key")?,
                (Form::Empty, "key") => String::new(),
                (Form::Close, name) => return tag.fail(format!("</{name}> where </dict> has to stand")),
                (_, name) => return tag.fail(format!("a <{name}> where a <key> has to stand")),
            };
            let tag = self.tag()?;
            if tag.form == Form::Close {
                return tag.fail(format!("the key '{}' has no value", key.escape_debug()));
            }
            entries.push(Entry { key, node: self.value(&tag, depth + 1)? });
        }
        match Entry::repeated(&entries) {
            Some(Entry { key, node }) => Err(Fault {
                offset: node.offset,
                refusal: format!("the key '{}' is there twice", key.escape_debug()).into(),
            }),
            None => Ok(entries),
        }
    }

    /// The text up to the end of its element.
    fn text(&mut self, name: &str) -> Result<String, Fault> {
        let mut text = String::new();
        loop {
            let Some(plain) = self.rest.find(['<', '&']) else {
                return self.fail(format!("<{name}> has no end"));
            };
            let (piece, _) = self.rest.split_at(plain);
            if piece.contains("]]>") {
                return self.fail("']]>' cannot stand in a text");
            }
            push_lines(&mut text, piece);
            self.pass(plain);
            if self.rest.starts_with('&') {
                text.push(self.reference()?);
            } else if let Some(inner) = self.rest.strip_prefix("<![CDATA[") {
                let Some(end) = inner.find("]]>") else { return self.fail("a CDATA section has no end") };
                push_lines(&mut text, &inner[..end]);
                self.pass("<![CDATA[".len() + end + "]]>".len());
            } else if !self.comment()? {
                let tag = self.tag()?;
                return match tag.form {
                    Form::Close if tag.name == name => Ok(text),
                    Form::Close => tag.fail(format!("</{}> where </{name}> has to stand", tag.name)),
                    Form::Open | Form::Empty => {
                        tag.fail(format!("a <{}> in a <{name}>, which holds nothing but text", tag.name))
                    }
                };
            }
        }
    }

    /// `&lt;` and its kin, `&#60;`, `&#x3c;`.
    fn reference(&mut self) -> Result<char, Fault> {
        let alone = || ValueError::hinted("'&' stands for itself", "write it as &amp;");
        // The longest is `&#x10ffff;`; more zeros than that are nobody's.
        let window = self.rest.len().min(12);
        let Some(end) = self.rest.as_bytes()[..window].iter().position(|byte| *byte == b';') else {
            return self.fail(alone());
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
                self.pass(end + 1);
                Ok(letter)
            }
            None if number.is_some() => self.fail(format!("&{name}; is no character of XML")),
            None if is_name(name) => self.fail(format!("the entity '{name}' is not known")),
            None => self.fail(alone()),
        }
    }

    fn pass(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    fn fail<T>(&self, refusal: impl Into<ValueError>) -> Result<T, Fault> {
        Err(Fault { offset: Some(self.offset()), refusal: refusal.into() })
    }
}

impl Tag<'_> {
    fn fail<T>(&self, refusal: impl Into<ValueError>) -> Result<T, Fault> {
        Err(Fault { offset: Some(self.offset), refusal: refusal.into() })
    }
}

/// A name as far as one can stand here: all elements of a property list are ASCII.
fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && letters.all(|c| c.is_alphanumeric() || "_-.:".contains(c))
}

/// The ends of lines as XML 1.0 (2.11) has them read, whatever the editor wrote.
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
