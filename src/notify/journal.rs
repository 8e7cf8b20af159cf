//! Whether somebody sorts what we say by its priority.

/// Whether standard error goes to the journal, which reads `<3>` at the beginning of a line as an error's mark
/// (sd-daemon(3)).
#[cfg(all(target_os = "linux", feature = "journal"))]
pub fn connected_to_journal() -> bool {
    libsystemd::logging::connected_to_journal()
}

/// The same by our own look, which finds none where there is no systemd.
#[cfg(not(all(target_os = "linux", feature = "journal")))]
pub fn connected_to_journal() -> bool {
    crate::detect::stderr_is_journal()
}
