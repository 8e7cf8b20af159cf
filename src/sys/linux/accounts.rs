//! Users and groups, the Linux way: the files are read here, and getent(1) is asked for everybody else, so that a
//! static binary finds the users of a directory service too and no NSS module is ever loaded into this process.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::accounts::User;
use super::super::bounded;

/// A directory service that does not answer in this time counts as down.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn user(key: &str) -> io::Result<Option<User>> {
    let number = key.parse::<u32>().ok();
    lookup("/etc/passwd", "passwd", key, |line| {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let (_, home, shell) = (fields.next()?, fields.next()?, fields.next()?);
        let uid = uid.parse().ok()?;
        (number.map_or(name == key, |number| number == uid)).then(|| User {
            name: name.to_owned(),
            uid,
            gid: gid.parse().unwrap_or(uid),
            home: home.to_owned(),
            shell: shell.to_owned(),
        })
    })
}

pub(crate) fn group(name: &str) -> io::Result<Option<u32>> {
    lookup("/etc/group", "group", name, |line| {
        let mut fields = line.split(':');
        let (found, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
        (found == name).then(|| gid.parse().ok())?
    })
}

pub(crate) fn groups_of(user: &User, gid: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![gid];
    for line in lines("/etc/group")? {
        let mut fields = line.split(':');
        let (Some(gid), Some(members)) = (fields.nth(2), fields.next()) else { continue };
        if let (Ok(gid), true) = (gid.parse(), members.split(',').any(|member| member == user.name)) {
            groups.push(gid);
        }
    }
    if beyond_files("initgroups") || beyond_files("group") {
        for line in getent("initgroups", &user.name)? {
            groups.extend(line.split_ascii_whitespace().skip(1).filter_map(|gid| gid.parse::<u32>().ok()));
        }
    }
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

fn lookup<T>(
    file: &str,
    database: &str,
    key: &str,
    pick: impl Fn(&str) -> Option<T>,
) -> io::Result<Option<T>> {
    if let Some(found) = lines(file)?.iter().find_map(|line| pick(line)) {
        return Ok(Some(found));
    }
    if beyond_files(database) {
        return Ok(getent(database, key)?.iter().find_map(|line| pick(line)));
    }
    Ok(None)
}

/// The lines of a file that are records. A file that is not there has none.
fn lines(file: &str) -> io::Result<Vec<String>> {
    match fs::read(file) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let record = |line: &&str| !line.is_empty() && !line.starts_with(['#', '+', '-']);
            Ok(text.lines().filter(record).map(str::to_owned).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether nsswitch.conf(5) names a source for this database beyond the files that are read here.
fn beyond_files(database: &str) -> bool {
    let text = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    text.lines().filter_map(|line| line.split_once(':')).any(|(name, sources)| {
        name.trim() == database
            && sources
                .split('#')
                .next()
                .unwrap_or_default()
                .split_ascii_whitespace()
                .any(|source| !source.starts_with('[') && !source.ends_with(']') && source != "files")
    })
}

/// Asks getent(1). It is found at its fixed places, never through a `PATH` that somebody else has set.
fn getent(database: &str, key: &str) -> io::Result<Vec<String>> {
    let Some(program) = ["/usr/bin/getent", "/bin/getent"].into_iter().find(|path| Path::new(path).exists())
    else {
        return Ok(Vec::new());
    };
    let answer = bounded::output(Command::new(program).args(["--", database, key]).env_clear(), PATIENCE)?;
    Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
}
