//! A question put to another program, whose answer is waited for no longer than a limit.

use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// More than this is not an answer to any question that we put.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Runs the program with no input and no stderr, and returns what it wrote to its stdout until that was closed.
///
/// When it has not closed it within the limit, the error is of kind `TimedOut`. Either way the process is killed
/// if it still lives, and reaped, before this returns.
pub fn output_within(command: &mut Command, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let answer = match child.stdout.take() {
        Some(mut pipe) => read_until(&mut pipe, end),
        None => Err(io::Error::other("no pipe to the program")),
    };
    // Its status adds nothing to an answer that is already there. Where SIGCHLD is ignored the kernel reaps by
    // itself, and the number may be a stranger's; then `try_wait` fails.
    if let Ok(None) = child.try_wait() {
        let _ = child.kill();
        let _ = child.wait();
    }
    answer
}

fn read_until(pipe: &mut (impl AsFd + Read), end: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || answer.len() > MAX_OUTPUT_BYTES {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Rounded up: a wait of 0 ms would turn the last millisecond into a busy loop.
        let wait = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], wait) {
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(answer),
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_wrote_is_returned_whole() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "printf 'one\\n'; printf 'two\\n'"]);
        assert_eq!(output_within(&mut command, Duration::from_secs(10)).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn a_program_that_keeps_silent_is_given_up() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        let begin = Instant::now();
        let error = output_within(&mut command, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_program_that_closes_its_output_and_stays_is_not_waited_for() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo $$; exec sleep 600 >&-"]);
        let answer =
            String::from_utf8(output_within(&mut command, Duration::from_secs(60)).unwrap()).unwrap();
        let gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(answer.trim().parse().unwrap()), None);
        assert_eq!(gone, Err(Errno::ESRCH));
    }

    #[test]
    fn a_program_that_never_stops_talking_is_given_up() {
        let error = output_within(&mut Command::new("yes"), Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
