//! The end of a plan.

/// The end of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It executes another program.
    Exec,
    /// It returns into the running program.
    Return,
}
