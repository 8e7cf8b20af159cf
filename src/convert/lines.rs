//! Where in a text something stands, as people count.

use std::path::Path;

use svcadapt_spec::{Origin, Spot};

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 1 << 20;

/// As much of a line as its characters are counted in; behind that, columns are bytes. A file can be one line, and
/// have a hundred thousand places in it.
const COUNTED: usize = 4096;

/// A file, and where each of its lines begins.
pub(super) struct Lines<'a> {
    path: &'a Path,
    text: &'a [u8],
    begins: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(path: &'a Path, text: &'a [u8]) -> Self {
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let begins = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { path, text, begins }
    }

    /// The byte at a line and a column of bytes, both from 1; a column of 0 is the end of the line before.
    pub(super) fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let begin = self.begins.get(line.checked_sub(1)?)?;
        Some((begin + column).saturating_sub(1).min(self.text.len()))
    }

    /// Where the last such text before this byte begins; the byte itself where there is none.
    pub(super) fn before(&self, offset: Option<usize>, text: &[u8]) -> Option<usize> {
        let found =
            self.text[..offset?.min(self.text.len())].windows(text.len()).rposition(|part| part == text);
        found.or(offset)
    }

    /// The origin of what stands at this byte; none where a place in the file tells nothing.
    pub(super) fn origin(&self, offset: Option<usize>) -> Origin {
        self.origin_of(None, offset)
    }

    /// The same of a value that is called so.
    pub(super) fn origin_of(&self, key: Option<&str>, offset: Option<usize>) -> Origin {
        let spot = offset.map(|offset| {
            let number = self.begins.partition_point(|begin| *begin <= offset).max(1);
            let begin = self.begins[number - 1];
            let end = self.begins.get(number).map_or(self.text.len(), |next| next - 1);
            let line = &self.text[begin..end];
            let mut spot = Spot::new(number, line, (offset - begin).min(COUNTED));
            spot.column += (offset - begin).saturating_sub(COUNTED);
            spot
        });
        Origin::File { path: self.path.to_owned(), spot, key: key.map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let lines = Lines::new(Path::new("x"), b"ab\n\ncd");
        for (offset, line, column, text) in [
            (0, 1, 1, "ab"),
            (1, 1, 2, "ab"),
            (2, 1, 3, "ab"),
            (3, 2, 1, ""),
            (4, 3, 1, "cd"),
            (6, 3, 3, "cd"),
        ] {
            let Origin::File { spot: Some(spot), .. } = lines.origin(Some(offset)) else { unreachable!() };
            assert_eq!((spot.line, spot.column, spot.text.as_str()), (line, column, text), "{offset}");
        }
    }
}
