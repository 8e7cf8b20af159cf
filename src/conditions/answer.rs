//! The answer to one condition.

/// What the machine says to a check, before its `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// The parameter means nothing. As in systemd such a check has failed, with and without `!`.
    Invalid,
    /// It cannot be known here, for this reason. The condition counts as met.
    Unknown(&'static str),
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Answer {
    /// The answer of a check whose parameter may mean nothing.
    pub(super) fn of(found: Option<bool>) -> Self {
        found.map_or(Self::Invalid, Self::from)
    }
}
