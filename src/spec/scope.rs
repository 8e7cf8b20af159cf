//! Whose services a manager runs.

/// Whose services: the machine's, or one user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The system's: systemd's system manager, launchd's system domain (`LaunchDaemons`), or root.
    #[default]
    System,
    /// A user's: everything runs as this user, who need not be root (`systemctl --user`, `LaunchAgents`).
    User,
}

impl Scope {
    /// Its name: `system` or `user`.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}
