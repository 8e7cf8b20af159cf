//! Random values that a seed repeats.

/// A random number generator with a seed (SplitMix64), so that a failure can be repeated.
pub(crate) struct Chance(pub(crate) u64);

/// Characters that are special in a unit, a property list, JSON or a shell.
const TRICKY: &str = "\"'\\%$;#=:@-+!|{}()*?[]~^&<>,./ an0xu\té\u{85}\u{2028}😀";

impl Chance {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    /// Text of at most `longest` characters, from `TRICKY` and `more`.
    pub(crate) fn text(&mut self, longest: usize, more: &str) -> String {
        let letters: Vec<char> = TRICKY.chars().chain(more.chars()).collect();
        (0..self.below(longest + 1)).map(|_| letters[self.below(letters.len())]).collect()
    }
}

/// Changes a few bytes: removes some, inserts others, or repeats a part.
pub(crate) fn damage(chance: &mut Chance, bytes: &mut Vec<u8>, letters: &[u8]) {
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(12)).min(bytes.len());
        match chance.below(4) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.insert(at, letters[chance.below(letters.len())]),
            2 => bytes.insert(at, u8::try_from(chance.below(256)).unwrap()),
            _ => {
                let part = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
        }
    }
}
