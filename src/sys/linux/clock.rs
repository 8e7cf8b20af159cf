//! The clock of start times. In a time namespace `/proc` shows them with an offset (time_namespaces(7)).

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The initial time namespace, without an offset (`PROC_TIME_INIT_INO`, include/linux/proc_ns.h).
const OF_MACHINE: &str = "time:[4026531834]";

/// The offset of this process's namespace in clock ticks. `None` in the initial namespace.
static OFFSET: OnceLock<Option<Offset>> = OnceLock::new();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    ticks: i64,
}

/// Converts a start time from `/proc` to the machine's clock.
pub(super) fn of_machine(shown: u64) -> u64 {
    offset().map_or(shown, |offset| shown.saturating_add_signed(offset.ticks.saturating_neg()))
}

/// Converts a start time of the machine's clock to the one in `/proc`.
pub(super) fn of_namespace(start: u64) -> u64 {
    offset().map_or(start, |offset| start.saturating_add_signed(offset.ticks))
}

/// By how many ticks two readings of one start time may differ: an offset is not a whole number of ticks.
pub(super) fn grain() -> u64 {
    u64::from(offset().is_some())
}

fn offset() -> Option<Offset> {
    *OFFSET.get_or_init(|| {
        let namespace = fs::read_link("/proc/self/ns/time").ok()?;
        if namespace == Path::new(OF_MACHINE) {
            return None;
        }
        // These are the offsets for children. They are also this process's, unless it has just created a namespace for
        // them.
        parse(&fs::read_to_string("/proc/self/timens_offsets").ok()?)
    })
}

/// `boottime SECONDS NANOSECONDS`: nanoseconds are never negative.
fn parse(text: &str) -> Option<Offset> {
    const NANOS_A_TICK: i64 = 10_000_000;
    let numbers = text.lines().find_map(|line| line.strip_prefix("boottime"))?;
    let mut numbers = numbers.split_ascii_whitespace().map(str::parse::<i64>);
    let (seconds, nanos) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let ticks = seconds.saturating_mul(100).saturating_add(nanos / NANOS_A_TICK);
    Some(Offset { ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boottime_offset_is_read_in_ticks() {
        let text = "monotonic           0         0\nboottime       -86400 20000000\n";
        assert_eq!(parse(text), Some(Offset { ticks: -8_639_998 }));
        assert_eq!(parse("monotonic 0 0\n"), None);
    }
}
