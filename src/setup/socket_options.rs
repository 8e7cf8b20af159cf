//! Sets the options of listening sockets (systemd.socket(5)).

use std::io;
use std::os::fd::OwnedFd;

use svcadapt_spec::{Socket, SocketAddress, SocketKind, SocketOption, SocketOptionValue, Sockets};

use crate::error::{StepError, tell};
use crate::sys::socket_option::{KernelOption, set, set_name};
use crate::sys::{error_text, special};

/// Sets those that count when the address is bound. Only a missing interface is an error, as with systemd: what the others
/// would have permitted fails with the bind.
pub(super) fn before_bind(socket: &OwnedFd, sockets: &Sockets) -> io::Result<()> {
    for (option, value) in &sockets.options {
        let (setting, fatal) = match option {
            SocketOption::ReusePort => (KernelOption::ReusePort, false),
            SocketOption::FreeBind => (KernelOption::FreeBind, false),
            SocketOption::Transparent => (KernelOption::Transparent, false),
            SocketOption::BindToDevice => (KernelOption::BindToDevice, true),
            _ => continue,
        };
        let done = apply(socket, setting, value);
        if fatal {
            done?;
        }
    }
    Ok(())
}

/// Sets the others. One that cannot be set is reported, and the start goes on, as with systemd.
pub(super) fn after_bind(open: &OwnedFd, socket: &Socket, sockets: &Sockets) {
    for (option, value) in &sockets.options {
        if let Err(error) = one(open, socket, *option, value) {
            let object = svcadapt_spec::Field::SocketOption(*option).directive();
            let cause = format!("not set on {socket}: {}", error_text(&error));
            tell(&StepError::about("socket option", object, cause, 0).to_string());
        }
    }
}

fn one(open: &OwnedFd, socket: &Socket, option: SocketOption, value: &SocketOptionValue) -> io::Result<()> {
    use SocketOption as O;
    match socket.kind {
        SocketKind::Stream | SocketKind::Datagram | SocketKind::SequentialPacket | SocketKind::Netlink => {}
        SocketKind::Fifo => {
            let number = if let SocketOptionValue::Number(number) = value { *number } else { 0 };
            let size = i32::try_from(number).unwrap_or(i32::MAX);
            // 0 is the default of the kernel.
            let sets = option == O::PipeSize && size > 0;
            return if sets { special::set_pipe_size(open, size) } else { Ok(()) };
        }
        SocketKind::Special | SocketKind::MessageQueue => return Ok(()),
    }
    let inet = matches!(socket.address, SocketAddress::Port(_) | SocketAddress::Inet(_));
    let tcp = inet && socket.kind == SocketKind::Stream;
    let set = |setting: KernelOption| apply(open, setting, value);
    // An unprivileged process may set less than CAP_NET_ADMIN allows (socket(7)).
    let buffer = |force: KernelOption, usual: KernelOption| set(force).or_else(|_| set(usual));
    match option {
        O::KeepAlive if tcp => set(KernelOption::KeepAlive),
        O::KeepAliveTimeSec if tcp => set(KernelOption::KeepAliveTime),
        O::KeepAliveIntervalSec if tcp => set(KernelOption::KeepAliveInterval),
        O::KeepAliveProbes if tcp => set(KernelOption::KeepAliveProbes),
        O::NoDelay if tcp => set(KernelOption::NoDelay),
        O::DeferAcceptSec if tcp => set(KernelOption::DeferAccept),
        O::TcpCongestion if tcp => set(KernelOption::Congestion),
        O::IpTos if inet => set(KernelOption::Tos),
        // A socket may be IPv4, IPv6 or both.
        O::IpTtl if inet => match (set(KernelOption::Ttl), set(KernelOption::HopLimit)) {
            (Err(error), Err(_)) => Err(error),
            _ => Ok(()),
        },
        O::Broadcast if inet => set(KernelOption::Broadcast),
        O::PassCredentials if !inet => set(KernelOption::PassCredentials),
        O::PassSecurity if !inet => set(KernelOption::PassSecurity),
        O::Priority => set(KernelOption::Priority),
        O::Mark => set(KernelOption::Mark),
        O::ReceiveBuffer => buffer(KernelOption::ReceiveBufferForce, KernelOption::ReceiveBuffer),
        O::SendBuffer => buffer(KernelOption::SendBufferForce, KernelOption::SendBuffer),
        // It has no meaning for this socket, or is not the kernel's, or is set already.
        _ => Ok(()),
    }
}

/// A switch that is off leaves the kernel's default.
fn apply(socket: &OwnedFd, setting: KernelOption, value: &SocketOptionValue) -> io::Result<()> {
    let number = match value {
        SocketOptionValue::Flag(false) => return Ok(()),
        SocketOptionValue::Flag(true) => 1,
        SocketOptionValue::Number(number) => i32::try_from(*number).unwrap_or(i32::MAX),
        SocketOptionValue::Time(span) => {
            let seconds = span.finite().map_or(u64::MAX, |span| span.as_secs());
            i32::try_from(seconds).unwrap_or(i32::MAX)
        }
        SocketOptionValue::Name(name) => return set_name(socket, setting, name),
    };
    set(socket, setting, number)
}
