//! The user and group databases.

use std::io;

use super::platform;

/// A user account (passwd(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The primary group id.
    pub gid: u32,
    /// The home directory.
    pub home: String,
    /// The login shell.
    pub shell: String,
}

/// Looks up a user by name or, if the key is a number, by id (passwd(5)).
pub fn user(key: &str) -> io::Result<Option<User>> {
    platform::user(key)
}

/// Looks up a group id by name (group(5)).
pub fn group(name: &str) -> io::Result<Option<u32>> {
    platform::group(name)
}

/// Whether a group has this id (group(5)).
pub fn is_group(gid: u32) -> io::Result<bool> {
    platform::is_group(gid)
}

/// All groups of a user, and `gid`, as initgroups(3) would set them.
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
        // On systems without a group `root` it is `wheel`.
        assert!(["root", "wheel"].iter().any(|name| group(name).unwrap() == Some(0)));
    }

    #[test]
    fn unknown_user_or_group_is_not_found() {
        assert_eq!(user("no-such-user-here").unwrap(), None);
        assert_eq!(user("4123456789").unwrap(), None);
        assert_eq!(group("no-such-group-here").unwrap(), None);
    }

    #[test]
    fn groups_of_a_user_include_the_primary_group() {
        let root = user("root").unwrap().unwrap();
        assert!(groups_of(&root, root.gid).unwrap().contains(&0));
    }
}
