//! The difference between two texts of the writer's, done to a third one that says the same as the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use svcadapt_spec::{Arity, FIELDS};

use super::Text;
use crate::unit::{Line, UnitFile};

/// The user's text with what is different between `before` and `after`; none where one of these is no unit.
pub(super) fn edit(own: &Text, before: &str, after: &str) -> Option<Vec<u8>> {
    let parse = |text: &str| UnitFile::parse(Path::new(""), text.as_bytes()).ok();
    let (before, after) = (parse(before)?, parse(after)?);
    let (before, after) = (Lines::of(&before), Lines::of(&after));
    let mut editor =
        Editor { own: Lines::of(&own.file), bytes: &own.bytes, edits: Vec::new(), sections: Vec::new() };
    let mut done = BTreeSet::new();
    for name in after.names().chain(before.names()).filter(|name| done.insert(*name)) {
        let (old, new) = (before.values(name), after.values(name));
        if old != new {
            editor.directive(name, &old, &new, &after);
        }
    }
    Some(editor.text())
}

/// A directive of a section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    section: &'a str,
    key: &'a str,
}

impl Name<'_> {
    /// Whether only its last value counts.
    fn is_single(self) -> bool {
        FIELDS.iter().any(|row| row.directive == self.key && row.arity == Arity::One)
    }
}

/// A file, and where each directive of it stands.
struct Lines<'a> {
    file: &'a UnitFile,
    of: BTreeMap<Name<'a>, Vec<usize>>,
}

impl<'a> Lines<'a> {
    fn of(file: &'a UnitFile) -> Self {
        let mut lines = Self { file, of: BTreeMap::new() };
        for (index, name) in lines.names().enumerate() {
            lines.of.entry(name).or_default().push(index);
        }
        lines
    }

    /// Of each line.
    fn names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        let file = self.file;
        file.lines.iter().map(|line| Name { section: file.section(line), key: &line.key })
    }

    fn indices(&self, name: Name<'a>) -> &[usize] {
        self.of.get(&name).map_or(&[], Vec::as_slice)
    }

    fn values(&self, name: Name<'a>) -> Vec<&'a str> {
        self.indices(name).iter().map(|index| self.file.lines[*index].value.as_str()).collect()
    }
}

/// What is done at a place of the text.
enum Edit {
    /// A line comes in.
    Insert(String),
    /// These bytes become others.
    Replace(Range<usize>, Vec<u8>),
}

struct Editor<'a> {
    own: Lines<'a>,
    bytes: &'a [u8],
    edits: Vec<(usize, Edit)>,
    /// Lines of sections that the text has not.
    sections: Vec<(&'a str, Vec<String>)>,
}

impl<'a> Editor<'a> {
    fn directive(&mut self, name: Name<'a>, old: &[&str], new: &[&str], after: &Lines<'a>) {
        let file = self.own.file;
        let all = self.own.indices(name).to_vec();
        let forgotten = all.iter().rposition(|index| file.lines[*index].value.is_empty());
        let counting = &all[forgotten.map_or(0, |at| at + 1)..];
        let said: Vec<&str> = counting.iter().map(|index| file.lines[*index].value.as_str()).collect();
        match (&all[..], new) {
            _ if said == new => (),
            ([], _) => self.add(name, new, after),
            (_, []) => self.remove(&all),
            ([.., last], [value]) if name.is_single() || old.len() == 1 && counting.len() == 1 => {
                self.replace(*last, value);
            }
            _ if said == old => self.merge(counting, old, new, name),
            ([.., last], _) if new.starts_with(old) => {
                self.insert(file.spans[*last].whole.end, name, &new[old.len()..]);
            }
            _ => {
                // Where the first of them stands, all of the new ones.
                let at = counting.first().or(all.last()).map_or(0, |index| file.spans[*index].whole.start);
                self.insert(at, name, new);
                self.remove(counting);
            }
        }
    }

    /// Values of which each is a line: those that stay, stay where they are.
    fn merge(&mut self, lines: &[usize], old: &[&str], new: &[&str], name: Name) {
        let mut next = 0;
        for value in new {
            if let Some(ahead) = old[next..].iter().position(|old| old == value) {
                self.remove(&lines[next..next + ahead]);
                next += ahead + 1;
            } else {
                let span = |index: usize| &self.own.file.spans[lines[index]].whole;
                let at = if next == 0 { span(0).start } else { span(next - 1).end };
                self.insert(at, name, &[*value]);
            }
        }
        self.remove(&lines[next..]);
    }

    /// A directive that the text has not comes behind its kin: what begins with the same word, or else what the writer
    /// has before it.
    fn add(&mut self, name: Name<'a>, values: &[&str], after: &Lines<'a>) {
        let file = self.own.file;
        let first = after.indices(name).first().copied().unwrap_or(0);
        let here = |line: &&Line| after.file.section(line) == name.section;
        let mut before = after.file.lines[..first].iter().rev().filter(here);
        let akin = |index: &usize| {
            let line = &file.lines[*index];
            file.section(line) == name.section && word(&line.key) == word(name.key)
        };
        let kin = (0..file.lines.len()).rev().find(akin).or_else(|| {
            before.find_map(|line| self.own.indices(Name { key: &line.key, ..name }).last().copied())
        });
        let header = file.sections.iter().position(|section| section == name.section);
        match (kin, header) {
            (Some(kin), _) => self.insert(file.spans[kin].whole.end, name, values),
            (None, Some(header)) => self.insert(file.headers[header], name, values),
            (None, None) => {
                let lines = values.iter().map(|value| format!("{}={value}", name.key));
                match self.sections.iter_mut().find(|(section, _)| *section == name.section) {
                    Some((_, section)) => section.extend(lines),
                    None => self.sections.push((name.section, lines.collect())),
                }
            }
        }
    }

    fn insert(&mut self, at: usize, name: Name, values: &[&str]) {
        let lines = values.iter().map(|value| (at, Edit::Insert(format!("{}={value}", name.key))));
        self.edits.extend(lines);
    }

    fn remove(&mut self, lines: &[usize]) {
        let spans = lines.iter().map(|index| self.own.file.spans[*index].whole.clone());
        self.edits.extend(spans.map(|whole| (whole.start, Edit::Replace(whole, Vec::new()))));
    }

    /// The value alone; comments between its lines come before it.
    fn replace(&mut self, index: usize, value: &str) {
        let (span, bytes) = (&self.own.file.spans[index], self.bytes);
        let start = span.whole.start;
        let mut new: Vec<u8> =
            span.comments.iter().flat_map(|comment| &bytes[comment.clone()]).copied().collect();
        let end = if let Some(at) = &span.value {
            new.extend(&bytes[start..at.start]);
            at.end
        } else {
            new.extend(self.own.file.lines[index].key.bytes().chain(*b"="));
            let ends = bytes[span.whole.clone()].iter().rev();
            span.whole.end - ends.take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
        };
        new.extend(value.bytes());
        self.edits.push((start, Edit::Replace(start..end, new)));
    }

    /// The text with all of it done.
    fn text(mut self) -> Vec<u8> {
        let bytes = self.bytes;
        let end = end_of_line(bytes);
        let mut out = Out { text: Vec::with_capacity(bytes.len()), end, open: false };
        // At one place what comes in comes before what stands there.
        self.edits.sort_by_key(|(at, edit)| (*at, matches!(edit, Edit::Replace(..))));
        let mut taken = 0;
        for (at, edit) in self.edits {
            out.text.extend(&bytes[taken..at.max(taken)]);
            taken = taken.max(at);
            match edit {
                Edit::Insert(line) => out.line(&line),
                Edit::Replace(range, new) => {
                    out.text.extend(new);
                    taken = range.end;
                }
            }
        }
        out.text.extend(&bytes[taken..]);
        for (section, lines) in self.sections {
            if !out.text.is_empty() {
                out.line("");
            }
            out.line(&format!("[{section}]"));
            for line in lines {
                out.line(&line);
            }
        }
        out.text
    }
}

/// `Exec` of `ExecStart`, `OOMScore` of `OOMScoreAdjust`.
fn word(key: &str) -> &str {
    let pairs = key.as_bytes().windows(2);
    let end =
        pairs.take_while(|pair| !(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())).count();
    &key[..(end + 1).min(key.len())]
}

struct Out {
    text: Vec<u8>,
    end: &'static str,
    /// Whether the last line has no end.
    open: bool,
}

impl Out {
    /// A line; behind a last line without an end, one without an end.
    fn line(&mut self, line: &str) {
        self.open |= self.text.last().is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
        let (before, after) = if self.open { (self.end, "") } else { ("", self.end) };
        self.text.extend(before.bytes().chain(line.bytes()).chain(after.bytes()));
    }
}

/// As the first line ends.
fn end_of_line(text: &[u8]) -> &'static str {
    let first = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    match first.map(|at| &text[at..]) {
        Some([b'\r', b'\n', ..]) => "\r\n",
        Some([b'\r', ..]) => "\r",
        _ => "\n",
    }
}
