//! BECOMING a service: for a program that links this library, what PEP 3143's `DaemonContext` is for Python.

#![forbid(unsafe_code)]

mod above;
mod builder;
mod credentials;
mod enter;
mod error;
mod launcher;
mod listener;
mod runner;
mod service;
mod signal;
mod signals;
mod watchdog;

pub use builder::Daemon;
pub use builder::DetachProcess;
pub use credentials::Credentials;
pub use error::Error;
pub use listener::Listener;
pub use runner::Runner;
pub use service::Service;
pub use service::Told;
pub use signal::Reaction;
pub use signal::Signal;
pub use signals::Iter;
pub use signals::Signals;
pub use watchdog::Watchdog;

/// The exit status of what was asked wrongly.
const USAGE: u8 = 2;
