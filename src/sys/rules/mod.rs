//! Decisions about other systems' kernels, as pure functions, so that they are tested on Linux, too.

pub(super) mod groups;
#[cfg(any(test, target_os = "macos"))]
pub(super) mod id;
#[cfg(any(test, target_os = "macos"))]
pub(super) mod kinfo;
#[cfg(any(test, target_os = "macos"))]
pub(super) mod procargs;
pub(super) mod refusal;
