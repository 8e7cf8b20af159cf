//! The address of the notification socket: the value of `NOTIFY_SOCKET` (sd_notify(3)).

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::sys::socket::{VsockAddress, VsockKind};

/// The address of a manager's notification socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in the abstract namespace, without its leading NUL (unix(7)).
    Abstract(Vec<u8>),
    /// `vsock:CID:PORT`, `vsock-stream:`, `vsock-dgram:` or `vsock-seqpacket:`: a manager outside of this virtual machine.
    Vsock(VsockAddress),
}

/// The maximum length of a Unix socket's path or name (`sun_path` without the NUL, unix(7)).
const MAX_PATH_BYTES: usize = 107;

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// The reason why the value is no supported address.
    pub fn parse(value: &OsStr) -> Result<Self, String> {
        let bytes = value.as_bytes();
        if bytes.len() > MAX_PATH_BYTES {
            return Err(format!("longer than the {MAX_PATH_BYTES} bytes of a socket's path"));
        }
        match bytes {
            [b'/', _, ..] => Ok(Self::Path(PathBuf::from(value))),
            [b'@', name @ ..] if !name.is_empty() => Ok(Self::Abstract(name.to_vec())),
            _ if bytes.starts_with(b"vsock") => vsock(value).map(Self::Vsock),
            _ => Err("neither a path nor an abstract name".to_owned()),
        }
    }
}

/// The kinds of sockets by their prefixes (sd_notify(3)).
const VSOCK_KINDS: [(&str, Option<VsockKind>); 4] = [
    ("vsock", None),
    ("vsock-stream", Some(VsockKind::Stream)),
    ("vsock-dgram", Some(VsockKind::Datagram)),
    ("vsock-seqpacket", Some(VsockKind::SequentialPacket)),
];

/// Reads such an address. The greatest number means any machine or any port (vsock(7)), to which nothing can be sent.
fn vsock(value: &OsStr) -> Result<VsockAddress, String> {
    let words: Vec<&str> = value.to_str().unwrap_or_default().split(':').collect();
    let number = |word: &str| {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        word.parse().ok().filter(|number| digits && *number != u32::MAX)
    };
    let read = || {
        let &[kind, cid, port] = words.as_slice() else { return None };
        let (_, kind) = VSOCK_KINDS.iter().find(|(name, _)| *name == kind)?;
        Some(VsockAddress { kind: *kind, cid: number(cid)?, port: number(port)? })
    };
    read().ok_or_else(|| "not vsock[-stream|-dgram|-seqpacket]:CID:PORT".to_owned())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
            Self::Vsock(VsockAddress { kind, cid, port }) => {
                let name = VSOCK_KINDS.iter().find(|(_, known)| known == kind).map_or("", |(name, _)| name);
                write!(f, "{name}:{cid}:{port}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_abstract_name_and_machine_are_read() {
        assert_eq!(Address::parse(OsStr::new("/run/n")), Ok(Address::Path("/run/n".into())));
        assert_eq!(Address::parse(OsStr::new("@n")), Ok(Address::Abstract(b"n".to_vec())));
        for (text, kind, cid) in [
            ("vsock:2:9999", None, 2),
            ("vsock-stream:1:9999", Some(VsockKind::Stream), 1),
            ("vsock-dgram:4294967294:9999", Some(VsockKind::Datagram), 4_294_967_294),
            ("vsock-seqpacket:0:9999", Some(VsockKind::SequentialPacket), 0),
        ] {
            let address = Address::parse(OsStr::new(text)).unwrap();
            assert_eq!(address, Address::Vsock(VsockAddress { kind, cid, port: 9999 }));
            assert_eq!(address.to_string(), text);
        }
        for wrong in [
            "vsock",
            "vsock:",
            "vsock:2",
            "vsock::9999",
            "vsock:2:",
            "vsock:-1:1",
            "vsock:+2:1",
            "vsock:2:4294967295",
            "vsock:4294967295:1",
            "vsock:4294967296:1",
            "vsock:2:1:1",
            "vsock-tcp:2:1",
            "vsock:0x2:1",
            "vsock:any:1",
        ] {
            let error = Address::parse(OsStr::new(wrong)).unwrap_err();
            assert_eq!(error, "not vsock[-stream|-dgram|-seqpacket]:CID:PORT", "{wrong}");
        }
        for wrong in ["", "/", "@", "run/n", "tcp:1", &format!("/{}", "x".repeat(107))] {
            assert!(Address::parse(OsStr::new(wrong)).is_err(), "{wrong:?} was taken");
        }
    }
}
