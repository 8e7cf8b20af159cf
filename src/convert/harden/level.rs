//! The levels of `--harden`.

/// How much a sandbox restricts a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing but the directives of the spec.
    #[default]
    None,
    /// Restrictions that practically every daemon tolerates: it keeps its identity, its files and its network.
    Baseline,
    /// All restrictions for a daemon that needs only its own files and network: an identity, files and rights of its own,
    /// and nothing else.
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
