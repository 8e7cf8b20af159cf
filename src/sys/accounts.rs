//! Users and groups: who has which number.

use std::io;

use super::platform;

/// One user of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The number of the primary group.
    pub gid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// Looks a user up by name or, where the key is a number, by that (passwd(5)).
pub fn user(key: &str) -> io::Result<Option<User>> {
    platform::user(key)
}

/// Looks a group's number up by its name (group(5)).
pub fn group(name: &str) -> io::Result<Option<u32>> {
    platform::group(name)
}

/// All groups that a user is in, and `gid`, as initgroups(3) would set them.
pub fn groups_of(user: &User, gid: u32) -> io::Result<Vec<u32>> {
    platform::groups_of(user, gid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_number() {
        assert_eq!(user("root").unwrap().unwrap().uid, 0);
        assert_eq!(user("0").unwrap().unwrap().name, "root");
        // Where root has no group of its own name it is wheel.
        assert!(["root", "wheel"].iter().any(|name| group(name).unwrap() == Some(0)));
    }

    #[test]
    fn who_is_not_there_is_not_found() {
        assert_eq!(user("no-such-user-here").unwrap(), None);
        assert_eq!(user("4123456789").unwrap(), None);
        assert_eq!(group("no-such-group-here").unwrap(), None);
    }

    #[test]
    fn the_groups_of_a_user_hold_the_primary_one() {
        let root = user("root").unwrap().unwrap();
        assert!(groups_of(&root, root.gid).unwrap().contains(&0));
    }
}
