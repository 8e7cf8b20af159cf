//! What stands before the values: the XML declaration and the document type, and attributes.

use svcadapt_spec::ValueError;

use super::{Reader, blank, is_name};
use crate::plist::tree::Fault;

impl<'a> Reader<'a> {
    pub(super) fn declaration(&mut self) -> Result<(), Fault> {
        let Some(end) = self.rest.find("?>") else { return self.fail("the XML declaration has no end") };
        let inner = &self.rest["<?xml".len()..end];
        let mut part = Reader { rest: inner, end: self.offset() + end };
        while let Some((name, value)) = part.attribute()? {
            match (name, value) {
                ("version", "1.0") | ("standalone", "yes" | "no") => (),
                ("encoding", value) if ["utf-8", "us-ascii"].contains(&&*value.to_ascii_lowercase()) => (),
                ("encoding", _) => return part.fail("a property list has to be in UTF-8"),
                _ => return part.fail("this is no XML 1.0 declaration"),
            }
        }
        self.pass(end + 2);
        Ok(())
    }

    /// One `NAME="VALUE"` of what is left, all of which has to be such.
    pub(super) fn attribute(&mut self) -> Result<Option<(&'a str, &'a str)>, Fault> {
        let trimmed = self.rest.trim_start_matches(blank);
        if trimmed.is_empty() {
            return Ok(None);
        }
        let spaced = trimmed.len() < self.rest.len();
        self.pass(self.rest.len() - trimmed.len());
        let Some((name, value)) = self.rest.split_once('=').filter(|_| spaced) else {
            return self.fail("not NAME=\"VALUE\"");
        };
        self.pass(self.rest.len() - value.trim_start_matches(blank).len());
        let value = self.quoted()?;
        let name = name.trim_end_matches(blank);
        if is_name(name) { Ok(Some((name, value))) } else { self.fail("not NAME=\"VALUE\"") }
    }

    /// A text between quotation marks of one kind.
    fn quoted(&mut self) -> Result<&'a str, Fault> {
        let mark = self.rest.chars().next().filter(|mark| matches!(mark, '"' | '\''));
        let inner = mark.and_then(|mark| self.rest[1..].split_once(mark)).map(|(inner, _)| inner);
        match inner {
            Some(inner) if !inner.contains('<') => {
                self.pass(inner.len() + 2);
                Ok(inner)
            }
            _ => self.fail(ValueError::hinted(
                "a value has to stand between straight quotation marks",
                "word processors make others",
            )),
        }
    }

    /// A reference to Apple's document type, which says nothing that is not known here.
    pub(super) fn document_type(&mut self) -> Result<(), Fault> {
        let own = "a document type of its own cannot be: it could define entities";
        self.pass("<!DOCTYPE".len());
        let words = self.rest.split(['>', '[', '"', '\'']).next().unwrap_or_default();
        let quoted = match words.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>()[..] {
            ["plist"] => 0,
            ["plist", "SYSTEM"] => 1,
            ["plist", "PUBLIC"] => 2,
            _ => return self.fail("this is no document type of a property list"),
        };
        self.pass(words.len());
        for _ in 0..quoted {
            self.quoted()?;
            self.pass(self.rest.len() - self.rest.trim_start_matches(blank).len());
        }
        match self.rest.chars().next() {
            Some('>') => {
                self.pass(1);
                Ok(())
            }
            Some('[') => self.fail(own),
            _ => self.fail("the document type has no end"),
        }
    }
}
