//! The numbers of those socket options that every system has.

use libc::{IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, SOL_SOCKET};

use super::super::socket_option::KernelOption;

/// The level and the number of an option. `None`: only Linux has it.
pub(crate) fn socket_option(setting: KernelOption) -> Option<(i32, i32)> {
    match setting {
        KernelOption::ReusePort => Some((SOL_SOCKET, libc::SO_REUSEPORT)),
        KernelOption::KeepAlive => Some((SOL_SOCKET, libc::SO_KEEPALIVE)),
        KernelOption::KeepAliveInterval => Some((IPPROTO_TCP, libc::TCP_KEEPINTVL)),
        KernelOption::KeepAliveProbes => Some((IPPROTO_TCP, libc::TCP_KEEPCNT)),
        KernelOption::NoDelay => Some((IPPROTO_TCP, libc::TCP_NODELAY)),
        KernelOption::ReceiveBuffer => Some((SOL_SOCKET, libc::SO_RCVBUF)),
        KernelOption::SendBuffer => Some((SOL_SOCKET, libc::SO_SNDBUF)),
        KernelOption::Tos => Some((IPPROTO_IP, libc::IP_TOS)),
        KernelOption::Ttl => Some((IPPROTO_IP, libc::IP_TTL)),
        KernelOption::HopLimit => Some((IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS)),
        KernelOption::Broadcast => Some((SOL_SOCKET, libc::SO_BROADCAST)),
        KernelOption::KeepAliveTime
        | KernelOption::DeferAccept
        | KernelOption::Congestion
        | KernelOption::Priority
        | KernelOption::ReceiveBufferForce
        | KernelOption::SendBufferForce
        | KernelOption::Mark
        | KernelOption::FreeBind
        | KernelOption::Transparent
        | KernelOption::BindToDevice
        | KernelOption::PassCredentials
        | KernelOption::PassSecurity => None,
    }
}
