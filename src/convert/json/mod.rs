//! The neutral model as JSON: one object with a key for each field that is said, and the command.
//!
//! A key is the option's name in snake case. A field that can be said many times is an array; an empty one is the
//! empty set. What is not UTF-8 is written `{"bytes": "2f746d702fff"}`: the whole value in hexadecimal.

mod key;
mod kind;
mod malformed;
mod native;
mod object;
mod read;
mod schema;
mod write;

pub use key::{COMMAND, key};
pub use read::read;
pub use schema::schema;
pub use write::write;
