//! Applies the difference between two dictionaries of the writer to the XML of a third with the meaning of the first.

use std::collections::BTreeMap;

use plist::{Dictionary, Value};

use crate::plist::tree::{Entry, Node};
use crate::plist::{tree, xml};

/// Applies the difference between `old` and `new` to the user's text. `None` if a dictionary to change is empty.
pub(super) fn edit(text: &[u8], old: &Dictionary, new: &Dictionary) -> Option<Vec<u8>> {
    let root = xml::parse(text).ok()?;
    let text = std::str::from_utf8(text).ok()?;
    let mut editor = XmlEditor { text, edits: Vec::new() };
    editor.dictionary(&root, old, new)?;
    // Insertions at one offset keep their order (the sort is stable).
    editor.edits.sort_by_key(|edit| edit.begin);
    let (mut out, mut taken) = (String::with_capacity(text.len()), 0);
    for XmlEdit { begin, end, new } in editor.edits {
        out.push_str(&text[taken..begin]);
        out.push_str(&new);
        taken = end;
    }
    out.push_str(&text[taken..]);
    Some(out.into_bytes())
}

/// Replaces the bytes from `begin` to `end`.
struct XmlEdit {
    begin: usize,
    end: usize,
    new: String,
}

struct XmlEditor<'a> {
    text: &'a str,
    edits: Vec<XmlEdit>,
}

/// An entry and the offsets of its key, its value and its end.
struct EntrySpan<'a> {
    entry: &'a Entry,
    key: usize,
    value: usize,
    end: usize,
}

impl XmlEditor<'_> {
    fn dictionary(&mut self, node: &Node, old: &Dictionary, new: &Dictionary) -> Option<()> {
        let places = self.places(node)?;
        let style = Style::of(self.text, &places, node.offset?)?;
        let stays =
            |place: &&EntrySpan| new.contains_key(&place.entry.key) || !old.contains_key(&place.entry.key);
        let staying: Vec<&EntrySpan> = places.iter().filter(stays).collect();
        let named: BTreeMap<&str, &EntrySpan> =
            places.iter().map(|place| (place.entry.key.as_str(), place)).collect();
        for (key, value) in new {
            let own = named.get(key.as_str()).copied();
            match (own, old.get(key), value) {
                (_, Some(before), _) if before == value => (),
                (Some(own), Some(Value::Dictionary(before)), Value::Dictionary(after)) if !own.is_empty() => {
                    self.dictionary(&own.entry.node, before, after)?;
                }
                (Some(own), ..) => self.put(own.value, own.end, style.xml(value, style.indent)),
                (None, ..) => {
                    let before = neighbour(&staying, key)?;
                    let at = self.end_of_line(before.end);
                    let gap = style.gap(self.text, before);
                    let new =
                        format!("{}{}{gap}{}", style.line, element(key), style.xml(value, style.indent));
                    self.put(at, at, new);
                }
            }
        }
        for own in places.iter().filter(|place| old.contains_key(&place.entry.key)) {
            if !new.contains_key(&own.entry.key) {
                let (begin, end) = self.whole_lines(own.key, own.end);
                self.put(begin, end, String::new());
            }
        }
        Some(())
    }

    fn put(&mut self, begin: usize, end: usize, new: String) {
        self.edits.push(XmlEdit { begin, end, new });
    }

    /// The places of the entries of a dictionary.
    fn places<'b>(&self, node: &'b Node) -> Option<Vec<EntrySpan<'b>>> {
        let tree::Value::Dictionary(entries) = &node.value else { return None };
        let mut at = node.offset? + self.text[node.offset?..].find('>')? + 1;
        let place = |entry: &'b Entry| {
            let value = entry.node.offset?;
            let place = EntrySpan {
                entry,
                key: past_comments(self.text, at)?,
                value,
                end: end_of(self.text, value)?,
            };
            at = place.end;
            Some(place)
        };
        entries.iter().map(place).collect()
    }

    /// The end of the line if only a comment follows; otherwise `at`.
    fn end_of_line(&self, at: usize) -> usize {
        let rest = self.text[at..].split(['\r', '\n']).next().unwrap_or_default();
        let text = rest.trim();
        let comment = text.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
        if comment.is_some_and(|comment| !comment.contains("-->")) { at + rest.trim_end().len() } else { at }
    }

    /// The range extended to whole lines, if they contain nothing else.
    fn whole_lines(&self, begin: usize, end: usize) -> (usize, usize) {
        let start = self.text[..begin].rfind('\n').map_or(0, |at| at + 1);
        let stop = self.text[end..].find('\n').map(|at| end + at + 1);
        match stop {
            Some(stop) if (self.text[start..begin].to_owned() + &self.text[end..stop]).trim().is_empty() => {
                (start, stop)
            }
            _ => (begin, end),
        }
    }
}

impl EntrySpan<'_> {
    fn is_empty(&self) -> bool {
        self.entry.node.entries().is_empty()
    }
}

/// The entry after which a new one is inserted, in alphabetical order if the entries are sorted. Not before an entry,
fn neighbour<'a, 'b>(places: &[&'a EntrySpan<'b>], key: &str) -> Option<&'a EntrySpan<'b>> {
    let sorted = places.is_sorted_by(|a, b| a.entry.key <= b.entry.key);
    let before = places.iter().rfind(|place| sorted && place.entry.key.as_str() < key);
    before.or(if sorted { places.first() } else { places.last() }).copied()
}

/// The layout of the entries of a dictionary.
struct Style<'a> {
    /// The line end and the blanks before a key; empty if all entries are in one line.
    line: &'a str,
    indent: &'a str,
    /// The indentation of one level.
    step: &'a str,
    end: &'a str,
}

impl<'a> Style<'a> {
    /// The layout of the first entry.
    fn of(text: &'a str, places: &[EntrySpan], dictionary: usize) -> Option<Self> {
        let first = places.first()?;
        let begin = text[..first.key].rfind('\n').filter(|at| text[*at..first.key].trim().is_empty());
        let Some(begin) = begin else { return Some(Self { line: "", indent: "", step: "", end: "" }) };
        let begin = if text[..begin].ends_with('\r') { begin - 1 } else { begin };
        let line = &text[begin..first.key];
        let indent = line.trim_start_matches(['\r', '\n']);
        let above = &text[text[..dictionary].rfind('\n').map_or(0, |at| at + 1)..dictionary];
        let above = &above[..above.len() - above.trim_start().len()];
        let step = indent.strip_prefix(above).filter(|step| !step.is_empty()).unwrap_or("\t");
        Some(Self { line, indent, step, end: &line[..line.len() - indent.len()] })
    }

    /// The text between a key and its value.
    fn gap<'b>(&'b self, text: &'b str, place: &EntrySpan) -> &'b str {
        let between = &text[place.key..place.value];
        let gap = between.rfind("</key").and_then(|at| Some(&between[at + between[at..].find('>')? + 1..]));
        gap.filter(|gap| gap.trim().is_empty()).unwrap_or(self.line)
    }

    fn xml(&self, value: &Value, indent: &str) -> String {
        let inner = format!("{indent}{}", self.step);
        let (line, last) = (format!("{}{inner}", self.end), format!("{}{indent}", self.end));
        match value {
            Value::Boolean(truth) => format!("<{truth}/>"),
            Value::Integer(number) => format!("<integer>{number}</integer>"),
            Value::String(text) => format!("<string>{}</string>", escaped(text)),
            Value::Array(values) if values.is_empty() => "<array/>".to_owned(),
            Value::Array(values) => {
                let values: Vec<_> = values.iter().map(|value| self.xml(value, &inner)).collect();
                format!("<array>{line}{}{last}</array>", values.join(&line))
            }
            Value::Dictionary(entries) if entries.is_empty() => "<dict/>".to_owned(),
            Value::Dictionary(entries) => {
                let entry =
                    |(key, value): (&String, &Value)| [element(key), self.xml(value, &inner)].join(&line);
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("<dict>{line}{}{last}</dict>", entries.join(&line))
            }
            // The writer has no other values.
            _ => String::new(),
        }
    }
}

fn element(key: &str) -> String {
    format!("<key>{}</key>", escaped(key))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The offset after blanks, comments and processing instructions.
fn past_comments(text: &str, mut at: usize) -> Option<usize> {
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        at += match comment(&text[at..])? {
            0 => return Some(at),
            length => length,
        };
    }
}

/// The length of a comment, a CDATA section or a processing instruction; 0 if there is none.
fn comment(text: &str) -> Option<usize> {
    let ends = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
    match ends.into_iter().find(|(begin, _)| text.starts_with(begin)) {
        Some((begin, end)) => Some(begin.len() + text[begin.len()..].find(end)? + end.len()),
        None => Some(0),
    }
}

/// The end of the element that begins here. The text must be well-formed.
fn end_of(text: &str, begin: usize) -> Option<usize> {
    let (mut at, mut depth) = (begin, 0_usize);
    loop {
        at += text[at..].find('<')?;
        match comment(&text[at..])? {
            0 => {
                let end = at + text[at..].find('>')? + 1;
                let tag = &text[at..end];
                if tag.starts_with("</") {
                    depth = depth.checked_sub(1)?;
                } else if !tag.ends_with("/>") {
                    depth += 1;
                }
                at = end;
                if depth == 0 {
                    return Some(at);
                }
            }
            length => at += length,
        }
    }
}
