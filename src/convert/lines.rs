//! Offsets in a text as lines and columns.

use std::path::Path;

use svcadapt_spec::{Origin, Spot};

/// The maximum size of a property list or a JSON file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The part of a line in which columns count characters; after it, columns count bytes. A file can be one line with a
/// hundred thousand places.
const MAX_COUNTED_BYTES: usize = 4096;

/// A file and the offsets of its lines.
pub(super) struct LineIndex<'a> {
    path: &'a Path,
    text: &'a [u8],
    begins: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(path: &'a Path, text: &'a [u8]) -> Self {
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let begins = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { path, text, begins }
    }

    /// The offset of a line and a column in bytes, both from 1. Column 0 is the end of the previous line.
    pub(super) fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let begin = self.begins.get(line.checked_sub(1)?)?;
        Some((begin + column).saturating_sub(1).min(self.text.len()))
    }

    /// The offset of the last occurrence of `text` before `offset`; `offset` if there is none.
    pub(super) fn before(&self, offset: Option<usize>, text: &[u8]) -> Option<usize> {
        let found =
            self.text[..offset?.min(self.text.len())].windows(text.len()).rposition(|part| part == text);
        found.or(offset)
    }

    /// The origin at an offset; the whole file if `offset` is `None`.
    pub(super) fn origin(&self, offset: Option<usize>) -> Origin {
        self.origin_of(None, offset)
    }

    /// The origin of a value with a key.
    pub(super) fn origin_of(&self, key: Option<&str>, offset: Option<usize>) -> Origin {
        let spot = offset.map(|offset| {
            let number = self.begins.partition_point(|begin| *begin <= offset).max(1);
            let begin = self.begins[number - 1];
            let end = self.begins.get(number).map_or(self.text.len(), |next| next - 1);
            let line = &self.text[begin..end];
            let mut spot = Spot::new(number, line, (offset - begin).min(MAX_COUNTED_BYTES));
            spot.column += (offset - begin).saturating_sub(MAX_COUNTED_BYTES);
            spot
        });
        Origin::File { path: self.path.to_owned(), spot, key: key.map(str::to_owned) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_begin_at_one() {
        let lines = LineIndex::new(Path::new("x"), b"ab\n\ncd");
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
