//! What the kernel says about itself and this machine.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, faccessat};

/// What `uname` calls this kernel (uname(2)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its release: `6.1.0-18-amd64`.
    pub release: String,
    /// The processor: `x86_64`.
    pub machine: String,
}

/// The running kernel.
pub fn kernel() -> io::Result<Kernel> {
    let found = nix::sys::utsname::uname()?;
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    Ok(Kernel { release: text(found.release()), machine: text(found.machine()) })
}

/// The processor that this program was built for, as `uname -m` names it.
pub fn own_processor() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i686",
        "powerpc" => "ppc",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The first MiB of a file in which the kernel or the system describes itself. `None` if it cannot be read.
pub fn text(path: impl AsRef<Path>) -> Option<String> {
    const MAX_BYTES: u64 = 1 << 20;
    // A FIFO or a device could block.
    fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The host name (gethostname(2)).
pub fn host_name() -> io::Result<std::ffi::OsString> {
    Ok(nix::unistd::gethostname()?)
}

/// Whether systemd is the init system (`sd_booted`(3)).
pub fn is_booted_with_systemd() -> bool {
    fs::symlink_metadata("/run/systemd/system").is_ok_and(|found| found.is_dir())
}

/// The memory of the machine, in bytes.
pub fn memory() -> Option<u64> {
    let ask = |name| {
        // SAFETY: sysconf(3) takes a number.
        u64::try_from(unsafe { libc::sysconf(name) }).ok()
    };
    ask(libc::_SC_PHYS_PAGES)?.checked_mul(ask(libc::_SC_PAGESIZE)?)
}

/// The processors that are on line.
pub fn processors() -> Option<u64> {
    // SAFETY: sysconf(3) takes a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).ok()
}

/// Whether this process may write to a file (access(2)).
pub fn is_writable(path: &Path) -> bool {
    faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::empty()).is_ok()
}

/// Whether a path is on a file system that is mounted read-only.
pub fn is_read_only(path: &Path) -> io::Result<bool> {
    if statvfs(path)?.flags().contains(FsFlags::ST_RDONLY) {
        return Ok(true);
    }
    // Some file systems know it only for a file.
    match faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::empty()) {
        Err(Errno::EROFS) => Ok(true),
        Ok(()) | Err(_) => Ok(false),
    }
}

/// The name that a hypervisor gives itself: `KVMKVMKVM`. `None` without one, or if the processor cannot tell.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub fn hypervisor() -> Option<String> {
    #[cfg(target_arch = "x86")]
    use std::arch::x86::__cpuid;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::__cpuid;
    const PRESENT: u32 = 1 << 31;
    #[allow(unused_unsafe, reason = "newer compilers know that it is safe")]
    let ask = |leaf| {
        // SAFETY: each processor that Rust compiles for has this instruction, and leaf 1.
        unsafe { __cpuid(leaf) }
    };
    if ask(1).ecx & PRESENT == 0 {
        return None;
    }
    let found = ask(0x4000_0000);
    let name: Vec<u8> = [found.ebx, found.ecx, found.edx]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .filter(|&b| b != 0)
        .collect();
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// The name that a hypervisor gives itself. This processor cannot tell.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
pub fn hypervisor() -> Option<String> {
    None
}

/// Whether the kernel has its audit subsystem, and this process may talk to it.
#[cfg(target_os = "linux")]
pub fn has_audit() -> bool {
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
    let protocol = SockProtocol::NetlinkAudit;
    let opened = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol);
    !matches!(opened, Err(Errno::EAFNOSUPPORT | Errno::EPROTONOSUPPORT | Errno::EPERM))
}

/// Only Linux has this subsystem.
#[cfg(not(target_os = "linux"))]
pub fn has_audit() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_has_a_kernel_memory_and_processors() {
        let kernel = kernel().unwrap();
        assert!(!kernel.release.is_empty() && !kernel.machine.is_empty());
        assert!(memory().unwrap() > 1 << 20);
        assert!(processors().unwrap() >= 1);
    }

    #[test]
    fn directory_for_temporary_files_is_not_read_only() {
        assert!(!is_read_only(&std::env::temp_dir()).unwrap());
        assert!(is_read_only(Path::new("/no/such/path")).is_err());
    }
}
