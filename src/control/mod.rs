//! Status and stop of a service, from another process.
//!
//! A service is identified by the lock that its process holds or, if its program closed every descriptor, by the
//! record of that process (`registry`). A pid file alone never identifies it: its number may belong to another
//! process by now. Every signal goes through a handle of the identified process.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod foreign;
mod list;
mod monitor;
mod request;
mod service;
mod spec;
mod status;
mod stop;
mod unknown_reason;
mod wait;

#[doc(hidden)]
pub use foreign::ForeignProcess;
pub use list::list;
#[doc(hidden)]
pub use list::recorded_names;
pub use request::{RequestError, reload, reopen, restart, send_signal};
pub use service::ServiceRef;
pub use status::{MonitorStatus, PidFile, PidFileContent, RunState, Status, Usage, status};
#[doc(hidden)]
pub use stop::stop_to_restart;
pub use stop::{StopError, Stopped, stop};
pub use unknown_reason::UnknownReason;
#[doc(hidden)]
pub use wait::{Goal, WaitError, wait};
