//! A file for a host.

/// A file that a host reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFile {
    /// Its path: a name, or a name in the directory of the service.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// Its bytes, with the final newline. Equal input gives equal bytes.
    pub text: Vec<u8>,
}

impl ScriptFile {
    /// A file that is executed.
    pub(super) fn program(path: String, text: Vec<u8>) -> Self {
        Self { path, mode: 0o755, text }
    }

    /// A file with a value.
    pub(super) fn value(path: String, value: &str) -> Self {
        Self { path, mode: 0o644, text: format!("{value}\n").into_bytes() }
    }
}
