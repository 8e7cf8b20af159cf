//! The fields of a service's `.socket` unit.

use super::{Field, Socket, SocketOption};

impl Field {
    /// Whether systemd reads it from the service's `.socket` unit (systemd.socket(5)).
    #[doc(hidden)]
    pub fn is_socket_field(self) -> bool {
        let listens = Socket::kind_of(self).is_some();
        let sets = matches!(
            self,
            Field::FileDescriptorName
                | Field::SocketMode
                | Field::SocketUser
                | Field::SocketGroup
                | Field::BindIPv6Only
                | Field::Backlog
                | Field::SocketOption(_)
                | Field::SocketCommand(_)
        );
        listens || sets
    }

    /// The name in a socket unit. Some of these names are those of other directives in a service unit.
    #[doc(hidden)]
    pub fn socket_directive(self) -> &'static str {
        match self {
            Self::SocketCommand(moment) => moment.directive(),
            Self::SocketOption(SocketOption::SocketTimeoutSec) => "TimeoutSec",
            field => field.directive(),
        }
    }

    /// Whether it sets something of the sockets, of which there must be one.
    #[doc(hidden)]
    pub fn needs_socket(self) -> bool {
        let here = matches!(self, Self::LaunchdActivation | Self::StartOnConnect | Self::IdleExit);
        here || self.is_socket_field() && Socket::kind_of(self).is_none()
    }
}
