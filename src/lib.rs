//! **One service contract, wherever a program is started.**
//!
//! A Unix program has to be a classic daemon here, a `Type=notify` service of systemd there, a `LaunchDaemon` on a
//! Mac, process 1 of a container elsewhere, and each host punishes what the other demands. svcadapt takes a program
//! and the description of the service that it should be, finds out what is starting it, and gives both sides what
//! they expect.
//!
//! ```no_run
//! use svcadapt::Daemon;
//!
//! fn main() -> Result<(), svcadapt::Error> {
//!     let mut service = Daemon::new().name("clock").enter()?;
//!     service.ready()?;
//!     Ok(())
//! }
//! ```
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
#[doc(hidden)]
pub mod internal;
#[allow(unreachable_pub, reason = "which of its items leave the crate, `internal` says")]
mod manager;
pub mod plan;
#[allow(unreachable_pub, reason = "as in `manager`")]
mod ready;
#[allow(unreachable_pub, reason = "as in `manager`")]
mod setup;
pub mod spec;
#[allow(unreachable_pub, reason = "as in `manager`")]
mod supervise;
#[allow(unreachable_pub, unsafe_code, reason = "the one room that talks to the kernel, and as in `manager`")]
mod sys;
#[cfg(feature = "formats")]
pub mod target;

pub use daemon::Daemon;
pub use daemon::Error;
pub use error::USAGE;

/// The rooms whose safe functions are only safe in the hands of this crate stay closed.
///
/// ```compile_fail,E0603
/// use svcadapt::sys;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::setup;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::supervise;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::ready;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::manager;
/// ```
#[cfg(doctest)]
struct ClosedRooms;
