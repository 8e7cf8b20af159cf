//! Notifications to a manager outside of this virtual machine (vsock(7)).

use std::io::Read;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, VsockAddr, accept, bind, connect, getsockname, getsockopt,
    listen, socket,
};

use crate::harness::{Dir, Exit, Svc, skip};

/// The number of this machine for itself (`VMADDR_CID_LOCAL`).
const LOOPBACK: u32 = 1;

/// A listener of this kind and its port. `None` if the kernel has no loopback.
fn listener(kind: SockType) -> Option<(OwnedFd, u32)> {
    let open = |flags| socket(AddressFamily::Vsock, kind, flags, None);
    let made = open(SockFlag::SOCK_CLOEXEC).and_then(|socket| {
        bind(socket.as_raw_fd(), &VsockAddr::new(u32::MAX, u32::MAX))?;
        listen(&socket, Backlog::new(8)?)?;
        let own: VsockAddr = getsockname(socket.as_raw_fd())?;
        Ok((socket, own.port()))
    });
    let Ok((socket, port)) = made else {
        skip("vsock", "the kernel has no such sockets");
        return None;
    };
    let client = open(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK).unwrap();
    let connected = match connect(client.as_raw_fd(), &VsockAddr::new(LOOPBACK, port)) {
        Ok(()) => true,
        Err(Errno::EINPROGRESS) => {
            let mut wanted = [PollFd::new(client.as_fd(), PollFlags::POLLOUT)];
            poll(&mut wanted, 500_u16).unwrap() > 0 && getsockopt(&client, SocketError) == Ok(0)
        }
        Err(_) => false,
    };
    if !connected {
        skip("vsock", "the kernel has no loopback (the module vsock_loopback)");
        return None;
    }
    drop(received(&socket));
    Some((socket, port))
}

/// What the next client sends until it ends its side.
fn received(listener: &OwnedFd) -> TcpStream {
    let number = accept(listener.as_raw_fd()).unwrap();
    // SAFETY: the kernel has just made this descriptor for us, and no other code knows it.
    #[allow(unsafe_code, reason = "nix hands over a bare number")]
    TcpStream::from(unsafe { OwnedFd::from_raw_fd(number) })
}

#[test]
fn manager_outside_of_the_machine_gets_each_message_in_a_connection() {
    for (kind, name) in [(SockType::Stream, "vsock-stream"), (SockType::SeqPacket, "vsock-seqpacket")] {
        let dir = Dir::new();
        let Some((listener, port)) = listener(kind) else { continue };
        let sender = Svc::new(&dir)
            .args(["notify", "--ready", "--status=up"])
            .env("NOTIFY_SOCKET", format!("{name}:{LOOPBACK}:{port}"))
            .spawn();
        for expected in ["READY=1\n", "STATUS=up\n"] {
            let mut text = String::new();
            received(&listener).read_to_string(&mut text).unwrap();
            assert_eq!(text, expected);
        }
        assert_eq!(sender.finish().exit, Exit::Status(0));
    }
}

#[test]
fn unreachable_machine_is_reported_in_time() {
    let dir = Dir::new();
    for address in ["vsock-stream:4242:9", "vsock-dgram:1:9", "vsock-seqpacket:4242:9"] {
        let output = Svc::new(&dir).args(["notify", "--ready"]).env("NOTIFY_SOCKET", address).output();
        assert_eq!(output.exit, Exit::Status(1), "{}", output.stderr);
        assert!(output.stderr.starts_with(&format!("svcadapt: notify '{address}': ")), "{}", output.stderr);
    }
}
