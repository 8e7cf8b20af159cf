//! The result of `sysctl kern.proc.pid` on macOS (sysctl(3)): `struct kinfo_proc` of `<sys/sysctl.h>`, available to
//! every user for every process, including zombies. The offsets are those of both processors.

/// The size of the result; it is empty if there is no such process.
pub(in crate::sys) const SIZE: usize = 648;

const SECONDS: usize = 0;
const MICROSECONDS: usize = 8;
const STATE: usize = 36;
const PID: usize = 40;

/// The fields that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sys) struct ProcessFields {
    /// The start time in microseconds since 1970.
    pub(in crate::sys) started: u64,
    /// `SRUN`, `SZOMB`, …
    pub(in crate::sys) state: u8,
}

/// The status of this process. `None` if the result is empty or of another process.
pub(in crate::sys) fn status(answer: &[u8], pid: i32) -> Option<ProcessFields> {
    if answer.len() != SIZE || i32::from_ne_bytes(part(answer, PID)?) != pid {
        return None;
    }
    let seconds = u64::try_from(i64::from_ne_bytes(part(answer, SECONDS)?)).ok()?;
    let more = u64::try_from(i32::from_ne_bytes(part(answer, MICROSECONDS)?)).ok()?;
    Some(ProcessFields {
        started: seconds.checked_mul(1_000_000)?.checked_add(more)?,
        state: *answer.get(STATE)?,
    })
}

fn part<const LENGTH: usize>(answer: &[u8], at: usize) -> Option<[u8; LENGTH]> {
    answer.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_from_its_places_and_of_the_right_process_only() {
        let mut answer = vec![0xff; SIZE];
        answer[..8].copy_from_slice(&1_700_000_000_i64.to_ne_bytes());
        answer[8..12].copy_from_slice(&999_999_i32.to_ne_bytes());
        answer[36] = 5;
        answer[40..44].copy_from_slice(&4711_i32.to_ne_bytes());
        let found = ProcessFields { started: 1_700_000_000_999_999, state: 5 };
        assert_eq!(status(&answer, 4711), Some(found));
        assert_eq!(status(&answer, 4712), None);
        assert_eq!(status(&answer[..SIZE - 1], 4711), None);
        assert_eq!(status(&[], 4711), None);
    }
}
