//! Names of users and groups, from `/etc/passwd` and `/etc/group`.
//!
//! Deliberately not by getpwnam(3): an audit shall neither query a directory service nor load NSS modules.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// The maximal length of a line; longer lines are cut.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// The entries of `/etc/passwd` and `/etc/group` for one process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Accounts {
    /// The user of the process, if it has an entry.
    pub(crate) user: Option<KnownUser>,
    /// The names of all groups, by gid.
    pub(crate) group_names: BTreeMap<u32, String>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownUser {
    /// The name.
    pub(crate) name: String,
    /// The primary group.
    pub(crate) gid: u32,
    /// The groups of which the user is a member, including the primary one.
    pub(crate) member_of: Vec<u32>,
}

impl Accounts {
    /// The entries for the user `uid`; `None` if the files cannot be read.
    pub(crate) fn of_user(uid: u32) -> Option<Self> {
        let passwd = File::open("/etc/passwd").ok()?;
        let group = File::open("/etc/group").ok()?;
        Some(Self::parse(uid, passwd, group))
    }

    /// The group for a message: `adm (4)`, or only the number if it has no name.
    pub(crate) fn group_name(&self, gid: u32) -> String {
        self.group_names.get(&gid).map_or_else(|| gid.to_string(), |name| format!("{name} ({gid})"))
    }

    fn parse(uid: u32, passwd: impl Read, group: impl Read) -> Self {
        let mut user = None;
        for_each_line(passwd, |fields| {
            if let [name, _, number, gid, ..] = fields[..]
                && user.is_none()
                && number.parse() == Ok(uid)
                && let Ok(gid) = gid.parse()
            {
                user = Some(KnownUser { name: name.to_owned(), gid, member_of: vec![gid] });
            }
        });
        let mut group_names = BTreeMap::new();
        for_each_line(group, |fields| {
            let [name, _, gid, members] = fields[..] else { return };
            let Ok(gid) = gid.parse() else { return };
            group_names.entry(gid).or_insert_with(|| name.to_owned());
            if let Some(user) = &mut user
                && members.split(',').any(|member| member == user.name)
                && !user.member_of.contains(&gid)
            {
                user.member_of.push(gid);
            }
        });
        Self { user, group_names }
    }
}

/// Calls `visit` with the fields of each line. Stops at a read error.
fn for_each_line(file: impl Read, mut visit: impl FnMut(Vec<&str>)) {
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    while let Ok(1..) = file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
        visit(String::from_utf8_lossy(&line).trim_end().split(':').collect());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbroken\nwww:x:33:33:www:/var/www:/bin/false\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:syslog,www\nssl:x:103:www2\nwww:x:33:\nshadow:x:42:www\n";

    #[test]
    fn groups_of_a_user_are_found() {
        let accounts = Accounts::parse(33, PASSWD.as_bytes(), GROUP.as_bytes());
        let user = accounts.user.as_ref().unwrap();
        assert_eq!((user.name.as_str(), user.gid, &user.member_of[..]), ("www", 33, &[33, 4, 42][..]));
        assert_eq!((accounts.group_name(4), accounts.group_name(5)), ("adm (4)".to_owned(), "5".to_owned()));
    }

    #[test]
    fn user_without_an_entry_is_not_found() {
        assert_eq!(Accounts::parse(34, PASSWD.as_bytes(), GROUP.as_bytes()).user, None);
    }
}
