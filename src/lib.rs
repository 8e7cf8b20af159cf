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
//! options ─► SpecDraft ─► ServiceSpec ─┐
//!            detect::detect ───────────┴─► Plan ─► setup ─► readiness, launch ⇄ notify
//! ```
//!
//! What a service is, is the crate `svcadapt-spec`, here as [`spec`]. Files (units, property lists, JSON) are read, divided
//! and written by the crate `svcadapt-convert`, which a program that only becomes a service does not need.

pub mod control;
pub mod daemon;
pub mod detect;
mod error;
#[doc(hidden)]
pub mod internal;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod launch;
#[allow(unreachable_pub, reason = "which of its items leave the crate, `internal` says")]
mod notify;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod plan;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod readiness;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod registry;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod setup;
#[allow(unreachable_pub, unsafe_code, reason = "the one room that talks to the kernel, and as in `notify`")]
mod sys;

pub use daemon::{Daemon, Error};
pub use error::{StepError, USAGE};
pub use plan::Plan;
pub use svcadapt_spec as spec;

/// The rooms whose safe functions are only safe in the hands of this crate stay closed.
///
/// ```compile_fail,E0603
/// use svcadapt::sys;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::setup;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::registry;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::plan::Step;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::launch;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::readiness;
/// ```
/// ```compile_fail,E0603
/// use svcadapt::notify;
/// ```
#[cfg(doctest)]
struct ClosedRooms;
