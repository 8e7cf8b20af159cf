//! Whether somebody sorts what we say by its priority.

/// Whether standard error goes to the journal, which reads `<3>` at the beginning of a line as an error's mark
/// (sd-daemon(3)).
#[cfg(target_os = "linux")]
pub fn connected_to_journal() -> bool {
    libsystemd::logging::connected_to_journal()
}

/// There is no journal here.
#[cfg(not(target_os = "linux"))]
pub fn connected_to_journal() -> bool {
    false
}
