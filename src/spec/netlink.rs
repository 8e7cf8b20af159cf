//! The families of netlink(7), by the names of systemd.socket(5).

use std::ffi::OsStr;

use super::ValueError;
use super::value_error::text;

/// The names, each with its number in linux/netlink.h.
const FAMILIES: [(&str, i32); 18] = [
    ("route", 0),
    ("firewall", 3),
    ("inet-diag", 4),
    ("nflog", 5),
    ("xfrm", 6),
    ("selinux", 7),
    ("iscsi", 8),
    ("audit", 9),
    ("fib-lookup", 10),
    ("connector", 11),
    ("netfilter", 12),
    ("ip6-fw", 13),
    ("dnrtmsg", 14),
    ("kobject-uevent", 15),
    ("generic", 16),
    ("scsitransport", 18),
    ("ecryptfs", 19),
    ("rdma", 20),
];

/// The greatest number of a family in the kernel (MAX_LINKS - 1).
const MAX: i32 = 31;

/// Reads `FAMILY [GROUPS]`: the number of the family, and the mask of its multicast groups.
pub(super) fn parse(value: &OsStr) -> Result<(i32, u32), ValueError> {
    let mut words = text(value)?.split_ascii_whitespace();
    let (family, groups, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
    let named = FAMILIES.iter().find(|(name, _)| *name == family).map(|(_, number)| *number);
    let number = named.or_else(|| family.parse().ok().filter(|number| (0..=MAX).contains(number)));
    match (number, groups.unwrap_or("0").parse(), rest) {
        (Some(number), Ok(groups), None) => Ok((number, groups)),
        _ => Err(ValueError::hinted(
            "not a netlink family with its groups",
            "use FAMILY or FAMILY GROUPS, as in 'kobject-uevent 1'",
        )),
    }
}

/// The inverse of [`parse`].
pub(super) fn written(family: i32, groups: u32) -> String {
    let named = FAMILIES.iter().find(|(_, number)| *number == family);
    let family = named.map_or_else(|| family.to_string(), |(name, _)| (*name).to_owned());
    if groups == 0 { family } else { format!("{family} {groups}") }
}
