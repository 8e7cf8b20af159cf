//! What these systems do not have.

use std::io;

use super::unsupported;

pub(crate) fn set_personality(_is_32_bit: bool) -> io::Result<()> {
    Err(unsupported("this system has no personalities"))
}

pub(crate) fn set_coredump_filter(_bits: u32) -> io::Result<()> {
    Err(unsupported("this system does not choose the parts of a core dump"))
}

pub(crate) fn set_numa_policy(_policy: u8, _nodes: Option<&[u16]>) -> io::Result<()> {
    Err(unsupported("this system has no policies of memory"))
}

pub(crate) fn join_session_keyring(_shared: bool) -> io::Result<()> {
    Err(unsupported("this system has no keyrings"))
}
