//! The syntax of environment files (`EnvironmentFile=`, systemd.exec(5)).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{Assignment, EnvName, ValueError};

/// A parsed environment file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The assignments, in order.
    pub assignments: Vec<Assignment>,
    /// Lines that systemd ignores with a warning, or reads otherwise than they look.
    pub ignored: Vec<BrokenLine>,
    /// Lines for which systemd refuses to start the service.
    pub refused: Vec<BrokenLine>,
}

/// An invalid line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLine {
    /// The line number, from 1.
    pub line: usize,
    /// The cause and the hint.
    pub error: ValueError,
}

/// Parses assignments, one a line: `NAME=VALUE`, the value bare or quoted.
///
/// Empty lines and lines that start with `#` or `;` are skipped. Single-quoted text is literal. In double quotes and bare
/// text `\` escapes the next character; before a newline it joins the lines. Quotes are special only where the value begins.
/// A bare value loses its trailing blanks. Variables are not expanded.
///
/// A line without `=`, or with another word before the name (`export NAME=VALUE`), is ignored: systemd starts the service
/// without the variable. An unclosed quote reaches to the end of the file.
pub fn parse(text: &[u8]) -> Content {
    let mut reader = Reader { rest: text, line: 1, open: false };
    let mut content = Content::default();
    while !reader.rest.is_empty() {
        let line = reader.line;
        match reader.assignment() {
            Ok(Some(found)) if found.value.as_bytes().contains(&0) => {
                let error = ValueError::from("the value contains a NUL byte");
                content.refused.push(BrokenLine { line, error });
            }
            Ok(found) => content.assignments.extend(found),
            Err(error) => {
                let error = ValueError { cause: format!("{}; the line is ignored", error.cause), ..error };
                content.ignored.push(BrokenLine { line, error });
            }
        }
        if reader.open {
            let cause = "unclosed quote: the rest of the file belongs to the value";
            content.ignored.push(BrokenLine { line, error: cause.into() });
        }
    }
    content
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
    /// Whether the file ended inside quotes.
    open: bool,
}

impl Reader<'_> {
    fn assignment(&mut self) -> Result<Option<Assignment>, ValueError> {
        self.skip_blanks();
        if matches!(self.peek(), None | Some(b'\n' | b'#' | b';')) {
            self.skip_line();
            return Ok(None);
        }
        let mut name = Vec::new();
        loop {
            match self.peek() {
                None | Some(b'\n') => {
                    self.skip_line();
                    return Err(ValueError::hinted(
                        "no NAME=VALUE on this line",
                        "a comment starts with '#'",
                    ));
                }
                Some(b'=') => break,
                Some(byte) => name.push(byte),
            }
            self.next();
        }
        self.next();
        while name.last().copied().is_some_and(blank) {
            name.pop();
        }
        // Read the value even if the name is invalid: it may span several lines.
        let value = OsString::from_vec(self.value());
        let exported = name.strip_prefix(b"export ").map(<[u8]>::trim_ascii).map(<[u8]>::to_vec);
        EnvName::parse(OsString::from_vec(name).as_os_str())
            .map(|name| Some(Assignment { name, value }))
            .map_err(|error| match exported.and_then(|name| String::from_utf8(name).ok()) {
                Some(name) => ValueError::hinted(
                    error.cause,
                    format!("this file is not a shell script: write {name}=VALUE"),
                ),
                None => error,
            })
    }

    /// Reads the value, and the rest of its last line.
    fn value(&mut self) -> Vec<u8> {
        self.skip_blanks();
        let mut value = Vec::new();
        loop {
            match self.peek() {
                Some(b'\'') if value.is_empty() => self.quoted(b'\'', &mut value),
                Some(b'"') if value.is_empty() => self.quoted(b'"', &mut value),
                _ => break,
            }
        }
        let quoted = value.len();
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'\\' => match self.next() {
                    None | Some(b'\n') => {}
                    Some(protected) => value.push(protected),
                },
                _ => value.push(byte),
            }
        }
        while value.len() > quoted && value.last().copied().is_some_and(blank) {
            value.pop();
        }
        value
    }

    fn quoted(&mut self, quote: u8, value: &mut Vec<u8>) {
        self.next();
        loop {
            match self.next() {
                None => return self.open = true,
                Some(byte) if byte == quote => return,
                Some(b'\\') if quote == b'"' => match self.next() {
                    None => return self.open = true,
                    Some(b'\n') => {}
                    Some(byte @ (b'"' | b'\\' | b'`' | b'$')) => value.push(byte),
                    Some(byte) => value.extend([b'\\', byte]),
                },
                Some(byte) => value.push(byte),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(blank) {
            self.next();
        }
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The assignments, and the numbers of the lines that are ignored and refused.
    fn read(text: &str) -> (Vec<(String, String)>, Vec<usize>, Vec<usize>) {
        let pair = |a: Assignment| (a.name.as_str().to_owned(), a.value.to_str().unwrap().to_owned());
        let lines = |broken: Vec<BrokenLine>| broken.into_iter().map(|b| b.line).collect();
        let Content { assignments, ignored, refused } = parse(text.as_bytes());
        (assignments.into_iter().map(pair).collect(), lines(ignored), lines(refused))
    }

    #[test]
    fn values_are_read_as_systemd_reads_them() {
        for (text, expected) in [
            ("A=x", "x"),
            ("A=x y  ", "x y"),
            ("  A  =  x", "x"),
            ("A=\"x y \" # c", "x y  # c"),
            ("A='$x \"'", "$x \""),
            ("A=\"a\\\"b\\$c\\n\"", "a\"b$c\\n"),
            ("A=a\\tb", "atb"),
            ("A=one\\\ntwo", "onetwo"),
            ("A=\"one\ntwo\"", "one\ntwo"),
            ("A=x\"y\"", "x\"y\""),
            ("A=", ""),
            ("A=b=c", "b=c"),
            ("# c\n;c\n\nA=x\r\n", "x"),
        ] {
            assert_eq!(read(text), (vec![("A".into(), expected.into())], vec![], vec![]), "{text:?}");
        }
    }

    #[test]
    fn broken_lines_are_reported_by_number() {
        let (read, ignored, refused) = read("A=1\nexport B=2\nnothing\n9=x\nD=\0\nC='open\n");
        let expected = [("A", "1"), ("C", "open\n")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, expected);
        assert_eq!((ignored, refused), (vec![2, 3, 4, 6], vec![5]));
    }
}
