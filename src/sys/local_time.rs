//! The time zone of this machine.

use std::time::{Duration, SystemTime};

/// A day and a time of day, as a clock on the wall has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
}

impl LocalTime {
    /// This time of the clock on the wall (localtime_r(3)). `None` if it has none.
    pub fn of(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let seconds = libc::time_t::try_from(seconds).ok()?;
        // SAFETY: tm consists of numbers and a pointer, for which zeroes are valid.
        let mut broken: libc::tm = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are valid during the call, which keeps neither.
        let done = unsafe { libc::localtime_r(&raw const seconds, &raw mut broken) };
        (!done.is_null()).then_some(Self {
            year: broken.tm_year + 1900,
            month: broken.tm_mon + 1,
            day: broken.tm_mday,
            hour: broken.tm_hour,
            minute: broken.tm_min,
            second: broken.tm_sec,
        })
    }

    /// The moment (mktime(3)), which knows the time zone and summer time. Days beyond the end of a month are in the next.
    pub fn moment(self) -> Option<SystemTime> {
        // SAFETY: as above.
        let mut broken: libc::tm = unsafe { std::mem::zeroed() };
        broken.tm_year = self.year.checked_sub(1900)?;
        broken.tm_mon = self.month - 1;
        broken.tm_mday = self.day;
        (broken.tm_hour, broken.tm_min, broken.tm_sec) = (self.hour, self.minute, self.second);
        broken.tm_isdst = -1;
        // SAFETY: the pointer is valid during the call, which does not keep it.
        let seconds = unsafe { libc::mktime(&raw mut broken) };
        let seconds = u64::try_from(seconds).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_of_a_moment_is_that_moment() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(LocalTime::of(moment).and_then(LocalTime::moment), Some(moment));
    }
}
