//! Ports that only root may listen on, each given once: tests run side by side on one network.

use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;

/// A port of TCP below 1024 that nobody listens on, and that no other test of this binary is given.
pub(crate) fn low_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(600);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(port < 1024, "no port below 1024 is free");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}
