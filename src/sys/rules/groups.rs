//! Supplementary groups, where the effective group may be one of them (Darwin, FreeBSD to 14).
//!
//! There `cr_groups[0]` *is* the effective group, so setgroups(2) changes both. setgid(2) with a group that is already
//! in the list differs: FreeBSD replaces the first entry, Darwin swaps the two, so the old group stays. Hence the order
//! on every system: first the group, then the groups (initgroups(3) after setgid(2), as launchd does).

/// A list for setgroups(2): the effective group first, no duplicates.
#[cfg(any(test, not(target_os = "linux")))]
pub(in crate::sys) fn led_by(effective: u32, groups: &[u32]) -> Vec<u32> {
    let mut list = vec![effective];
    for &gid in groups {
        if !list.contains(&gid) {
            list.push(gid);
        }
    }
    list
}

/// The first group of a process that is not in `wanted`. The effective group may be listed or not.
pub(in crate::sys) fn unwanted(now: &[u32], effective: u32, wanted: &[u32]) -> Option<u32> {
    now.iter().copied().find(|gid| *gid != effective && !wanted.contains(gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a kernel stores the effective group and the others.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Kernel {
        /// xnu, `kauth_cred_change_egid` in bsd/kern/kern_credential.c: the old group takes the position of the new
        /// one.
        Darwin,
        /// To 14, `change_egid` in sys/kern/kern_prot.c: the first group is overwritten.
        FreeBsd14,
        /// FreeBSD 15, NetBSD, OpenBSD, Linux: the effective group is not part of the list.
        Apart,
    }

    #[derive(Debug)]
    struct Process {
        kernel: Kernel,
        effective: u32,
        groups: Vec<u32>,
    }

    impl Process {
        /// A process of root, with wheel (0) as its group.
        fn of_root(kernel: Kernel) -> Self {
            Self { kernel, effective: 0, groups: vec![0, 1, 2, 20, 80] }
        }

        fn setgid(&mut self, gid: u32) {
            self.effective = gid;
            if self.kernel == Kernel::Darwin
                && let Some(at) = self.groups.iter().position(|member| *member == gid)
            {
                self.groups[at] = self.groups[0];
            }
            if self.kernel != Kernel::Apart {
                self.groups[0] = gid;
            }
        }

        /// As called by `set_groups` on systems other than Linux.
        fn setgroups(&mut self, groups: &[u32]) {
            self.groups = led_by(self.effective, groups);
            if self.kernel != Kernel::Apart {
                self.effective = self.groups[0];
            }
        }

        fn has(&self, gid: u32) -> bool {
            self.effective == gid || self.groups.contains(&gid)
        }
    }

    const KERNELS: [Kernel; 3] = [Kernel::Darwin, Kernel::FreeBsd14, Kernel::Apart];
    /// `_www` of macOS.
    const GID: u32 = 70;
    const GROUPS: [u32; 5] = [12, 61, 70, 701, 702];

    #[test]
    fn group_set_before_the_groups_leaves_no_group_of_root() {
        for kernel in KERNELS {
            let mut process = Process::of_root(kernel);
            process.setgid(GID);
            process.setgroups(&GROUPS);
            assert!(!process.has(0), "{process:?}");
            assert_eq!(unwanted(&process.groups, process.effective, &GROUPS), None, "{process:?}");
            assert!(GROUPS.iter().all(|gid| process.has(*gid)), "{process:?}");
        }
    }

    #[test]
    fn groups_set_before_the_group_leave_wheel_on_some_kernels() {
        for (kernel, left) in KERNELS.into_iter().zip([Some(0), None, Some(0)]) {
            let mut process = Process::of_root(kernel);
            process.setgroups(&GROUPS);
            process.setgid(GID);
            assert_eq!(unwanted(&process.groups, process.effective, &GROUPS), left, "{process:?}");
        }
    }

    #[test]
    fn borrowed_rights_can_be_returned() {
        for kernel in KERNELS {
            let mut process = Process::of_root(kernel);
            let own = process.groups.clone();
            process.setgid(GID);
            process.setgroups(&GROUPS);
            assert_eq!(unwanted(&process.groups, process.effective, &GROUPS), None, "{process:?}");
            process.setgid(0);
            process.setgroups(&own);
            assert_eq!((process.effective, process.groups), (0, own));
        }
    }

    #[test]
    fn list_begins_with_the_effective_group_and_has_each_once() {
        assert_eq!(led_by(70, &GROUPS), [70, 12, 61, 701, 702]);
        assert_eq!(led_by(0, &[]), [0]);
        assert_eq!(led_by(0, &[5, 5, 0]), [0, 5]);
    }
}
