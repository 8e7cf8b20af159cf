//! The numbers of socket options on Linux.

use libc::{IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};

use super::super::socket_option::KernelOption;

/// The level and the number of an option.
#[allow(clippy::unnecessary_wraps, reason = "another system lacks some")]
pub(crate) fn socket_option(setting: KernelOption) -> Option<(i32, i32)> {
    Some(match setting {
        KernelOption::ReusePort => (SOL_SOCKET, libc::SO_REUSEPORT),
        KernelOption::KeepAlive => (SOL_SOCKET, libc::SO_KEEPALIVE),
        KernelOption::KeepAliveTime => (IPPROTO_TCP, libc::TCP_KEEPIDLE),
        KernelOption::KeepAliveInterval => (IPPROTO_TCP, libc::TCP_KEEPINTVL),
        KernelOption::KeepAliveProbes => (IPPROTO_TCP, libc::TCP_KEEPCNT),
        KernelOption::NoDelay => (IPPROTO_TCP, libc::TCP_NODELAY),
        KernelOption::DeferAccept => (IPPROTO_TCP, libc::TCP_DEFER_ACCEPT),
        KernelOption::Congestion => (IPPROTO_TCP, libc::TCP_CONGESTION),
        KernelOption::Priority => (SOL_SOCKET, libc::SO_PRIORITY),
        KernelOption::ReceiveBuffer => (SOL_SOCKET, libc::SO_RCVBUF),
        KernelOption::ReceiveBufferForce => (SOL_SOCKET, libc::SO_RCVBUFFORCE),
        KernelOption::SendBuffer => (SOL_SOCKET, libc::SO_SNDBUF),
        KernelOption::SendBufferForce => (SOL_SOCKET, libc::SO_SNDBUFFORCE),
        KernelOption::Tos => (IPPROTO_IP, libc::IP_TOS),
        KernelOption::Ttl => (IPPROTO_IP, libc::IP_TTL),
        KernelOption::HopLimit => (IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
        KernelOption::Mark => (SOL_SOCKET, libc::SO_MARK),
        KernelOption::FreeBind => (IPPROTO_IP, libc::IP_FREEBIND),
        KernelOption::Transparent => (IPPROTO_IP, libc::IP_TRANSPARENT),
        KernelOption::Broadcast => (SOL_SOCKET, libc::SO_BROADCAST),
        KernelOption::BindToDevice => (SOL_SOCKET, libc::SO_BINDTODEVICE),
        KernelOption::PassCredentials => (SOL_SOCKET, libc::SO_PASSCRED),
        KernelOption::PassSecurity => (SOL_SOCKET, libc::SO_PASSSEC),
    })
}
