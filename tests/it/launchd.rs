//! Generated property lists under a stand-in for launchd (tests/tools/launchd.rs) that behaves as documented.
//!
//! The stand-in itself is tested first, then the output of `gen-plist`.

mod generated_jobs;
mod identity;
mod job_start;
mod job_stop;
mod loading;
mod monitor;
mod restarts;
mod sockets;
mod support;
