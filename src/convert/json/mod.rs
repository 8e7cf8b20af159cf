//! A spec as JSON: one object with a key for each field that is set, and the command.
//!
//! A key is the option's name in snake case. A field with several values is an array; an empty array is the empty set.
//! A value that is not UTF-8 is written `{"bytes": "2f746d702fff"}`: the whole value in hexadecimal.

mod key;
mod native;
mod object;
mod read;
mod schema;
mod write;

#[doc(hidden)]
pub use key::{COMMAND, key};
pub use read::read;
pub use schema::schema;
use svcadapt_spec::Field;
pub use write::write;

/// Whether a value of the field is a list of words, each of which is an element of its own here.
fn is_set(field: Field) -> bool {
    matches!(
        field,
        Field::CapabilityBoundingSet
            | Field::AmbientCapabilities
            | Field::RestartPreventExitStatus
            | Field::RestartForceExitStatus
            | Field::SuccessExitStatus
    )
}
