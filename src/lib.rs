//! **One service contract, wherever a program is started.**
//!
//! A Unix program has to be a classic daemon here, a `Type=notify` service of systemd there, a `LaunchDaemon` on a
//! Mac, process 1 of a container elsewhere, and each host punishes what the other demands. svcadapt takes a program
//! and the description of the service that it should be, finds out what is starting it, and gives both sides what
//! they expect.
//!
//! The way through the rooms:
//!
//! ```text
//! options ─► SpecDraft ─► ServiceSpec ─┬─► target::divide ─► format: a unit, a property list
//!            host::detect ─────────────┴─► Plan ─► setup ─► ready, supervise ⇄ manager
//! ```

#[cfg(feature = "formats")]
pub mod check;
pub mod control;
pub mod daemon;
mod error;
#[cfg(feature = "formats")]
pub mod format;
pub mod host;
pub mod manager;
pub mod plan;
pub mod ready;
pub mod setup;
pub mod spec;
pub mod supervise;
#[allow(unsafe_code, reason = "the one room that talks to the kernel")]
pub mod sys;
pub mod target;

pub use daemon::Daemon;
pub use error::Error;
pub use error::USAGE;
