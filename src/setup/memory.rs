//! The policy of memory of the program.

use std::io;

use svcadapt_spec::{NumaNodes, NumaPolicy};

use crate::sys::process_settings;

/// Sets the policy. Without nodes it applies to none of them by name.
pub(super) fn numa_policy(policy: NumaPolicy, nodes: Option<&NumaNodes>) -> io::Result<()> {
    let listed: Vec<u16> = match nodes {
        Some(NumaNodes::All) => return process_settings::set_numa_policy(policy.number(), None),
        Some(NumaNodes::These(set)) => set.iter().collect(),
        None => Vec::new(),
    };
    process_settings::set_numa_policy(policy.number(), Some(&listed))
}
