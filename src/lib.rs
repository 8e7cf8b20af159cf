//! **One service contract, wherever a program is started.**
//!
//! A Unix program has to be a classic daemon on one host, a `Type=notify` service of systemd on another, a `LaunchDaemon` on
//! macOS, or process 1 of a container, and the requirements contradict each other. svcadapt takes a program and the
//! description of a service, detects what is starting it, and gives both the host and the program what they expect.
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
//! This is the library. The command, `svcadapt`, runs any program as a service; `cargo install svcadapt-cli` installs it.
//!
//! The data flow through the modules:
//!
//! ```text
//! options ─► SpecDraft ─► ServiceSpec ─┐
//!            detect::detect ───────────┴─► Plan ─► setup ─► readiness, launch ⇄ notify
//! ```
//!
//! This is the library. The command is the package `svcadapt-cli`; its manual, recipes and pages for users of other tools are in
//! `docs/` of the repository.
//!
//! The model of a service is the crate `svcadapt-spec`, re-exported as [`spec`]. The crate `svcadapt-convert` reads, divides
//! and writes files (units, property lists, JSON); a program that only becomes a service does not need it.

mod conditions;
pub mod control;
pub mod daemon;
pub mod detect;
mod error;
#[doc(hidden)]
pub mod internal;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod launch;
mod logs;
#[allow(unreachable_pub, reason = "`internal` re-exports some of its items")]
mod notify;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod plan;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod readiness;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod registry;
#[allow(unreachable_pub, reason = "as in `notify`")]
mod setup;
#[allow(unreachable_pub, unsafe_code, reason = "the only module that calls the kernel, and as in `notify`")]
mod sys;

pub use daemon::{Daemon, Error};
pub use error::{StepError, USAGE};
pub use plan::Plan;
pub use svcadapt_spec as spec;

/// Modules whose functions are safe only when called by this crate are private.
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
/// use svcadapt::plan::SetupStep;
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
