//! Whether standard error goes to the journal.

/// Whether standard error goes to the journal, which reads a prefix `<3>` of a line as its priority (sd-daemon(3)).
#[cfg(all(target_os = "linux", feature = "journal"))]
pub fn connected_to_journal() -> bool {
    libsystemd::logging::connected_to_journal()
}

/// Whether standard error goes to the journal, by comparing it with `JOURNAL_STREAM`. False without systemd.
#[cfg(not(all(target_os = "linux", feature = "journal")))]
pub fn connected_to_journal() -> bool {
    crate::detect::stderr_is_journal()
}
