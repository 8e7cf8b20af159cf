//! The text of a unit file as sections and assignments (systemd.syntax(7)).
//!
//! In systemd's order: lines, which CR, LF and NUL end; comments and continuations, where a comment within a
//! continuation is skipped; UTF-8; blanks. What a value means is not known here.

use std::ops::Range;
use std::path::{Path, PathBuf};

use svcadapt_spec::{SpecError, Spot};

use super::quote::{LONGEST_LINE, noncharacter};
use super::words::BLANKS;

/// The largest file that is read. The largest unit that any distribution ships has a few thousand bytes.
pub const LARGEST_UNIT: usize = 4 * 1024 * 1024;

/// How many assignments a unit and its drop-ins can have together, and how many values one list of them. Each costs a
/// hundred times the three bytes that it can be written with.
pub const MOST_ASSIGNMENTS: usize = 16 * 1024;

/// What is said of more.
pub(super) const TOO_MANY: &str = "more than 16384 assignments: this is no unit";

/// A unit file or a drop-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The names of its sections, as they stand; one that stands twice is here twice.
    pub sections: Vec<String>,
    /// Its assignments, in their order.
    pub lines: Vec<Line>,
    /// What systemd would ignore with a warning.
    pub warnings: Vec<SpecError>,
    /// Whether the file has no byte at all, which masks a unit.
    pub empty: bool,
    /// Where each section's name ends, with its line.
    pub(super) headers: Vec<usize>,
    /// The bytes of each assignment.
    pub(super) spans: Vec<Span>,
}

/// Which bytes an assignment has, with the lines that continue it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// All of it, with the end of its last line.
    pub(super) whole: Range<usize>,
    /// From the value to the end of it. None where the `=` stands on a later line.
    pub(super) value: Option<Range<usize>>,
    /// The comments that stand between its lines.
    pub(super) comments: Vec<Range<usize>>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The index of its section.
    pub section: usize,
    /// What is assigned to.
    pub key: String,
    /// What is assigned: quotes, escapes and specifiers as they stand, continuations joined.
    pub value: String,
    /// Where the value begins, or would.
    pub spot: Spot,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl UnitFile {
    /// Reads a text. What makes systemd refuse the whole file is an error here, and so is a NUL byte, which it would
    /// take for the end of a line.
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
        if text.len() > LARGEST_UNIT {
            let cause = format!("larger than {LARGEST_UNIT} bytes: this is no unit");
            return Err(vec![SpecError::in_file(path, None, cause)]);
        }
        let mut lexer = Lexer { unit, faults: Vec::new(), joined: None, marked: false, at: 0..0 };
        let (mut rest, mut number) = (text, 0);
        while !rest.is_empty() && lexer.faults.is_empty() {
            number += 1;
            let (line, ends, tail) = cut(rest);
            if ends & NUL != 0 {
                lexer.fault(number, line, line.len(), "a NUL byte stands here");
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

    /// The name of the section that a line stands in.
    pub fn section(&self, line: &Line) -> &str {
        self.sections.get(line.section).map_or("", String::as_str)
    }
}

const NUL: u8 = 1;

/// The first line, what ended it, and what comes after. CR LF and LF CR are one end.
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

/// Lines that have become one, and where they began.
struct Joined {
    text: Vec<u8>,
    number: usize,
    /// The first line as it stands.
    first: Vec<u8>,
    /// Where all of them begin, and where the last one and what it says end.
    begin: usize,
    end: usize,
    content: usize,
    comments: Vec<Range<usize>>,
}

struct Lexer {
    unit: UnitFile,
    faults: Vec<SpecError>,
    joined: Option<Joined>,
    marked: bool,
    /// The bytes of the line.
    at: Range<usize>,
}

impl Lexer {
    fn fault(&mut self, number: usize, line: &[u8], offset: usize, message: &str) {
        let spot = Spot::new(number, line, offset);
        self.faults.push(SpecError::in_file(&self.unit.path, Some(spot), message));
    }

    fn line(&mut self, number: usize, whole: &[u8]) {
        if whole.len() > LONGEST_LINE {
            return self.fault(number, whole, LONGEST_LINE, "a line has at most 1048575 bytes");
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
        let mut joined = self.joined.take().unwrap_or_else(|| Joined {
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
        if joined.text.len() + line.len() > LONGEST_LINE + 1 {
            return self.fault(number, whole, 0, "continued lines have at most 1048576 bytes together");
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

    fn statement(&mut self, joined: &Joined) {
        let Joined { text, number, first, begin, end, content, comments } = joined;
        let line = strip(text);
        if line.is_empty() {
            return;
        }
        let start = first.len() - strip_start(first).len();
        let Ok(line) = std::str::from_utf8(line).map_err(|error| error.valid_up_to()).and_then(|line| {
            line.char_indices().find(|(_, c)| noncharacter(*c)).map_or(Ok(line), |(at, _)| Err(at))
        }) else {
            let bad = std::str::from_utf8(first).map_or_else(|error| error.valid_up_to(), |_| start);
            return self.fault(
                *number,
                first,
                bad,
                "this is not UTF-8 as systemd knows it; it reads no such file",
            );
        };
        if let Some(header) = line.strip_prefix('[') {
            let Some(name) = header.strip_suffix(']') else {
                return self.fault(*number, first, start, "the name of a section ends with ']'");
            };
            let unsafe_name = |c: char| c.is_ascii_control() || matches!(c, '"' | '\'' | '\\');
            if name.contains(unsafe_name) {
                return self.fault(*number, first, start, "a character that no section has in its name");
            }
            self.unit.headers.push(*end);
            return self.unit.sections.push(name.to_owned());
        }
        if self.unit.lines.len() + self.unit.warnings.len() >= MOST_ASSIGNMENTS {
            return self.fault(*number, first, start, TOO_MANY);
        }
        let problem = match line.split_once('=') {
            _ if self.unit.sections.is_empty() => "this stands in no section; systemd ignores it",
            None => "no '=' on this line; systemd ignores it",
            Some(("", _)) => "nothing stands before the '='; systemd ignores the line",
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
    fn every_assignment_has_its_place() {
        assert_eq!(lines(b"[A]\n k = v w \r\n;c\n\n[B]\nx=\n"), ["2:6 [A] k=v w", "6:3 [B] x="]);
        assert_eq!(lines(b"\xef\xbb\xbf[A]\r\nk=v"), ["2:3 [A] k=v"]);
    }

    #[test]
    fn lines_are_joined_and_comments_between_them_skipped() {
        assert_eq!(
            lines(b"[A]\nk=a\\\n# c\\\n ;d\n  b\\\\\nx=\\ \ny=1\\"),
            ["2:3 [A] k=a   b\\\\", "6:3 [A] x=\\", "7:3 [A] y=1"]
        );
    }

    #[test]
    fn what_systemd_ignores_is_a_warning() {
        let unit = UnitFile::parse(Path::new("/u"), b"a=b\n[A]\nfoo\n =x\n").unwrap();
        let told: Vec<_> = unit.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told[1], "/u:3:1: no '=' on this line; systemd ignores it\n  | foo\n  | ^");
        assert_eq!((told.len(), unit.lines.len()), (3, 0));
    }

    #[test]
    fn what_takes_the_file_with_it_is_an_error_at_its_place() {
        assert_eq!(fault(b"[A\n"), "/u:1:1: the name of a section ends with ']'\n  | [A\n  | ^");
        assert!(fault(b"[A]\nk=a\xffb\n").starts_with("/u:2:4: "));
        assert!(fault("[A]\nk=\u{fdd0}\n".as_bytes()).starts_with("/u:2:1: "));
        assert!(fault(b"[A]\nk=a\0b=c\n").starts_with("/u:2:4: a NUL byte"));
        assert!(fault(&[0; 10_000]).starts_with("/u:1:1: a NUL byte"));
        assert!(fault(&vec![b'x'; 2 << 20]).starts_with("/u:1:1048576: a line"));
        assert!(fault(&b"[A]\nk=xxxxxxxxxxxxxx\n".repeat(500_000)).starts_with("/u: larger"));
        assert_eq!(
            lines(&[b"[A]\n".to_vec(), b"k=\n".repeat(MOST_ASSIGNMENTS)].concat()).len(),
            MOST_ASSIGNMENTS
        );
        assert!(fault(&b"[A]\nk=x\n=\n".repeat(9_000)).starts_with("/u:24578:1: more than 16384"));
        assert!(
            fault(&[b"[A]\nk=\\\n".as_slice(), &b"xxxxxxxxxxxx\\\n".repeat(100_000)].concat())
                .contains("together")
        );
        assert_eq!(lines(&[b"[A]\nk=", vec![b'x'; LONGEST_LINE - 2].as_slice()].concat()).len(), 1);
    }
}
