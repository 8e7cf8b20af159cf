//! Under a launchd of documented behaviour (tests/tools/launchd.rs) generated property lists do what was asked.
//!
//! First the stand-in itself: a judge that is believed must be judged. Then what `gen-plist` writes, really run.

mod generated;
mod identity;
mod loads;
mod monitor;
mod restarts;
mod sockets;
mod starts;
mod stops;
mod support;
