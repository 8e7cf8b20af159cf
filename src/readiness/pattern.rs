//! A regular expression, if this program was built with them.

/// A regular expression that lines are compared with.
#[cfg(feature = "regex")]
#[derive(Debug)]
pub(super) struct Pattern(regex_lite::Regex);

#[cfg(feature = "regex")]
impl Pattern {
    pub(super) fn new(text: &str) -> Option<Self> {
        regex_lite::Regex::new(text).ok().map(Self)
    }

    pub(super) fn matches(&self, line: &[u8]) -> bool {
        self.0.is_match(&String::from_utf8_lossy(line))
    }
}

/// This build has no regular expressions: a spec with one was refused.
#[cfg(not(feature = "regex"))]
#[derive(Debug)]
pub(super) enum Pattern {}

#[cfg(not(feature = "regex"))]
impl Pattern {
    pub(super) fn new(_: &str) -> Option<Self> {
        None
    }

    pub(super) fn matches(&self, _: &[u8]) -> bool {
        match *self {}
    }
}
