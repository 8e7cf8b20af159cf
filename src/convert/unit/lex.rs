//! Splits a unit file into sections and assignments (systemd.syntax(7)); values are not interpreted.
//!
//! The order is systemd's: lines, which end with CR, LF or NUL; comments and continuations (a comment within a
//! continuation is skipped); UTF-8; blanks.

use std::ops::Range;
use std::path::{Path, PathBuf};

use svcadapt_spec::{SpecError, Spot};

use super::quote::MAX_LINE_BYTES;
use svcadapt_spec::words::{BLANKS, noncharacter};

/// The maximum size of a unit file and its drop-ins. Units of distributions have a few thousand bytes at most.
pub const MAX_UNIT_BYTES: usize = 4 * 1024 * 1024;

/// The maximum number of assignments of a unit with its drop-ins, and of values in their lists. An assignment takes
/// three bytes in the file at least, and a hundred times as much in memory.
pub const MAX_ASSIGNMENTS: usize = 16 * 1024;

/// The message for more than [`MAX_ASSIGNMENTS`].
pub(super) const TOO_MANY: &str = "more than 16384 assignments: this is not a unit";

/// A unit file or a drop-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The names of its sections in order, verbatim. A section may occur more than once.
    pub sections: Vec<String>,
    /// Its assignments in order.
    pub lines: Vec<Line>,
    /// The lines that systemd ignores with a warning.
    pub warnings: Vec<SpecError>,
    /// Whether the file is empty, which masks the unit.
    pub empty: bool,
    /// The offset after the line of each section's header.
    pub(super) headers: Vec<usize>,
    /// The bytes of each assignment.
    pub(super) spans: Vec<Span>,
}

/// The bytes of an assignment with its continuation lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// The assignment with the line break at its end.
    pub(super) whole: Range<usize>,
    /// The value. `None` if the `=` is on a continuation line.
    pub(super) value: Option<Range<usize>>,
    /// The comments between its lines.
    pub(super) comments: Vec<Range<usize>>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The index of its section in [`UnitFile::sections`].
    pub section: usize,
    /// The name of the directive.
    pub key: String,
    /// The value with continuation lines joined; quotes, escapes and specifiers are verbatim.
    pub value: String,
    /// The place of the value; of an empty value, the place after the `=`.
    pub spot: Spot,
}

/// The UTF-8 byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl UnitFile {
    /// Parses the text of a file. Text that makes systemd refuse the whole file is an error, and so is a NUL byte,
    /// which systemd takes for the end of a line.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, Vec<SpecError>> {
        let unit = Self {
            path: path.to_owned(),
            sections: Vec::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            empty: text.is_empty(),
            headers: Vec::new(),
            spans: Vec::new(),
        };
        if text.len() > MAX_UNIT_BYTES {
            let cause = format!("larger than {MAX_UNIT_BYTES} bytes: this is not a unit");
            return Err(vec![SpecError::in_file(path, None, cause)]);
        }
        let mut lexer = Lexer { unit, faults: Vec::new(), joined: None, marked: false, at: 0..0 };
        let (mut rest, mut number) = (text, 0);
        while !rest.is_empty() && lexer.faults.is_empty() {
            number += 1;
            let (line, ends, tail) = cut(rest);
            if ends & NUL != 0 {
                lexer.fault(number, line, line.len(), "a NUL byte");
            } else {
                lexer.at = text.len() - rest.len()..text.len() - tail.len();
                lexer.line(number, line);
            }
            rest = tail;
        }
        if let (Some(joined), true) = (lexer.joined.take(), lexer.faults.is_empty()) {
            lexer.statement(&joined);
        }
        if lexer.faults.is_empty() { Ok(lexer.unit) } else { Err(lexer.faults) }
    }

    /// The name of the section of a line.
    pub fn section(&self, line: &Line) -> &str {
        self.sections.get(line.section).map_or("", String::as_str)
    }
}

const NUL: u8 = 1;

/// The first line, the bits of the bytes that end it, and the text after it. CR LF and LF CR end one line.
fn cut(text: &[u8]) -> (&[u8], u8, &[u8]) {
    let end = |byte: u8| match byte {
        0 => NUL,
        b'\n' => 2,
        b'\r' => 4,
        _ => 0,
    };
    let length = text.iter().position(|&byte| end(byte) != 0).unwrap_or(text.len());
    let (mut ends, mut next) = (0, length);
    while let Some(&byte) = text.get(next) {
        if ends & NUL != 0 || end(byte) == 0 || ends & end(byte) != 0 {
            break;
        }
        ends |= end(byte);
        next += 1;
    }
    (&text[..length], ends, &text[next..])
}

/// Continuation lines joined to one.
struct JoinedLines {
    text: Vec<u8>,
    number: usize,
    /// The first line, verbatim.
    first: Vec<u8>,
    /// The offsets of the begin of the first line, of the end of the last, and of the end of the last without blanks.
    begin: usize,
    end: usize,
    content: usize,
    comments: Vec<Range<usize>>,
}

struct Lexer {
    unit: UnitFile,
    faults: Vec<SpecError>,
    joined: Option<JoinedLines>,
    marked: bool,
    /// The bytes of the current line.
    at: Range<usize>,
}

impl Lexer {
    fn fault(&mut self, number: usize, line: &[u8], offset: usize, message: &str) {
        let spot = Spot::new(number, line, offset);
        self.faults.push(SpecError::in_file(&self.unit.path, Some(spot), message));
    }

    fn line(&mut self, number: usize, whole: &[u8]) {
        if whole.len() > MAX_LINE_BYTES {
            return self.fault(number, whole, MAX_LINE_BYTES, "the line is longer than 1048575 bytes");
        }
        if matches!(strip_start(whole).first(), Some(b'#' | b';')) {
            if let Some(joined) = &mut self.joined {
                joined.comments.push(self.at.clone());
            }
            return;
        }
        let mut line = whole;
        if !self.marked
            && let Some(rest) = line.strip_prefix(MARK)
        {
            self.marked = true;
            line = rest;
        }
        let continued = line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let mut joined = self.joined.take().unwrap_or_else(|| JoinedLines {
            text: Vec::new(),
            number,
            first: line.to_vec(),
            begin: self.at.start + whole.len() - line.len(),
            end: 0,
            content: 0,
            comments: Vec::new(),
        });
        joined.end = self.at.end;
        joined.content = self.at.start + whole.len() - (line.len() - strip_end(line).len());
        if joined.text.len() + line.len() > MAX_LINE_BYTES + 1 {
            return self.fault(
                number,
                whole,
                0,
                "the line and its continuations are longer than 1048576 bytes",
            );
        }
        joined.text.extend(line);
        if continued {
            // The backslash becomes a blank.
            joined.text.pop();
            joined.text.push(b' ');
            self.joined = Some(joined);
        } else {
            self.statement(&joined);
        }
    }

    fn statement(&mut self, joined: &JoinedLines) {
        let JoinedLines { text, number, first, begin, end, content, comments } = joined;
        let line = strip(text);
        if line.is_empty() {
            return;
        }
        let start = first.len() - strip_start(first).len();
        let Ok(line) = std::str::from_utf8(line).map_err(|error| error.valid_up_to()).and_then(|line| {
            line.char_indices().find(|(_, c)| noncharacter(*c)).map_or(Ok(line), |(at, _)| Err(at))
        }) else {
            let bad = std::str::from_utf8(first).map_or_else(|error| error.valid_up_to(), |_| start);
            return self.fault(*number, first, bad, "not UTF-8, or a noncharacter; systemd refuses the file");
        };
        if let Some(header) = line.strip_prefix('[') {
            let Some(name) = header.strip_suffix(']') else {
                return self.fault(*number, first, start, "the header of a section must end with ']'");
            };
            let unsafe_name = |c: char| c.is_ascii_control() || matches!(c, '"' | '\'' | '\\');
            if name.contains(unsafe_name) {
                return self.fault(
                    *number,
                    first,
                    start,
                    "a quote, a backslash or a control character in the name of a section",
                );
            }
            self.unit.headers.push(*end);
            return self.unit.sections.push(name.to_owned());
        }
        if self.unit.lines.len() + self.unit.warnings.len() >= MAX_ASSIGNMENTS {
            return self.fault(*number, first, start, TOO_MANY);
        }
        let problem = match line.split_once('=') {
            _ if self.unit.sections.is_empty() => "this line is not in a section; systemd ignores it",
            None => "this line has no '='; systemd ignores it",
            Some(("", _)) => "this line has no name before the '='; systemd ignores it",
            Some((key, value)) => {
                let sign = first.iter().position(|byte| *byte == b'=');
                let after = sign.map_or(first.len(), |at| at + 1);
                let column = after + first[after..].len() - strip_start(&first[after..]).len();
                self.unit.spans.push(Span {
                    whole: *begin..*end,
                    value: sign.map(|_| begin + column..(*content).max(begin + column)),
                    comments: comments.clone(),
                });
                return self.unit.lines.push(Line {
                    section: self.unit.sections.len() - 1,
                    key: trimmed(key).to_owned(),
                    value: trimmed(value).to_owned(),
                    spot: Spot::new(*number, first, column),
                });
            }
        };
        let spot = Spot::new(*number, first, start);
        self.unit.warnings.push(SpecError::in_file(&self.unit.path, Some(spot), problem));
    }
}

fn strip_start(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| BLANKS.contains(byte)).count()..]
}

fn strip_end(text: &[u8]) -> &[u8] {
    &text[..text.len() - text.iter().rev().take_while(|byte| BLANKS.contains(byte)).count()]
}

fn strip(text: &[u8]) -> &[u8] {
    strip_end(strip_start(text))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<String> {
        let unit = UnitFile::parse(Path::new("/u"), text).unwrap();
        let shown = |line: &Line| {
            let Spot { line: number, column, .. } = line.spot;
            format!("{number}:{column} [{}] {}={}", unit.section(line), line.key, line.value)
        };
        unit.lines.iter().map(shown).collect()
    }

    fn fault(text: &[u8]) -> String {
        UnitFile::parse(Path::new("/u"), text).unwrap_err()[0].to_string()
    }

    #[test]
    fn assignments_have_line_and_column() {
        assert_eq!(lines(b"[A]\n k = v w \r\n;c\n\n[B]\nx=\n"), ["2:6 [A] k=v w", "6:3 [B] x="]);
        assert_eq!(lines(b"\xef\xbb\xbf[A]\r\nk=v"), ["2:3 [A] k=v"]);
    }

    #[test]
    fn continuation_lines_are_joined_without_comments() {
        assert_eq!(
            lines(b"[A]\nk=a\\\n# c\\\n ;d\n  b\\\\\nx=\\ \ny=1\\"),
            ["2:3 [A] k=a   b\\\\", "6:3 [A] x=\\", "7:3 [A] y=1"]
        );
    }

    #[test]
    fn lines_that_systemd_ignores_are_warnings() {
        let unit = UnitFile::parse(Path::new("/u"), b"a=b\n[A]\nfoo\n =x\n").unwrap();
        let warnings: Vec<_> = unit.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings[1], "/u:3:1: this line has no '='; systemd ignores it\n  | foo\n  | ^");
        assert_eq!((warnings.len(), unit.lines.len()), (3, 0));
    }

    #[test]
    fn text_that_systemd_refuses_is_an_error_with_its_place() {
        assert_eq!(fault(b"[A\n"), "/u:1:1: the header of a section must end with ']'\n  | [A\n  | ^");
        assert!(fault(b"[A]\nk=a\xffb\n").starts_with("/u:2:4: "));
        assert!(fault("[A]\nk=\u{fdd0}\n".as_bytes()).starts_with("/u:2:1: "));
        assert!(fault(b"[A]\nk=a\0b=c\n").starts_with("/u:2:4: a NUL byte"));
        assert!(fault(&[0; 10_000]).starts_with("/u:1:1: a NUL byte"));
        assert!(fault(&vec![b'x'; 2 << 20]).starts_with("/u:1:1048576: the line"));
        assert!(fault(&b"[A]\nk=xxxxxxxxxxxxxx\n".repeat(500_000)).starts_with("/u: larger"));
        assert_eq!(
            lines(&[b"[A]\n".to_vec(), b"k=\n".repeat(MAX_ASSIGNMENTS)].concat()).len(),
            MAX_ASSIGNMENTS
        );
        assert!(fault(&b"[A]\nk=x\n=\n".repeat(9_000)).starts_with("/u:24578:1: more than 16384"));
        assert!(
            fault(&[b"[A]\nk=\\\n".as_slice(), &b"xxxxxxxxxxxx\\\n".repeat(100_000)].concat())
                .contains("continuations")
        );
        assert_eq!(lines(&[b"[A]\nk=", vec![b'x'; MAX_LINE_BYTES - 2].as_slice()].concat()).len(), 1);
    }
}
