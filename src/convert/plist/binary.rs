//! Reads binary property lists with a limit on their unfolded size.
//!
//! The `plist` crate has no such limit: a small file in which each array refers to the next one twice unfolds to a tree
//! that fills any memory.

use svcadapt_spec::ValueError;

use super::tree::{Entry, Integer, MAX_DEPTH, Node, PlistError, Value};

/// The first bytes of a binary property list.
pub(super) const MAGIC: &[u8] = b"bplist00";

/// The maximum number of values and of bytes in them.
const MAX_UNFOLDED_BYTES: usize = 1 << 20;

const TRAILER: usize = 32;

/// Reads a whole file.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, PlistError> {
    let of_file = |error| PlistError { offset: None, error };
    let (mut reader, top) = BinaryReader::new(bytes).ok_or_else(|| of_file(damaged("trailer")))?;
    reader.object(top, 0).map_err(of_file)
}

fn damaged(what: &str) -> ValueError {
    format!("the binary property list is damaged: invalid {what}").into()
}

struct BinaryReader<'a> {
    /// The bytes before the offset table.
    objects: &'a [u8],
    /// The offset table: integers of `offset_size` bytes.
    offsets: &'a [u8],
    offset_size: usize,
    reference_size: usize,
    left: usize,
}

impl<'a> BinaryReader<'a> {
    /// Reads the trailer. Also returns the number of the root object.
    fn new(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (body, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER)?)?;
        let (offset_size, reference_size) = (usize::from(trailer[6]), usize::from(trailer[7]));
        let count = size(&trailer[8..16])?;
        let top = size(&trailer[16..24])?;
        let table = size(&trailer[24..32])?;
        if !(1..=8).contains(&offset_size) || !(1..=8).contains(&reference_size) || table < MAGIC.len() {
            return None;
        }
        let (objects, rest) = body.split_at_checked(table)?;
        let offsets = rest.get(..count.checked_mul(offset_size)?)?;
        Some((Self { objects, offsets, offset_size, reference_size, left: MAX_UNFOLDED_BYTES }, top))
    }

    fn object(&mut self, number: usize, depth: usize) -> Result<Node, ValueError> {
        if depth > MAX_DEPTH {
            return Err(format!("values are nested more than {MAX_DEPTH} levels deep").into());
        }
        self.spend(1)?;
        let bytes = self.at(number).ok_or_else(|| damaged("reference"))?;
        let (&marker, rest) = bytes.split_first().ok_or_else(|| damaged("offset"))?;
        let value = match (marker >> 4, marker & 0xf) {
            (0x0, 0x8) => Value::Boolean(false),
            (0x0, 0x9) => Value::Boolean(true),
            (0x1, power) => Value::Integer(Integer {
                number: integer(rest, power).ok_or_else(|| damaged("integer"))?,
                padded: false,
            }),
            (0x2, 2 | 3) => Value::Real,
            (0x3, 3) => Value::Date,
            (0x8, _) => Value::Uid,
            (0x4, length) => {
                self.take(rest, length, 1)?;
                Value::Data
            }
            (0x5, length) => {
                let text = self.take(rest, length, 1)?;
                let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii());
                Value::String(text.ok_or_else(|| damaged("string"))?.to_owned())
            }
            (0x6, length) => {
                let units = self.take(rest, length, 2)?.chunks_exact(2);
                let units = units.map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
                let text = char::decode_utf16(units).collect::<Result<String, _>>();
                Value::String(text.map_err(|_| damaged("string"))?)
            }
            (0xa, length) => {
                let references = self.take(rest, length, self.reference_size)?;
                let numbers = references.chunks_exact(self.reference_size).map(size);
                Value::Array(numbers.map(|n| self.referred(n, depth)).collect::<Result<_, _>>()?)
            }
            (0xd, length) => {
                let references = self.take(rest, length, 2 * self.reference_size)?;
                Value::Dictionary(self.dictionary(references, depth)?)
            }
            _ => return Err(damaged(&format!("object type 0x{marker:02x}"))),
        };
        Ok(Node { offset: None, value })
    }

    /// Reads a dictionary: the references of all keys, then of all values.
    fn dictionary(&mut self, references: &[u8], depth: usize) -> Result<Vec<Entry>, ValueError> {
        let (keys, values) = references.split_at(references.len() / 2);
        let mut entries = Vec::new();
        let width = self.reference_size;
        for (key, value) in keys.chunks_exact(width).zip(values.chunks_exact(width)) {
            let Value::String(key) = self.referred(size(key), depth)?.value else {
                return Err(damaged("key: it is not a string"));
            };
            entries.push(Entry { key, node: self.referred(size(value), depth)? });
        }
        match Entry::repeated(&entries) {
            Some(Entry { key, .. }) => Err(format!("duplicate key '{}'", key.escape_debug()).into()),
            None => Ok(entries),
        }
    }

    fn referred(&mut self, number: Option<usize>, depth: usize) -> Result<Node, ValueError> {
        self.object(number.ok_or_else(|| damaged("reference"))?, depth + 1)
    }

    fn at(&self, number: usize) -> Option<&'a [u8]> {
        let begin = number.checked_mul(self.offset_size)?;
        let offset = size(self.offsets.get(begin..begin.checked_add(self.offset_size)?)?)?;
        self.objects.get(offset..).filter(|_| offset >= MAGIC.len())
    }

    /// The content of an object. Its length is in the marker or in the integer after it.
    fn take(&mut self, rest: &'a [u8], length: u8, width: usize) -> Result<&'a [u8], ValueError> {
        let (count, rest) = match length {
            0xf => long(rest).ok_or_else(|| damaged("length"))?,
            count => (usize::from(count), rest),
        };
        let content = count.checked_mul(width).and_then(|length| rest.get(..length));
        let content = content.ok_or_else(|| damaged("length"))?;
        self.spend(content.len())?;
        Ok(content)
    }

    fn spend(&mut self, amount: usize) -> Result<(), ValueError> {
        self.left =
            self.left.checked_sub(amount).ok_or("the binary property list unfolds to more than 1 MiB")?;
        Ok(())
    }
}

/// A length that is too large for the marker: an integer object follows.
fn long(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&marker, rest) = bytes.split_first()?;
    let power = marker & 0xf;
    let count = integer(rest, power).filter(|_| marker >> 4 == 1)?;
    Some((usize::try_from(count).ok()?, &rest[1 << power..]))
}

/// An integer of `1 << power` bytes: unsigned up to four bytes, signed with eight; sixteen bytes hold larger numbers.
fn integer(bytes: &[u8], power: u8) -> Option<i128> {
    let bytes = bytes.get(..1 << power.min(5))?;
    let number = match power {
        0..=2 => bytes.iter().fold(0, |number, byte| number << 8 | i128::from(*byte)),
        3 => i64::from_be_bytes(bytes.try_into().ok()?).into(),
        4 => i128::from_be_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number).then_some(number)
}

/// An unsigned integer of up to eight bytes.
fn size(bytes: &[u8]) -> Option<usize> {
    usize::try_from(bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))).ok()
}
