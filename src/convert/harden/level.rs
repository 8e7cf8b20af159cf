//! How far a service is shut in.

/// How far a service is shut in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Not at all, unless the spec says so itself.
    #[default]
    None,
    /// Only what practically every daemon survives: it keeps its identity, its files and its network.
    Baseline,
    /// All that a daemon can do without which minds its own business: an identity, files and rights of its own, and
    /// nothing else.
    Strict,
}

impl Level {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::None, "none"), (Self::Baseline, "baseline"), (Self::Strict, "strict")];

    /// The level of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|&(level, _)| level)
    }
}
