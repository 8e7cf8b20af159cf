//! Whether a name in the file system is of a socket that some process has, told by what connect(2) says.
//!
//! On the BSDs and macOS a connection that is refused proves nothing: a server whose queue is full refuses too
//! (`unp_connect` in bsd/kern/uipc_usrreq.c of xnu). But there, as on Linux, a socket of another type is found out
//! (EPROTOTYPE) before the queue is looked at, and only a name without a socket refuses a connection of either type.

use nix::errno::Errno;

/// What one connect said.
pub(in crate::sys) type ConnectResult = Result<(), Errno>;

/// Whether a process has the socket; an error where that is not known. `other` connects a socket of another type, and
/// is asked only where the first was refused.
pub(in crate::sys) fn is_open(
    first: ConnectResult,
    other: impl FnOnce() -> ConnectResult,
) -> Result<bool, Errno> {
    match first {
        Err(Errno::ECONNREFUSED) => match other() {
            Err(Errno::ECONNREFUSED) => Ok(false),
            Ok(()) | Err(Errno::EPROTOTYPE) => Ok(true),
            said => is_open_at_once(said),
        },
        said => is_open_at_once(said),
    }
}

fn is_open_at_once(said: ConnectResult) -> Result<bool, Errno> {
    match said {
        // One of another type; one with as many waiting as it lets; one that talks to one peer only.
        Ok(()) | Err(Errno::EPROTOTYPE | Errno::EAGAIN | Errno::EINPROGRESS | Errno::EPERM) => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: ConnectResult = Err(Errno::ECONNREFUSED);

    #[test]
    fn socket_that_refuses_both_types_is_nobodys() {
        assert_eq!(is_open(REFUSED, || REFUSED), Ok(false));
    }

    #[test]
    fn socket_that_refuses_its_own_type_only_has_a_full_queue() {
        assert_eq!(is_open(REFUSED, || Err(Errno::EPROTOTYPE)), Ok(true));
        assert_eq!(is_open(REFUSED, || Ok(())), Ok(true));
    }

    #[test]
    fn socket_that_answers_is_not_asked_again() {
        for said in [Ok(()), Err(Errno::EPROTOTYPE), Err(Errno::EAGAIN), Err(Errno::EPERM)] {
            assert_eq!(is_open(said, || unreachable!()), Ok(true));
        }
    }

    #[test]
    fn what_cannot_be_asked_is_an_error() {
        assert_eq!(is_open(Err(Errno::EACCES), || unreachable!()), Err(Errno::EACCES));
        assert_eq!(is_open(REFUSED, || Err(Errno::EACCES)), Err(Errno::EACCES));
        assert_eq!(is_open(REFUSED, || Err(Errno::ENOENT)), Err(Errno::ENOENT));
    }
}
