//! Personality, core dumps, memory policy and keyring of this process.

use std::{fs, io};

use nix::errno::Errno;

pub(crate) fn set_personality(is_32_bit: bool) -> io::Result<()> {
    const LINUX: libc::c_ulong = 0;
    const LINUX32: libc::c_ulong = 8;
    // SAFETY: personality(2) takes a number.
    Errno::result(unsafe { libc::personality(if is_32_bit { LINUX32 } else { LINUX }) })?;
    Ok(())
}

pub(crate) fn set_coredump_filter(bits: u32) -> io::Result<()> {
    fs::write("/proc/self/coredump_filter", format!("0x{bits:x}"))
}

pub(crate) fn set_numa_policy(policy: u8, nodes: Option<&[u16]>) -> io::Result<()> {
    const BITS: usize = libc::c_ulong::BITS as usize;
    // The largest number of nodes of a kernel (CONFIG_NODES_SHIFT).
    const MAX: usize = 1024;
    const PREFERRED: u8 = 1;
    let mut mask = [0 as libc::c_ulong; MAX / BITS];
    let nodes = nodes.map_or_else(all_nodes, |nodes| Ok(nodes.to_vec()))?;
    for number in nodes.iter().copied().map(usize::from) {
        let word = mask.get_mut(number / BITS).ok_or(Errno::EINVAL)?;
        *word |= 1 << (number % BITS);
    }
    // The kernel reads one bit less (set_mempolicy(2), "C library/kernel differences").
    let (first, count) = if nodes.is_empty() { (std::ptr::null(), 0) } else { (mask.as_ptr(), MAX + 1) };
    // systemd refuses several nodes, where the kernel would take the first.
    if policy == PREFERRED && nodes.len() > 1 {
        return Err(Errno::EINVAL.into());
    }
    let policy = libc::c_int::from(policy);
    // SAFETY: the kernel reads at most `count - 1` bits, which `mask` has, or no bits.
    match Errno::result(unsafe { libc::syscall(libc::SYS_set_mempolicy, policy, first, count) }) {
        // A kernel without nodes of memory, which systemd ignores.
        Ok(_) | Err(Errno::ENOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The nodes from 0 to the last one (sysfs).
fn all_nodes() -> io::Result<Vec<u16>> {
    let text = fs::read_to_string("/sys/devices/system/node/online")?;
    let last = text.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<u16>().ok());
    Ok((0..=last.unwrap_or(0)).collect())
}

pub(crate) fn join_session_keyring(shared: bool) -> io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_ulong = 1;
    const LINK: libc::c_ulong = 8;
    // The special numbers -4 and -3 of keyctl(2).
    const USER_KEYRING: libc::c_long = -4;
    const SESSION_KEYRING: libc::c_long = -3;
    let none = std::ptr::null::<libc::c_char>();
    // SAFETY: keyctl(2) takes the name of a keyring, or NULL for one without a name.
    let joined = unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, none, 0, 0, 0) };
    match Errno::result(joined) {
        // A kernel without keyrings, a sandbox that hides them, or no room for one more: systemd goes on, too.
        Err(Errno::ENOSYS | Errno::EACCES | Errno::EPERM | Errno::EDQUOT) => return Ok(()),
        joined => drop(joined?),
    }
    if shared {
        // SAFETY: keyctl(2) takes two numbers of keyrings.
        let linked = unsafe { libc::syscall(libc::SYS_keyctl, LINK, USER_KEYRING, SESSION_KEYRING, 0, 0) };
        Errno::result(linked)?;
    }
    Ok(())
}
