//! How the kernel treats this process: machine, memory, keyring, core dumps.

use std::io;

use super::platform;

/// Lets uname(2) name another machine (personality(2)), named as in systemd.exec(5).
pub fn set_personality(name: &str) -> io::Result<()> {
    match personality(name) {
        Some(is_32_bit) => platform::set_personality(is_32_bit),
        None => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "the processors of this machine do not have it"))
        }
    }
}

/// Whether the processors of this machine have this personality.
pub fn has_personality(name: &str) -> bool {
    personality(name).is_some()
}

/// Whether a personality is the 32-bit one of this machine's processors. `None` if they do not have it.
fn personality(name: &str) -> Option<bool> {
    let little = cfg!(target_endian = "little");
    let [own, smaller] = match std::env::consts::ARCH {
        "x86_64" => ["x86-64", "x86"],
        "x86" => ["", "x86"],
        "aarch64" if little => ["arm64", "arm"],
        "aarch64" => ["arm64-be", "arm-be"],
        "arm" if little => ["", "arm"],
        "arm" => ["", "arm-be"],
        "powerpc64" if little => ["ppc64-le", "ppc-le"],
        "powerpc64" => ["ppc64", "ppc"],
        "powerpc" => ["", "ppc"],
        "s390x" => ["s390x", "s390"],
        _ => return None,
    };
    match name {
        _ if name == own => Some(false),
        _ if name == smaller => Some(true),
        _ => None,
    }
}

/// Chooses the parts of memory that a core dump has.
pub fn set_coredump_filter(bits: u32) -> io::Result<()> {
    platform::set_coredump_filter(bits)
}

/// Sets the policy of memory, by the kernel's number. `nodes`: `None` for all nodes of this machine.
pub fn set_numa_policy(policy: u8, nodes: Option<&[u16]>) -> io::Result<()> {
    platform::set_numa_policy(policy, nodes)
}

/// Joins a new session keyring, if `shared` with a link to the keyring of the user.
pub fn join_session_keyring(shared: bool) -> io::Result<()> {
    platform::join_session_keyring(shared)
}
