//! Capabilities (capabilities(7)). Sets are bit masks, as in the kernel.
//!
//! nix has neither capset(2) nor the ambient set, and the crate `caps` reports errors without their errno.

use std::io;

use nix::errno::Errno;

/// `_LINUX_CAPABILITY_VERSION_3` (capget(2)): two words of 32 bits a set.
const VERSION: u32 = 0x2008_0522;

/// No kernel can have more: a set has 64 bits.
const MAX_CAPABILITIES: libc::c_ulong = 64;

/// The header of capget(2) and capset(2). Process 0 is the calling thread.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: libc::c_int,
}

/// The lower or the upper 32 bits of the three sets.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The three sets of a thread.
#[derive(Clone, Copy)]
struct Sets {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

impl Sets {
    fn of_this_thread() -> io::Result<Self> {
        let mut header = CapabilityHeader { version: VERSION, pid: 0 };
        let mut halves = [Half::default(); 2];
        // SAFETY: with this version the kernel writes two halves, and the header is ours to write to.
        let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
        Errno::result(result)?;
        let [low, high] = halves;
        let join = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        Ok(Self {
            effective: join(low.effective, high.effective),
            permitted: join(low.permitted, high.permitted),
            inheritable: join(low.inheritable, high.inheritable),
        })
    }

    fn apply(&self) -> io::Result<()> {
        let mut header = CapabilityHeader { version: VERSION, pid: 0 };
        let half = |shift: u32| {
            // The lower 32 bits of what is left.
            let word = |set: u64| u32::try_from(set >> shift & u64::from(u32::MAX)).unwrap_or_default();
            Half {
                effective: word(self.effective),
                permitted: word(self.permitted),
                inheritable: word(self.inheritable),
            }
        };
        let halves = [half(0), half(32)];
        // SAFETY: with this version the kernel reads two halves, and the header is ours to write to.
        let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
        Ok(Errno::result(result).map(drop)?)
    }
}

fn prctl(option: libc::c_int, arguments: [libc::c_ulong; 2]) -> io::Result<libc::c_int> {
    let [first, second] = arguments;
    // SAFETY: the options used here take numbers only (PR_CAPBSET_*, PR_SET_KEEPCAPS, PR_*_SECUREBITS, PR_CAP_AMBIENT); the
    // kernel demands that unused arguments are 0.
    let result = unsafe { libc::prctl(option, first, second, 0 as libc::c_ulong, 0 as libc::c_ulong) };
    Ok(Errno::result(result)?)
}

/// Drops every capability that is not in `keep` from the bounding set.
pub fn bound(keep: u64) -> io::Result<()> {
    for capability in 0..MAX_CAPABILITIES {
        match prctl(libc::PR_CAPBSET_READ, [capability, 0]) {
            Ok(1) if keep >> capability & 1 == 0 => drop(prctl(libc::PR_CAPBSET_DROP, [capability, 0])?),
            Ok(_) => {}
            // The first number that the kernel does not know.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keeps the permitted set over the next change of user (PR_SET_KEEPCAPS, prctl(2)), until an exec.
pub fn keep_over_user_change() -> io::Result<()> {
    prctl(libc::PR_SET_KEEPCAPS, [1, 0]).map(drop)
}

/// Sets the inheritable and ambient sets to `bits`, which then survive an exec.
pub fn set_ambient(bits: u64) -> io::Result<()> {
    let mut sets = Sets::of_this_thread()?;
    sets.permitted |= bits;
    sets.inheritable = bits;
    sets.apply()?;
    let cleared = prctl(libc::PR_CAP_AMBIENT, [ambient(libc::PR_CAP_AMBIENT_CLEAR_ALL), 0]);
    match cleared {
        // A kernel before 4.3 has no ambient set, and so nothing to clear.
        Err(error) if bits == 0 && error.raw_os_error() == Some(libc::EINVAL) => return Ok(()),
        cleared => drop(cleared?),
    }
    (0..MAX_CAPABILITIES).filter(|capability| bits >> capability & 1 == 1).try_for_each(|capability| {
        prctl(libc::PR_CAP_AMBIENT, [ambient(libc::PR_CAP_AMBIENT_RAISE), capability]).map(drop)
    })
}

fn ambient(operation: libc::c_int) -> libc::c_ulong {
    super::super::number::cast(operation)
}

/// Limits the permitted and the effective set of this thread to `keep`, now. Without an exec the bounding set takes
/// nothing away, and ambient capabilities do not become effective by themselves.
pub fn limit_own(keep: u64) -> io::Result<()> {
    let mut sets = Sets::of_this_thread()?;
    sets.permitted &= keep;
    sets.effective = sets.permitted;
    sets.apply()
}

/// Sets the secure bits (PR_SET_SECUREBITS, prctl(2)), for which CAP_SETPCAP becomes effective if it is permitted. Bits that
/// are set already need no capability.
pub fn set_secure_bits(bits: u8) -> io::Result<()> {
    const SETPCAP: u64 = 1 << 8;
    if prctl(libc::PR_GET_SECUREBITS, [0, 0])? == libc::c_int::from(bits) {
        return Ok(());
    }
    let sets = Sets::of_this_thread()?;
    if sets.effective & SETPCAP == 0 && sets.permitted & SETPCAP != 0 {
        Sets { effective: sets.effective | SETPCAP, ..sets }.apply()?;
    }
    prctl(libc::PR_SET_SECUREBITS, [bits.into(), 0])?;
    sets.apply()
}

/// PR_SET_NO_NEW_PRIVS (prctl(2)): no later exec grants privileges.
pub fn no_new_privileges() -> io::Result<()> {
    Ok(nix::sys::prctl::set_no_new_privs()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By another way: `/proc/self/status` (proc_pid_status(5)).
    fn shown(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    }

    #[test]
    fn sets_of_this_thread_are_those_that_proc_shows() {
        let sets = Sets::of_this_thread().unwrap();
        assert_eq!(
            [sets.effective, sets.permitted, sets.inheritable],
            [shown("CapEff:"), shown("CapPrm:"), shown("CapInh:")]
        );
        sets.apply().unwrap();
        assert_eq!(shown("CapPrm:"), sets.permitted);
    }

    #[test]
    fn capability_that_is_not_permitted_is_refused_with_its_errno() {
        let worker = || {
            limit_own(0).unwrap();
            assert_eq!((shown("CapEff:"), shown("CapPrm:")), (0, 0));
            set_ambient(1).unwrap_err().raw_os_error()
        };
        // Capabilities belong to a thread.
        assert_eq!(std::thread::spawn(worker).join().unwrap(), Some(libc::EPERM));
    }
}
