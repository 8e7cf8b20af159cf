//! The XML declaration, the document type, and attributes.

use svcadapt_spec::ValueError;

use super::scalar::blank;
use super::{XmlReader, is_name};
use crate::plist::tree::PlistError;

impl<'a> XmlReader<'a> {
    pub(super) fn declaration(&mut self) -> Result<(), PlistError> {
        let Some(end) = self.rest.find("?>") else { return self.fail("the XML declaration has no end") };
        let inner = &self.rest["<?xml".len()..end];
        let mut part = XmlReader { rest: inner, end: self.offset() + end };
        while let Some((name, value)) = part.attribute()? {
            match (name, value) {
                ("version", "1.0") | ("standalone", "yes" | "no") => (),
                ("encoding", value) if ["utf-8", "us-ascii"].contains(&&*value.to_ascii_lowercase()) => (),
                ("encoding", _) => return part.fail("a property list must be in UTF-8"),
                _ => return part.fail("not a valid declaration of XML 1.0"),
            }
        }
        self.skip(end + 2);
        Ok(())
    }

    /// The next `NAME="VALUE"`; the rest must consist of such attributes.
    pub(super) fn attribute(&mut self) -> Result<Option<(&'a str, &'a str)>, PlistError> {
        let trimmed = self.rest.trim_start_matches(blank);
        if trimmed.is_empty() {
            return Ok(None);
        }
        let spaced = trimmed.len() < self.rest.len();
        self.skip(self.rest.len() - trimmed.len());
        let Some((name, value)) = self.rest.split_once('=').filter(|_| spaced) else {
            return self.fail("expected NAME=\"VALUE\"");
        };
        self.skip(self.rest.len() - value.trim_start_matches(blank).len());
        let value = self.quoted()?;
        let name = name.trim_end_matches(blank);
        if is_name(name) { Ok(Some((name, value))) } else { self.fail("expected NAME=\"VALUE\"") }
    }

    /// A quoted text.
    fn quoted(&mut self) -> Result<&'a str, PlistError> {
        let mark = self.rest.chars().next().filter(|mark| matches!(mark, '"' | '\''));
        let inner = mark.and_then(|mark| self.rest[1..].split_once(mark)).map(|(inner, _)| inner);
        match inner {
            Some(inner) if !inner.contains('<') => {
                self.skip(inner.len() + 2);
                Ok(inner)
            }
            _ => self.fail(ValueError::hinted(
                "the value must be in straight quotes",
                "word processors write curly quotes; replace them",
            )),
        }
    }

    /// Skips a reference to Apple's document type.
    pub(super) fn document_type(&mut self) -> Result<(), PlistError> {
        let own = "the file must not define a document type of its own, which could define entities";
        self.skip("<!DOCTYPE".len());
        let words = self.rest.split(['>', '[', '"', '\'']).next().unwrap_or_default();
        let quoted = match words.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>()[..] {
            ["plist"] => 0,
            ["plist", "SYSTEM"] => 1,
            ["plist", "PUBLIC"] => 2,
            _ => return self.fail("not the document type of a property list"),
        };
        self.skip(words.len());
        for _ in 0..quoted {
            self.quoted()?;
            self.skip(self.rest.len() - self.rest.trim_start_matches(blank).len());
        }
        match self.rest.chars().next() {
            Some('>') => {
                self.skip(1);
                Ok(())
            }
            Some('[') => self.fail(own),
            _ => self.fail("the document type has no end"),
        }
    }
}
