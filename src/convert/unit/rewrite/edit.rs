//! Applies the difference between two texts of the writer to a third text with the meaning of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use svcadapt_spec::{Arity, FIELDS};

use crate::unit::{Line, UnitFile, UnitText};

/// Applies the difference between `before` and `after` to the user's text. `None` if one of them is not a valid unit.
pub(super) fn edit(own: &UnitText, before: &str, after: &str) -> Option<Vec<u8>> {
    let parse = |text: &str| UnitFile::parse(Path::new(""), text.as_bytes()).ok();
    let (before, after) = (parse(before)?, parse(after)?);
    let (before, after) = (DirectiveIndex::of(&before), DirectiveIndex::of(&after));
    let mut editor = UnitEditor {
        own: DirectiveIndex::of(&own.file),
        bytes: &own.bytes,
        edits: Vec::new(),
        sections: Vec::new(),
    };
    let mut done = BTreeSet::new();
    for name in after.names().chain(before.names()).filter(|name| done.insert(*name)) {
        let (old, new) = (before.values(name), after.values(name));
        if old != new {
            editor.directive(name, &old, &new, &after);
        }
    }
    Some(editor.text())
}

/// A section and a directive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DirectiveName<'a> {
    section: &'a str,
    key: &'a str,
}

impl DirectiveName<'_> {
    /// Whether only the last value of the directive counts.
    fn is_single(self) -> bool {
        FIELDS.iter().any(|row| row.directive == self.key && row.arity == Arity::One)
    }
}

/// A file, and the lines of each directive.
struct DirectiveIndex<'a> {
    file: &'a UnitFile,
    of: BTreeMap<DirectiveName<'a>, Vec<usize>>,
}

impl<'a> DirectiveIndex<'a> {
    fn of(file: &'a UnitFile) -> Self {
        let mut lines = Self { file, of: BTreeMap::new() };
        for (index, name) in lines.names().enumerate() {
            lines.of.entry(name).or_default().push(index);
        }
        lines
    }

    /// The name of each line.
    fn names(&self) -> impl Iterator<Item = DirectiveName<'a>> + use<'a> {
        let file = self.file;
        file.lines.iter().map(|line| DirectiveName { section: file.section(line), key: &line.key })
    }

    fn indices(&self, name: DirectiveName<'a>) -> &[usize] {
        self.of.get(&name).map_or(&[], Vec::as_slice)
    }

    fn values(&self, name: DirectiveName<'a>) -> Vec<&'a str> {
        self.indices(name).iter().map(|index| self.file.lines[*index].value.as_str()).collect()
    }
}

/// A change at one offset of the text.
enum UnitEdit {
    /// Inserts a line.
    Insert(String),
    /// Replaces these bytes.
    Replace(Range<usize>, Vec<u8>),
}

struct UnitEditor<'a> {
    own: DirectiveIndex<'a>,
    bytes: &'a [u8],
    edits: Vec<(usize, UnitEdit)>,
    /// The lines of sections that are not in the text yet.
    sections: Vec<(&'a str, Vec<String>)>,
}

impl<'a> UnitEditor<'a> {
    fn directive(&mut self, name: DirectiveName<'a>, old: &[&str], new: &[&str], after: &DirectiveIndex<'a>) {
        let file = self.own.file;
        let all = self.own.indices(name).to_vec();
        let reset = all.iter().rposition(|index| file.lines[*index].value.is_empty());
        let counting = &all[reset.map_or(0, |at| at + 1)..];
        let current: Vec<&str> = counting.iter().map(|index| file.lines[*index].value.as_str()).collect();
        match (&all[..], new) {
            _ if current == new => (),
            ([], _) => self.add(name, new, after),
            (_, []) => self.remove(&all),
            ([.., last], [value]) if name.is_single() || old.len() == 1 && counting.len() == 1 => {
                self.replace(*last, value);
            }
            _ if current == old => self.merge(counting, old, new, name),
            ([.., last], _) if new.starts_with(old) => {
                self.insert(file.spans[*last].whole.end, name, &new[old.len()..]);
            }
            _ => {
                // All new values replace the old ones, at the place of the first.
                let at = counting.first().or(all.last()).map_or(0, |index| file.spans[*index].whole.start);
                self.insert(at, name, new);
                self.remove(counting);
            }
        }
    }

    /// Merges values, one a line: a value that is kept stays at its place.
    fn merge(&mut self, lines: &[usize], old: &[&str], new: &[&str], name: DirectiveName) {
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

    /// Adds a directive that the text does not have: after a directive that begins with the same word, or else after
    /// the one that precedes it in the writer's text.
    fn add(&mut self, name: DirectiveName<'a>, values: &[&str], after: &DirectiveIndex<'a>) {
        let file = self.own.file;
        let first = after.indices(name).first().copied().unwrap_or(0);
        let here = |line: &&Line| after.file.section(line) == name.section;
        let mut before = after.file.lines[..first].iter().rev().filter(here);
        let same_word = |index: &usize| {
            let line = &file.lines[*index];
            file.section(line) == name.section && word(&line.key) == word(name.key)
        };
        let previous = (0..file.lines.len()).rev().find(same_word).or_else(|| {
            before.find_map(|line| self.own.indices(DirectiveName { key: &line.key, ..name }).last().copied())
        });
        let header = file.sections.iter().position(|section| section == name.section);
        match (previous, header) {
            (Some(previous), _) => self.insert(file.spans[previous].whole.end, name, values),
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

    fn insert(&mut self, at: usize, name: DirectiveName, values: &[&str]) {
        let lines = values.iter().map(|value| (at, UnitEdit::Insert(format!("{}={value}", name.key))));
        self.edits.extend(lines);
    }

    fn remove(&mut self, lines: &[usize]) {
        let spans = lines.iter().map(|index| self.own.file.spans[*index].whole.clone());
        self.edits.extend(spans.map(|whole| (whole.start, UnitEdit::Replace(whole, Vec::new()))));
    }

    /// Replaces a value. Comments between its lines are moved before it.
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
        self.edits.push((start, UnitEdit::Replace(start..end, new)));
    }

    /// The text with all changes.
    fn text(mut self) -> Vec<u8> {
        let bytes = self.bytes;
        let end = end_of_line(bytes);
        let mut buffer = LineBuffer { text: Vec::with_capacity(bytes.len()), end, open: false };
        // At one offset, insertions come before replacements.
        self.edits.sort_by_key(|(at, edit)| (*at, matches!(edit, UnitEdit::Replace(..))));
        let mut taken = 0;
        for (at, edit) in self.edits {
            buffer.text.extend(&bytes[taken..at.max(taken)]);
            taken = taken.max(at);
            match edit {
                UnitEdit::Insert(line) => buffer.line(&line),
                UnitEdit::Replace(range, new) => {
                    buffer.text.extend(new);
                    taken = range.end;
                }
            }
        }
        buffer.text.extend(&bytes[taken..]);
        for (section, lines) in self.sections {
            if !buffer.text.is_empty() {
                buffer.line("");
            }
            buffer.line(&format!("[{section}]"));
            for line in lines {
                buffer.line(&line);
            }
        }
        buffer.text
    }
}

/// The first word of a directive: `Exec` of `ExecStart`, `OOMScore` of `OOMScoreAdjust`.
fn word(key: &str) -> &str {
    let pairs = key.as_bytes().windows(2);
    let end =
        pairs.take_while(|pair| !(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())).count();
    &key[..(end + 1).min(key.len())]
}

struct LineBuffer {
    text: Vec<u8>,
    end: &'static str,
    /// Whether the last line has no line end.
    open: bool,
}

impl LineBuffer {
    /// Adds a line. After a line without a line end, the new line has none either.
    fn line(&mut self, line: &str) {
        self.open |= self.text.last().is_some_and(|byte| !matches!(byte, b'\n' | b'\r'));
        let (before, after) = if self.open { (self.end, "") } else { ("", self.end) };
        self.text.extend(before.bytes().chain(line.bytes()).chain(after.bytes()));
    }
}

/// The line end of the first line.
fn end_of_line(text: &[u8]) -> &'static str {
    let first = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    match first.map(|at| &text[at..]) {
        Some([b'\r', b'\n', ..]) => "\r\n",
        Some([b'\r', ..]) => "\r",
        _ => "\n",
    }
}
