//! The kernel: the only room with `unsafe`, and the only one that knows which operating system it is on.
//!
//! Everything here is a thin, typed door to one system call or one kernel file. It decides nothing, prints
//! nothing, and knows nothing of services. Descriptors are owned and born close-on-exec.

pub mod procfs;
pub mod untrusted;
