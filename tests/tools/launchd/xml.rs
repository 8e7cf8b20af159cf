//! Additional checks for errors that the `plist` crate accepts: launchd uses a conforming XML parser.
//!
//! Extensible Markup Language 1.0 sections 2.2 (characters), 2.4 (character data) and 4.1 (references), and the document
//! type PropertyList-1.0: `plist` has one value, `dict` pairs of `key` and value, `true` and `false` are empty.

use std::collections::BTreeSet;

/// The maximal nesting depth of values.
const DEPTH: usize = 64;

/// The first error in a property list, if there is one.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if let Some(letter) = text.chars().find(|&letter| !is_char(letter)) {
        return Err(format!("U+{:04X} is no character of XML", u32::from(letter)));
    }
    let mut scan = Scan { rest: text };
    if text.starts_with("<?xml ") {
        scan.past("?>")?;
    }
    scan.blank()?;
    if scan.rest.starts_with("<!DOCTYPE ") && scan.past(">")?.contains('[') {
        return Err("a document type of its own".to_owned());
    }
    scan.blank()?;
    scan.plist()?;
    scan.blank()?;
    if scan.rest.is_empty() { Ok(()) } else { Err(format!("something follows the end: {}", scan.here())) }
}

fn is_char(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r') || letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}')
}

struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn plist(&mut self) -> Result<(), String> {
        let (name, open) = self.tag()?;
        if name != "plist" || !open {
            return Err(format!("<plist> is expected, not <{name}>"));
        }
        self.blank()?;
        self.value(0)?;
        self.blank()?;
        self.close("plist")
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("more than {DEPTH} values in one another"));
        }
        let (name, open) = self.tag()?;
        match name {
            "true" | "false" if !open => return Ok(()),
            "true" | "false" => {}
            "string" | "integer" | "real" | "date" | "data" if open => drop(self.text()?),
            "array" if open => {
                while self.more("array")? {
                    self.value(depth + 1)?;
                }
            }
            "dict" if open => {
                let mut keys = BTreeSet::new();
                while self.more("dict")? {
                    let key = self.key()?;
                    if !keys.insert(key) {
                        return Err(format!("the key {key} stands there twice"));
                    }
                    self.blank()?;
                    self.value(depth + 1)?;
                }
            }
            "string" | "array" | "dict" | "data" => return Ok(()),
            _ => return Err(format!("a value is expected, not <{name}>")),
        }
        self.close(name)
    }

    fn key(&mut self) -> Result<&'a str, String> {
        match self.tag()? {
            ("key", true) => {}
            (name, _) => return Err(format!("a key is expected, not <{name}>")),
        }
        let key = self.text()?;
        self.close("key")?;
        Ok(key)
    }

    /// Whether the element has another child.
    fn more(&mut self, name: &str) -> Result<bool, String> {
        self.blank()?;
        Ok(!self.rest.starts_with(&format!("</{name}")))
    }

    /// The name of the tag that begins here, and whether the element has content.
    fn tag(&mut self) -> Result<(&'a str, bool), String> {
        let Some(rest) = self.rest.strip_prefix('<') else {
            return Err(format!("an element is expected: {}", self.here()));
        };
        self.rest = rest;
        let inside = self.past(">")?;
        let (inside, open) = inside.strip_suffix('/').map_or((inside, true), |inside| (inside, false));
        let name = inside.split_ascii_whitespace().next().unwrap_or_default();
        if inside.len() > name.len() && name != "plist" {
            return Err(format!("<{inside}>: there are no attributes"));
        }
        Ok((name, open))
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let end = self.rest.strip_prefix("</").and_then(|rest| rest.strip_prefix(name));
        let end = end.and_then(|rest| rest.trim_start().strip_prefix('>'));
        self.rest = end.ok_or_else(|| format!("</{name}> is expected: {}", self.here()))?;
        Ok(())
    }

    /// The text up to the next tag, as it is written.
    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.rest.find('<').ok_or("the end is missing")?;
        let (text, rest) = self.rest.split_at(length);
        for reference in text.split('&').skip(1) {
            let name = reference.split_once(';').map_or("", |(name, _)| name);
            let number = name.strip_prefix('#').is_some_and(|number| {
                let (digits, base) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
                u32::from_str_radix(digits, base).ok().and_then(char::from_u32).is_some_and(is_char)
            });
            if !number && !matches!(name, "lt" | "gt" | "amp" | "quot" | "apos") {
                return Err(format!("&{name}: there is no such reference"));
            }
        }
        if text.contains("]]>") {
            return Err("]]> in a text".to_owned());
        }
        self.rest = rest;
        Ok(text)
    }

    /// Skips white space and comments.
    fn blank(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            let Some(rest) = self.rest.strip_prefix("<!--") else { return Ok(()) };
            self.rest = rest;
            self.past("--")?;
            self.rest = self.rest.strip_prefix('>').ok_or("-- in a comment")?;
        }
    }

    /// The text before `end`; skips `end`.
    fn past(&mut self, end: &str) -> Result<&'a str, String> {
        let (inside, rest) = self.rest.split_once(end).ok_or_else(|| format!("{end} is missing"))?;
        self.rest = rest;
        Ok(inside)
    }

    fn here(&self) -> String {
        self.rest.chars().take(20).collect()
    }
}
