//! Whether a process has the socket with a name in the file system open, decided by the errors of connect(2).
//!
//! On the BSDs and macOS a refused connection proves nothing: a server with a full queue refuses, too (`unp_connect` in
//! bsd/kern/uipc_usrreq.c of xnu). But there, as on Linux, a mismatch of the socket type (EPROTOTYPE) is detected
//! before the queue is checked, and only a name without a socket refuses connections of both types.

use nix::errno::Errno;

/// The result of connect(2).
pub(in crate::sys) type ConnectResult = Result<(), Errno>;

/// Whether a process has the socket open. `other` connects with another socket type, and is called only if the first
/// was refused.
pub(in crate::sys) fn is_open(
    first: ConnectResult,
    other: impl FnOnce() -> ConnectResult,
) -> Result<bool, Errno> {
    match first {
        Err(Errno::ECONNREFUSED) => match other() {
            Err(Errno::ECONNREFUSED) => Ok(false),
            Ok(()) | Err(Errno::EPROTOTYPE) => Ok(true),
            result => is_open_at_once(result),
        },
        result => is_open_at_once(result),
    }
}

fn is_open_at_once(result: ConnectResult) -> Result<bool, Errno> {
    match result {
        // A socket of another type, with a full queue, or connected to a single peer.
        Ok(()) | Err(Errno::EPROTOTYPE | Errno::EAGAIN | Errno::EINPROGRESS | Errno::EPERM) => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: ConnectResult = Err(Errno::ECONNREFUSED);

    #[test]
    fn socket_that_refuses_both_types_is_closed() {
        assert_eq!(is_open(REFUSED, || REFUSED), Ok(false));
    }

    #[test]
    fn socket_that_refuses_its_own_type_only_has_a_full_queue() {
        assert_eq!(is_open(REFUSED, || Err(Errno::EPROTOTYPE)), Ok(true));
        assert_eq!(is_open(REFUSED, || Ok(())), Ok(true));
    }

    #[test]
    fn socket_that_answers_is_not_connected_again() {
        for result in [Ok(()), Err(Errno::EPROTOTYPE), Err(Errno::EAGAIN), Err(Errno::EPERM)] {
            assert_eq!(is_open(result, || unreachable!()), Ok(true));
        }
    }

    #[test]
    fn failed_connection_is_an_error() {
        assert_eq!(is_open(Err(Errno::EACCES), || unreachable!()), Err(Errno::EACCES));
        assert_eq!(is_open(REFUSED, || Err(Errno::EACCES)), Err(Errno::EACCES));
        assert_eq!(is_open(REFUSED, || Err(Errno::ENOENT)), Err(Errno::ENOENT));
    }
}
