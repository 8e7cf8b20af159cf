//! Numbers whose type differs from system to system.

/// A number in the type that is wanted here: one that fits on every system, but is not of the same type on each
/// (`mode_t`, `nlink_t`, the constants of fcntl(2)). One that does not cast after all is 0, the least of each.
pub(super) fn cast<A, B: TryFrom<A> + Default>(number: A) -> B {
    B::try_from(number).unwrap_or_default()
}
