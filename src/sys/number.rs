//! Conversion of numbers whose type differs between systems.

/// Converts a number whose type differs between systems (`mode_t`, `nlink_t`, the constants of fcntl(2)) and that fits
/// on each. A number that does not fit becomes 0.
pub(super) fn cast<A, B: TryFrom<A> + Default>(number: A) -> B {
    B::try_from(number).unwrap_or_default()
}
