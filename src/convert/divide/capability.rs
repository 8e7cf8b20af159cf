//! How a host can honour one field of a spec.

/// Who honours a field, and how well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    /// The host does, and exactly.
    Host,
    /// The host cannot; `svcadapt run` does it.
    Adapter(Rights),
    /// The host does something near to it; the words say what is different.
    Approximated(String),
    /// Nobody can; the words say why.
    Lost(String),
}

/// What the adapter has to be allowed to do for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// What the service itself may do.
    OfService,
    /// What only root may do, so that the service's identity must not be settled before.
    OfRoot,
}

impl Capability {
    /// An approximation, in words.
    pub(super) fn approximated(how: &str) -> Self {
        Self::Approximated(how.into())
    }

    /// A loss, in words.
    pub(super) fn lost(why: &str) -> Self {
        Self::Lost(why.into())
    }
}
