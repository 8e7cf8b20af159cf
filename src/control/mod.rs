//! Services from outside: what they are, and what they are told to do.
//!
//! A service is known by the lock that its process holds, or, where its program closed every descriptor, by what was
//! recorded of that process (`registry`). Never by the number in a pid file alone: that may be a
//! stranger's by now. Whatever is done to it is done through a descriptor of that very process.

#![forbid(unsafe_code)]

mod service;
mod status;
mod stop;
mod unknown_reason;

pub use service::ServiceRef;
pub use status::{PidFile, PidFileContent, State, Status, status};
pub use stop::{StopError, Stopped, stop};
pub use unknown_reason::UnknownReason;
