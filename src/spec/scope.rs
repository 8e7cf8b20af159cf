//! The scope of a service manager.

/// Whether services belong to the system or to one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The system: systemd's system manager, launchd's system domain (`LaunchDaemons`), or root.
    #[default]
    System,
    /// One user, not necessarily root: `systemctl --user`, `LaunchAgents`.
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
