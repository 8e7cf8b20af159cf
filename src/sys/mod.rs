//! The kernel interface: the only room with `unsafe`, and the only one that depends on the operating system.
//!
//! Each function is a thin, typed wrapper of one system call or one kernel file. It decides nothing, prints nothing and
//! knows nothing about services. Descriptors are owned and close-on-exec from the start.
//!
//! `linux` and `macos` have the same functions. What a system lacks is an error of kind `Unsupported` with a
//! text; nothing is silently skipped.

pub mod accept;
pub mod accounts;
pub mod attribute;
pub mod cgroup;
pub mod command_output;
pub mod cpu_time;
pub mod directories;
pub mod environment;
pub mod executable;
pub mod fd;
pub mod file;
pub mod identity;
pub mod journal;
pub mod launchd;
pub mod limits;
pub mod listen;
pub mod local_time;
pub mod lock;
pub mod machine;
mod number;
pub mod output;
pub mod path_trust;
pub mod pattern;
pub mod process;
pub mod process_handle;
pub mod process_info;
pub mod process_settings;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "most of it is only used on Linux"))]
pub mod procfs;
mod rules;
pub mod scheduling;
pub mod self_pipe;
pub mod signal;
pub mod socket;
pub mod socket_option;
pub mod socketpair;
pub mod special;
pub mod stream;
pub mod sync;
pub mod terminal;
mod text;
pub mod untrusted;
pub mod watch;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;

#[cfg(not(target_os = "linux"))]
#[allow(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the same function does more on another system"
)]
mod posix;

#[cfg(target_os = "macos")]
#[allow(clippy::unnecessary_wraps, reason = "the same function may fail on another system")]
mod macos;
#[cfg(target_os = "macos")]
use macos as platform;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!(
    "svcadapt starts services on Linux and macOS; svcadapt-spec and svcadapt-convert compile on every system"
);

pub use platform::{capability, descendants, listeners, new_names};
pub use text::{error_text, escape_control, escape_control_lines, is_exhaustion, processes};
