//! The bit sets of `/proc/PID/status`, and the names of their bits.

use nix::sys::signal::Signal;

/// Signals, one bit each: bit 0 is signal 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// A set of these signals. Numbers outside 1 to 64 are ignored.
    pub fn of(signals: &[u32]) -> Self {
        Self(
            signals
                .iter()
                .filter(|signal| (1..=64).contains(*signal))
                .fold(0, |set, signal| set | 1 << (signal - 1)),
        )
    }

    /// Parses the hexadecimal form of `/proc`.
    pub fn from_hex(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }

    /// Whether it has this signal.
    pub fn contains(self, number: i32) -> bool {
        u32::try_from(number).is_ok_and(|number| !Self(self.0 & Self::of(&[number]).0).is_empty())
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The union of both sets.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The difference of both sets.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The signal numbers, ascending.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |bit| self.0 >> bit & 1 == 1).map(|bit| bit + 1)
    }

    /// The signal names, ascending by number: `SIGHUP`, `SIGRTMIN+3`.
    pub fn names(self) -> Vec<String> {
        self.numbers().map(signal_name).collect()
    }
}

/// glibc reserves 32 and 33, so its `SIGRTMIN` is 34, and kill(1) counts from that.
fn signal_name(number: u32) -> String {
    match number {
        34 => "SIGRTMIN".to_owned(),
        35..=64 => format!("SIGRTMIN+{}", number - 34),
        _ => i32::try_from(number)
            .ok()
            .and_then(|number| Signal::try_from(number).ok())
            .map_or_else(|| format!("signal {number}"), |signal| signal.as_str().to_owned()),
    }
}

/// Capabilities, one bit each (capabilities(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapabilityMask(u64);

impl CapabilityMask {
    /// `CAP_DAC_OVERRIDE`: bypasses file permission checks.
    pub const DAC_OVERRIDE: Self = Self(1 << 1);
    /// `CAP_DAC_READ_SEARCH`: bypasses read permission checks.
    pub const DAC_READ_SEARCH: Self = Self(1 << 2);

    /// A set with these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Parses the hexadecimal form of `/proc`.
    pub fn from_hex(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }

    /// Its bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it contains all of `other`.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The number of capabilities.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_name() {
        let set = SignalSet::from_hex("ffffffffffffffff").unwrap();
        let names = set.names();
        assert_eq!(names.len(), 64);
        assert_eq!((names[0].as_str(), names[14].as_str()), ("SIGHUP", "SIGTERM"));
        assert_eq!(names[31..35], ["signal 32", "signal 33", "SIGRTMIN", "SIGRTMIN+1"]);
        assert_eq!(names[63], "SIGRTMIN+30");
    }

    #[test]
    fn signal_sets_have_set_operations() {
        let set = SignalSet::of(&[1, 15, 64, 0, 65]);
        assert_eq!(set, SignalSet::from_hex("8000000000004001").unwrap());
        assert_eq!(set.without(SignalSet::of(&[1])).numbers().collect::<Vec<_>>(), [15, 64]);
        assert_eq!(set.union(SignalSet::of(&[2])).numbers().count(), 4);
        assert!(SignalSet::default().is_empty());
        assert_eq!(SignalSet::from_hex("x"), None);
    }
}
