//! The integration tests.

#![allow(clippy::unwrap_used, reason = "a test fails where it cannot go on")]
#![allow(missing_docs, reason = "a test's name says what it promises")]

#[cfg(target_os = "linux")]
mod audit;
mod gen_plist;
mod gen_unit;
mod harness;
mod house;
mod judge;
