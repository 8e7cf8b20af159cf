//! TALKING to the manager above: the only room that knows sd-notify and libsystemd.
//!
//! sd-notify gives the words of the protocol. What carries them is our own: that crate reaches neither an abstract
//! nor a vsock address, waits without end for a manager that does not read, and has no BARRIER.

#![forbid(unsafe_code)]

mod address;
mod journal;
mod notifier;

pub use address::Address;
pub use journal::connected_to_journal;
pub use notifier::Notifier;
