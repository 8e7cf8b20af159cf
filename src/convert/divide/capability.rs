//! How well a host can do one field of a spec.

/// Which side does a field, and how well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    /// The host does it exactly.
    Host,
    /// The host cannot; `svcadapt run` does it.
    Adapter(Privileges),
    /// The host does something similar. The text is the difference.
    Approximated(String),
    /// Neither side can do it. The text is the reason.
    Lost(String),
}

/// The privileges that the adapter needs for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileges {
    /// Those of the service's user.
    Service,
    /// Those of root, so the change of identity must come later.
    Root,
}

impl Capability {
    /// An approximation with its difference.
    pub(super) fn approximated(how: &str) -> Self {
        Self::Approximated(how.into())
    }

    /// A loss with its reason.
    pub(super) fn lost(why: &str) -> Self {
        Self::Lost(why.into())
    }
}
