//! The integration tests.

#[cfg(target_os = "linux")]
mod audit;
#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]

mod gen_plist;
mod gen_unit;
mod judge;
