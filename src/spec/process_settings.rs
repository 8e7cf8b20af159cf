//! How the kernel treats the process of a service, besides its scheduling (systemd.exec(5)).

use std::ffi::OsStr;
use std::fmt;

use super::choice::choices;
use super::value_error::text;
use super::{CoredumpFilter, CpuSet, SecureBits, ValueError};

/// What is asked for the process of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessSettings {
    /// Whether it ignores SIGPIPE. `None`: as its host does; in a unit yes.
    pub ignore_sigpipe: Option<bool>,
    /// The machine that uname(2) names.
    pub personality: Option<Personality>,
    /// The keyring of its session.
    pub keyring: Option<KeyringMode>,
    /// The secure bits.
    pub secure_bits: Option<SecureBits>,
    /// The parts of memory that a core dump has.
    pub coredump_filter: Option<CoredumpFilter>,
    /// From which nodes it gets memory.
    pub numa_policy: Option<NumaPolicy>,
    /// The nodes of that policy.
    pub numa_nodes: Option<NumaNodes>,
}

/// A machine, as `Personality=` names it. Each processor has at most two: its own and its 32-bit predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Personality {
    X86,
    X86_64,
    Arm,
    ArmBe,
    Arm64,
    Arm64Be,
    Ppc,
    PpcLe,
    Ppc64,
    Ppc64Le,
    S390,
    S390x,
}

choices!(
    Personality,
    12,
    "personality",
    [
        X86 = "x86",
        X86_64 = "x86-64",
        Arm = "arm",
        ArmBe = "arm-be",
        Arm64 = "arm64",
        Arm64Be = "arm64-be",
        Ppc = "ppc",
        PpcLe = "ppc-le",
        Ppc64 = "ppc64",
        Ppc64Le = "ppc64-le",
        S390 = "s390",
        S390x = "s390x",
    ]
);

impl Personality {
    /// Its name.
    #[doc(hidden)]
    pub fn name(self) -> &'static str {
        crate::choice::name_of(&self, &Self::ALL)
    }
}

/// The keyring of a service's session (keyrings(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringMode {
    /// That of the caller.
    Inherit,
    /// A new one.
    Private,
    /// A new one with a link to the keyring of its user.
    Shared,
}

choices!(KeyringMode, 3, "mode", [Inherit = "inherit", Private = "private", Shared = "shared"]);

/// From which nodes a process gets memory (set_mempolicy(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumaPolicy {
    /// The kernel's.
    Default,
    /// From one node, else from the others.
    Preferred,
    /// From these nodes only.
    Bind,
    /// From these nodes by turns.
    Interleave,
    /// From the node of the processor.
    Local,
}

choices!(
    NumaPolicy,
    5,
    "policy",
    [Default = "default", Preferred = "preferred", Bind = "bind", Interleave = "interleave", Local = "local",]
);

impl NumaPolicy {
    /// The kernel's number.
    #[doc(hidden)]
    pub fn number(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Preferred => 1,
            Self::Bind => 2,
            Self::Interleave => 3,
            Self::Local => 4,
        }
    }
}

/// Nodes of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumaNodes {
    /// All nodes of the machine.
    All,
    /// These nodes.
    These(CpuSet),
}

impl NumaNodes {
    /// Reads `all`, or numbers and ranges as for processors.
    pub(crate) fn parse_list(value: &OsStr) -> Result<Vec<Self>, ValueError> {
        if text(value)? == "all" {
            return Ok(vec![Self::All]);
        }
        let nodes = CpuSet::parse_list(value).map_err(|_| {
            ValueError::hinted("not a list of nodes", "write numbers and ranges, as 0-1 3, or all")
        })?;
        Ok(vec![Self::These(nodes.into_iter().collect())])
    }

    /// The nodes of all these lists. `None` if there is no list.
    pub(crate) fn union(lists: impl IntoIterator<Item = Self>) -> Option<Self> {
        lists.into_iter().reduce(|one, other| match (one, other) {
            (Self::These(one), Self::These(other)) => Self::These(one.iter().chain(other.iter()).collect()),
            _ => Self::All,
        })
    }
}

impl fmt::Display for NumaNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::These(set) => set.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_add_up_and_all_are_all() {
        let read = |values: &[&str]| {
            let lists = values.iter().flat_map(|value| NumaNodes::parse_list(value.as_ref()).unwrap());
            NumaNodes::union(lists).map(|nodes| nodes.to_string())
        };
        assert_eq!(read(&["0-1", "3"]).as_deref(), Some("0-1 3"));
        assert_eq!(read(&["0", "all"]).as_deref(), Some("all"));
        assert_eq!(read(&[]), None);
        assert_eq!(NumaNodes::parse_list("x".as_ref()).unwrap_err().cause, "not a list of nodes");
        assert_eq!(Personality::X86_64.name(), "x86-64");
    }
}
