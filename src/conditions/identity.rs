//! Who starts the service, and what it may do.

use std::ffi::OsStr;

use super::answer::Answer;
use crate::sys::{accounts, identity, machine};

/// The ids of system users end here (nss-systemd(8)).
const LAST_SYSTEM_USER: u32 = 999;

/// A user's name or number, or `@system` for any user that belongs to no person.
pub(super) fn is_user(wanted: &OsStr) -> Answer {
    let own = identity::effective_user();
    let Some(wanted) = wanted.to_str() else { return Answer::No };
    if let Ok(number) = wanted.parse::<u32>() {
        return (number == own).into();
    }
    if wanted == "@system" {
        return (own <= LAST_SYSTEM_USER).into();
    }
    accounts::user(wanted).ok().flatten().is_some_and(|user| user.uid == own).into()
}

/// The name or number of a group that this process has.
pub(super) fn is_in_group(wanted: &OsStr) -> Answer {
    let (Some(wanted), Ok(own)) = (wanted.to_str(), identity::current()) else { return Answer::No };
    let number = wanted.parse().ok().or_else(|| accounts::group(wanted).ok().flatten());
    number.is_some_and(|number| own.gid == number || own.groups.contains(&number)).into()
}

/// A capability that processes started here can have: one of the bounding set.
pub(super) fn has_capability(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str() else { return Answer::Invalid };
    let Some(bit) = capability(wanted) else { return Answer::Invalid };
    let Some(status) = machine::text("/proc/self/status") else { return Answer::Unknown(super::NOT_LINUX) };
    let set = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(u64::MAX);
    (set & bit != 0).into()
}

fn capability(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse::<u32>() {
        return (number <= 62).then(|| 1 << number);
    }
    let name = text.to_ascii_uppercase();
    let known = svcadapt_spec::Capabilities::parse(OsStr::new(&name)).ok()?;
    Some(known.bits()).filter(|bits| bits.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capability_is_read_by_name_and_number() {
        for (text, bit) in [
            ("CAP_CHOWN", Some(1)),
            ("cap_chown", Some(1)),
            ("3", Some(8)),
            ("63", None),
            ("chown", None),
            ("CAP_CHOWN CAP_KILL", None),
            ("~CAP_CHOWN", None),
            ("", None),
        ] {
            assert_eq!(capability(text), bit, "{text}");
        }
    }

    #[test]
    fn own_user_is_recognized_by_number() {
        let own = identity::effective_user();
        assert_eq!(is_user(own.to_string().as_ref()), Answer::Yes);
        assert_eq!(is_user((own + 1).to_string().as_ref()), Answer::No);
        assert_eq!(is_user("no-such-user-here".as_ref()), Answer::No);
        let group = identity::current().unwrap().gid;
        assert_eq!(is_in_group(group.to_string().as_ref()), Answer::Yes);
        assert_eq!(is_in_group("no-such-group-here".as_ref()), Answer::No);
    }
}
