//! The inside of an environment file (`EnvironmentFile=`, systemd.exec(5)).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::Assignment;
use super::EnvName;
use super::Refusal;

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLine {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub refusal: Refusal,
}

/// Reads assignments, one a line: `NAME=VALUE`, the value bare or quoted.
///
/// Empty lines and such that start with `#` or `;` say nothing. In single quotes everything stands for itself; in
/// double quotes and bare text `\` protects the next character, and joins lines where that is a newline. Quotes
/// count where the value begins; a bare value loses its trailing blanks. Nothing is expanded.
///
/// systemd skips a line without `=` in silence, and starts the service without the variable. Here it is an error.
pub fn parse(text: &[u8]) -> Result<Vec<Assignment>, Vec<BrokenLine>> {
    let mut reader = Reader { rest: text, line: 1 };
    let (mut assignments, mut broken) = (Vec::new(), Vec::new());
    while !reader.rest.is_empty() {
        let line = reader.line;
        match reader.assignment() {
            Ok(found) => assignments.extend(found),
            Err(refusal) => broken.push(BrokenLine { line, refusal }),
        }
    }
    if broken.is_empty() { Ok(assignments) } else { Err(broken) }
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Reader<'_> {
    fn assignment(&mut self) -> Result<Option<Assignment>, Refusal> {
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
                    return Err(Refusal::hinted("no NAME=VALUE on this line", "a comment starts with '#'"));
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
        let value = self.value();
        let name = EnvName::parse(OsString::from_vec(name).as_os_str());
        let value = value?;
        if value.contains(&0) {
            return Err("the value holds a NUL byte".into());
        }
        Ok(Some(Assignment { name: name?, value: OsString::from_vec(value) }))
    }

    /// Reads to the end of the line on which the value ends.
    fn value(&mut self) -> Result<Vec<u8>, Refusal> {
        self.skip_blanks();
        let mut value = Vec::new();
        loop {
            match self.peek() {
                Some(b'\'') if value.is_empty() => self.quoted(b'\'', &mut value)?,
                Some(b'"') if value.is_empty() => self.quoted(b'"', &mut value)?,
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
        Ok(value)
    }

    fn quoted(&mut self, quote: u8, value: &mut Vec<u8>) -> Result<(), Refusal> {
        self.next();
        loop {
            match self.next() {
                None => return Err("a quote that is never closed".into()),
                Some(byte) if byte == quote => return Ok(()),
                Some(b'\\') if quote == b'"' => match self.next() {
                    None => return Err("a quote that is never closed".into()),
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

    fn read(text: &str) -> Result<Vec<(String, String)>, Vec<usize>> {
        let pair = |a: Assignment| (a.name.as_str().to_owned(), a.value.to_str().unwrap().to_owned());
        parse(text.as_bytes())
            .map(|all| all.into_iter().map(pair).collect())
            .map_err(|broken| broken.into_iter().map(|b| b.line).collect())
    }

    #[test]
    fn the_forms_of_systemd_are_read_as_systemd_reads_them() {
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
            assert_eq!(read(text), Ok(vec![("A".into(), expected.into())]), "{text:?}");
        }
    }

    #[test]
    fn every_broken_line_is_named() {
        assert_eq!(read("A=1\nexport B=2\nnothing\n9=x\nC='open\n"), Err(vec![2, 3, 4, 5]));
    }
}
