//! Runs a command and reads its output, with a timeout.

use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// No expected output is longer.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Runs the program without stdin and stderr, and returns its stdout up to the end of file.
///
/// If stdout is still open after `limit`, the error is of kind `TimedOut`. In every case the process is killed if it
/// still runs, and reaped.
pub fn output_within(command: &mut Command, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let answer = match child.stdout.take() {
        Some(mut pipe) => read_until(&mut pipe, end),
        None => Err(io::Error::other("no pipe to the program")),
    };
    // The exit status is not needed. If SIGCHLD is ignored the kernel reaps by itself and the pid may be reused; then
    // `try_wait` fails.
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
        // Rounded up: a timeout of 0 ms would make the last millisecond a busy loop.
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
    fn output_is_returned_completely() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "printf 'one\\n'; printf 'two\\n'"]);
        assert_eq!(output_within(&mut command, Duration::from_secs(10)).unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn silent_program_times_out() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        let begin = Instant::now();
        let error = output_within(&mut command, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn program_that_closes_its_output_is_killed() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo $$; exec sleep 600 >&-"]);
        let answer =
            String::from_utf8(output_within(&mut command, Duration::from_secs(60)).unwrap()).unwrap();
        let gone = nix::sys::signal::kill(nix::unistd::Pid::from_raw(answer.trim().parse().unwrap()), None);
        assert_eq!(gone, Err(Errno::ESRCH));
    }

    #[test]
    fn program_with_endless_output_is_killed() {
        let error = output_within(&mut Command::new("yes"), Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
