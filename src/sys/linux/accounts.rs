//! Users and groups on Linux. The files are read directly, and getent(1) is executed for all others, so that a static
//! binary finds the users of a directory service and no NSS module is loaded into this process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use super::super::accounts::User;
use super::super::command_output;

/// The timeout after which a directory service counts as down.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn user(key: &str) -> io::Result<Option<User>> {
    // Only digits are an id; `+0` is treated as a name.
    let number = if key.bytes().all(|byte| byte.is_ascii_digit()) { key.parse::<u32>().ok() } else { None };
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

pub(crate) fn is_group(gid: u32) -> io::Result<bool> {
    let gid = gid.to_string();
    let found = lookup("/etc/group", "group", &gid, |line| {
        (line.split(':').nth(2) == Some(gid.as_str())).then_some(())
    });
    Ok(found?.is_some())
}

pub(crate) fn groups_of(user: &User, gid: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![gid];
    for line in records(&text("/etc/group")?) {
        let mut fields = line.split(':');
        let (Some(gid), Some(members)) = (fields.nth(2), fields.next()) else { continue };
        if let (Ok(gid), true) = (gid.parse(), members.split(',').any(|member| member == user.name)) {
            groups.push(gid);
        }
    }
    let knows = |source: String| source != "systemd" || userdb_has_members();
    if sources(&["initgroups", "group"]).into_iter().any(knows) {
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
    if let Some(found) = records(&text(file)?).find_map(&pick) {
        return Ok(Some(found));
    }
    if !sources(&[database]).is_empty() {
        return Ok(getent(database, key)?.iter().find_map(|line| pick(line)));
    }
    Ok(None)
}

/// The content of a file. Empty if it does not exist.
fn text(file: &str) -> io::Result<String> {
    match fs::read(file) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The lines that are records, without comments and NIS entries.
fn records(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '+', '-']))
}

/// The sources of these databases in nsswitch.conf(5), except `files`, which is read directly.
fn sources(databases: &[&str]) -> Vec<String> {
    let text = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let lines = lines.filter(|(name, _)| databases.contains(&name.trim()));
    let words = lines.flat_map(|(_, sources)| {
        sources.split('#').next().unwrap_or_default().split_ascii_whitespace().map(str::to_owned)
    });
    words.filter(|word| !word.starts_with('[') && !word.ends_with(']') && word != "files").collect()
}

/// Whether nss-systemd(8) may know a group of a user that is not in the files: from drop-in records in these
/// directories (userdb, nss-systemd(8)), or from services in `/run/systemd/userdb`. The service that every systemd runs
/// only reports dynamic users, which have no other groups.
fn userdb_has_members() -> bool {
    let holds = |directory: &str, but: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name() != but)
    };
    ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/lib/userdb"]
        .into_iter()
        .any(|one| holds(one, ""))
        || holds("/run/systemd/userdb", "io.systemd.DynamicUser")
}

/// Executes getent(1), by absolute path: `PATH` is not trusted.
fn getent(database: &str, key: &str) -> io::Result<Vec<String>> {
    let Some(program) = ["/usr/bin/getent", "/bin/getent"].into_iter().find(|path| Path::new(path).exists())
    else {
        return Ok(Vec::new());
    };
    let answer = command_output::output_within(
        Command::new(program).args(["--", database, key]).env_clear(),
        TIMEOUT,
    )?;
    Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
}
