//! Under a launchd of documented behaviour (tests/tools/launchd.rs) generated property lists do what was asked.
//!
//! First the stand-in itself: a judge that is believed must be judged. Then what `gen-plist` writes, really run.

mod generated_jobs;
mod identity;
mod job_start;
mod job_stop;
mod loading;
mod monitor;
mod restarts;
mod sockets;
mod support;
