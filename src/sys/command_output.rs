//! Runs a command and reads its output, with a timeout.

use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::file;
use super::process_handle::ProcessHandle;

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

/// Runs the program without stdin until it has ended, and returns its status, and what it wrote to stdout and stderr.
///
/// What it leaves running may keep these streams: they are a file, at whose end nothing is waited for. If the program runs
/// longer than `limit` it is killed, and the error is of kind `TimedOut`.
pub fn run_within(command: &mut Command, limit: Duration) -> io::Result<(ExitStatus, Vec<u8>)> {
    let output = File::from(file::unnamed("output")?);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
    let mut child = command.spawn()?;
    // A child that has ended already is a zombie, and there.
    let held = ProcessHandle::open(child.id().cast_signed())?;
    let has_ended = held.map_or(Ok(true), |held| held.ends_until(Instant::now().checked_add(limit)));
    if !matches!(has_ended, Ok(true)) {
        let _ = child.kill();
        let _ = child.wait();
        has_ended?;
        return Err(io::ErrorKind::TimedOut.into());
    }
    let status = child.wait()?;
    // What is left running may go on to write at the file's own offset.
    let mut text = vec![0; MAX_OUTPUT_BYTES];
    let length = output.read_at(&mut text, 0)?;
    text.truncate(length);
    Ok((status, text))
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
    fn output_of_both_streams_is_returned_without_waiting_for_what_is_left_running() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo one; echo two >&2; sleep 600 & echo $!; exit 3"]);
        let (status, text) = run_within(&mut command, Duration::from_secs(10)).unwrap();
        let text = String::from_utf8(text).unwrap();
        let (lines, left) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!((status.code(), lines), (Some(3), "one\ntwo"));
        ProcessHandle::open(left.parse().unwrap()).unwrap().unwrap().send(libc::SIGKILL).unwrap();
    }

    #[test]
    fn program_that_does_not_end_is_killed() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        let error = run_within(&mut command, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
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
