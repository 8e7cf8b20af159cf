//! Ends of a process: `SuccessExitStatus=`, `RestartPreventExitStatus=` and `RestartForceExitStatus=`
//! (systemd.service(5)).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;

use super::value_error::text;
use super::{SignalName, ValueError};

/// A set of exit statuses and signals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExitStatusSet {
    /// Exit statuses.
    pub statuses: BTreeSet<u8>,
    /// Signals that end a process.
    pub signals: BTreeSet<SignalName>,
}

/// systemd's names of exit statuses (systemd.exec(5), "Process Exit Codes"; `systemd-analyze exit-status`).
const NAMES: [(&str, u8); 67] = [
    ("SUCCESS", 0),
    ("FAILURE", 1),
    ("INVALIDARGUMENT", 2),
    ("NOTIMPLEMENTED", 3),
    ("NOPERMISSION", 4),
    ("NOTINSTALLED", 5),
    ("NOTCONFIGURED", 6),
    ("NOTRUNNING", 7),
    ("USAGE", 64),
    ("DATAERR", 65),
    ("NOINPUT", 66),
    ("NOUSER", 67),
    ("NOHOST", 68),
    ("UNAVAILABLE", 69),
    ("SOFTWARE", 70),
    ("OSERR", 71),
    ("OSFILE", 72),
    ("CANTCREAT", 73),
    ("IOERR", 74),
    ("TEMPFAIL", 75),
    ("PROTOCOL", 76),
    ("NOPERM", 77),
    ("CONFIG", 78),
    ("CHDIR", 200),
    ("NICE", 201),
    ("FDS", 202),
    ("EXEC", 203),
    ("MEMORY", 204),
    ("LIMITS", 205),
    ("OOM_ADJUST", 206),
    ("SIGNAL_MASK", 207),
    ("STDIN", 208),
    ("STDOUT", 209),
    ("CHROOT", 210),
    ("IOPRIO", 211),
    ("TIMERSLACK", 212),
    ("SECUREBITS", 213),
    ("SETSCHEDULER", 214),
    ("CPUAFFINITY", 215),
    ("GROUP", 216),
    ("USER", 217),
    ("CAPABILITIES", 218),
    ("CGROUP", 219),
    ("SETSID", 220),
    ("CONFIRM", 221),
    ("STDERR", 222),
    ("PAM", 224),
    ("NETWORK", 225),
    ("NAMESPACE", 226),
    ("NO_NEW_PRIVILEGES", 227),
    ("SECCOMP", 228),
    ("SELINUX_CONTEXT", 229),
    ("PERSONALITY", 230),
    ("APPARMOR", 231),
    ("ADDRESS_FAMILIES", 232),
    ("RUNTIME_DIRECTORY", 233),
    ("CHOWN", 235),
    ("SMACK_PROCESS_LABEL", 236),
    ("KEYRING", 237),
    ("STATE_DIRECTORY", 238),
    ("CACHE_DIRECTORY", 239),
    ("LOGS_DIRECTORY", 240),
    ("CONFIGURATION_DIRECTORY", 241),
    ("NUMA_POLICY", 242),
    ("CREDENTIALS", 243),
    ("BPF", 244),
    ("EXCEPTION", 255),
];

/// One end.
enum End {
    Status(u8),
    Signal(SignalName),
}

impl ExitStatusSet {
    /// Whether it contains no end.
    #[doc(hidden)]
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty() && self.signals.is_empty()
    }

    /// Reads statuses and signals, separated by blanks: `1 TEMPFAIL SIGTERM`.
    #[doc(hidden)]
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let mut set = Self::default();
        for word in text(value)?.split_ascii_whitespace() {
            match end(word)? {
                End::Status(status) => set.statuses.insert(status),
                End::Signal(signal) => set.signals.insert(signal),
            };
        }
        Ok(set)
    }

    /// The union of sets.
    pub(super) fn union(sets: Vec<Self>) -> Self {
        let mut all = Self::default();
        for set in sets {
            all.statuses.extend(set.statuses);
            all.signals.extend(set.signals);
        }
        all
    }
}

/// Reads one end. A number is always a status.
fn end(word: &str) -> Result<End, ValueError> {
    let named = NAMES.iter().find(|(name, _)| *name == word).map(|(_, status)| *status);
    let numbered = || word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(status) = named.or_else(numbered) {
        return Ok(End::Status(status));
    }
    if !word.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(signal) = SignalName::parse(OsStr::new(word))
    {
        return Ok(End::Signal(signal));
    }
    Err(ValueError::hinted(
        "neither an exit status nor a signal",
        "write 0 to 255, a name of systemd-analyze exit-status, or a signal as SIGTERM",
    ))
}

impl fmt::Display for ExitStatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = self.statuses.iter().map(ToString::to_string);
        let signals = self.signals.iter().map(ToString::to_string);
        f.write_str(&statuses.chain(signals).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        ExitStatusSet::parse(OsStr::new(value)).ok().map(|set| set.to_string())
    }

    #[test]
    fn statuses_and_signals_are_read_in_every_notation() {
        assert_eq!(
            read("TEMPFAIL 1 TERM SIGKILL 255 15 NUMA_POLICY").as_deref(),
            Some("1 15 75 242 255 SIGKILL SIGTERM")
        );
        assert_eq!(read("RTMIN+3").as_deref(), Some("SIGRTMIN+3"));
        assert_eq!(read("").as_deref(), Some(""));
        assert_eq!(read(&read("1 SIGHUP 2").unwrap()).as_deref(), Some("1 2 SIGHUP"));
    }

    #[test]
    fn word_that_is_no_end_is_refused() {
        for value in ["256", "-1", "+1", "EX_USAGE", "usage", "SIGFOO", "1,2"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn each_name_has_one_status() {
        let statuses: BTreeSet<u8> = NAMES.iter().map(|(_, status)| *status).collect();
        let names: BTreeSet<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        assert_eq!((statuses.len(), names.len()), (NAMES.len(), NAMES.len()));
    }
}
