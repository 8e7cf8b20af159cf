//! What can be decided about other systems' kernels without one: pure, so that it is tested on Linux too.

pub(super) mod groups;
pub(super) mod refusal;
