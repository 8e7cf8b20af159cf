//! Users and groups from the C library: on these systems it is never static, and knows every directory service.

use std::io;

use nix::unistd::{Gid, Group, Uid, User as Entry};

use super::super::accounts::User;

pub(crate) fn user(key: &str) -> io::Result<Option<User>> {
    let found = match key.parse() {
        Ok(number) => Entry::from_uid(Uid::from_raw(number))?,
        Err(_) => Entry::from_name(key)?,
    };
    Ok(found.map(|entry| User {
        uid: entry.uid.as_raw(),
        gid: entry.gid.as_raw(),
        home: entry.dir.to_string_lossy().into_owned(),
        shell: entry.shell.to_string_lossy().into_owned(),
        name: entry.name,
    }))
}

pub(crate) fn is_group(gid: u32) -> io::Result<bool> {
    Ok(Group::from_gid(Gid::from_raw(gid))?.is_some())
}

pub(crate) fn group(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}
