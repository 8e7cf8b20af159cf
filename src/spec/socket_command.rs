//! The commands around the opening and the closing of a service's sockets (systemd.socket(5), `ExecStartPre=`).

use std::collections::BTreeMap;

use super::ExecCommand;

/// When a command of the sockets is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketMoment {
    /// Before the sockets are opened.
    StartPre,
    /// After that.
    StartPost,
    /// Before the sockets are closed.
    StopPre,
    /// After that.
    StopPost,
}

impl SocketMoment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StartPre, Self::StartPost, Self::StopPre, Self::StopPost];

    /// The directive in a socket unit.
    pub fn directive(self) -> &'static str {
        match self {
            Self::StartPre => "ExecStartPre",
            Self::StartPost => "ExecStartPost",
            Self::StopPre => "ExecStopPre",
            Self::StopPost => "ExecStopPost",
        }
    }
}

/// The commands, in the order of their execution.
pub type SocketCommands = BTreeMap<SocketMoment, Vec<ExecCommand>>;
