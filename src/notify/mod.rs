//! Notifications to the manager: the only module that uses sd-notify and libsystemd.
//!
//! sd-notify formats the messages. Sending is our own code: that crate supports neither abstract nor vsock addresses, blocks
//! without limit while the manager does not read, and has no BARRIER.

#![forbid(unsafe_code)]

mod address;
mod journal;
mod notifier;

pub use address::Address;
pub use journal::connected_to_journal;
pub use notifier::Notifier;
