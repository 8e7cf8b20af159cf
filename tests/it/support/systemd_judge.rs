//! systemd's own reading of a unit: `systemd --test`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::Folder;
use crate::harness::skip;

/// Services as systemd itself reads them. `systemd --test` loads units and prints the result; it must not run as root.
pub(crate) struct Judgement {
    units: BTreeMap<String, String>,
    /// Its warnings about the files.
    pub(crate) warnings: String,
}

impl Judgement {
    /// Reads these services of a folder; `None` without systemd.
    pub(crate) fn of(folder: &Folder, services: &[String]) -> Option<Self> {
        const SYSTEMD: &str = "/lib/systemd/systemd";
        if !Path::new(SYSTEMD).exists() {
            skip("systemd-test", "there is no /lib/systemd/systemd");
            return None;
        }
        for target in ["sysinit.target", "basic.target", "shutdown.target", "multi-user.target"] {
            folder.write(target, "[Unit]\nDescription=stands in\n");
        }
        let wanted: String = services.iter().flat_map(|name| ["Wants=", name, "\n"]).collect();
        folder.write("judged.target", &format!("[Unit]\nDescription=all\n{wanted}"));
        let mut command = Command::new("timeout");
        command
            .args(["60", SYSTEMD, "--test", "--system", "--unit=judged.target"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("SYSTEMD_UNIT_PATH", folder.path());
        if nix::unistd::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        let output = command.output().unwrap();
        let (dump, warnings) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut units = BTreeMap::new();
        for part in dump.split("\t-> Unit ").skip(1) {
            let (name, body) = part.split_once(":\n").unwrap();
            units.insert(name.to_owned(), body.to_owned());
        }
        if units.is_empty() {
            skip("systemd-test", &format!("systemd --test does not work here: {warnings}"));
            return None;
        }
        let folder = folder.path().display().to_string();
        let ours = warnings
            .lines()
            .filter(|line| line.contains(&folder))
            .fold(String::new(), |all, line| all + line + "\n");
        Some(Self { units, warnings: ours })
    }

    /// The dump of one service.
    pub(crate) fn unit(&self, name: &str) -> &str {
        &self.units[name]
    }

    /// Whether the dump of a service has this one-line setting, `NAME: VALUE`.
    pub(crate) fn has(&self, name: &str, setting: &str) -> bool {
        self.unit(name).lines().any(|line| line.trim_start_matches('\t') == setting)
    }

    /// The arguments of the command as the program gets them.
    pub(crate) fn argv(&self, name: &str) -> Vec<OsString> {
        let line = self
            .unit(name)
            .lines()
            .find_map(|line| line.trim_start_matches('\t').strip_prefix("Command Line: "));
        words(line.unwrap().as_bytes())
    }
}

/// A line of systemd's dump with the members of a set sorted: systemd prints them in hash order, and puts the `~` of an
/// inverted set before the first one.
pub(crate) fn as_set(line: &str) -> String {
    const SETS: [&str; 4] =
        ["SystemCallFilter:", "SystemCallArchitectures:", "RestrictAddressFamilies:", "RestrictFileSystems:"];
    let Some(name) = SETS.iter().find(|name| line.starts_with(*name)) else { return line.to_owned() };
    let members = line[name.len()..].trim_start();
    let (inverted, members) = members.strip_prefix('~').map_or(("", members), |rest| ("~", rest));
    let mut members: Vec<_> = members.split(' ').collect();
    members.sort_unstable();
    format!("{name} {inverted}{}", members.join(" "))
}

#[test]
fn sets_of_a_systemd_dump_compare_in_any_order() {
    let same = |one: &str, other: &str| as_set(one) == as_set(other);
    assert!(same("SystemCallFilter: ~chown acct bpf:EPERM", "SystemCallFilter: ~bpf:EPERM chown acct"));
    assert!(!same("SystemCallFilter: ~chown acct", "SystemCallFilter: chown acct"));
    assert!(!same("SystemCallFilter: ~chown acct", "SystemCallFilter: ~chown"));
    assert!(same("RestrictAddressFamilies: AF_UNIX AF_INET", "RestrictAddressFamilies: AF_INET AF_UNIX"));
    assert!(!same("Description: b a", "Description: a b"));
}

/// Parses systemd's output of a command: blanks between words, double quotes, C escapes.
fn words(line: &[u8]) -> Vec<OsString> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<Vec<u8>>, false);
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
                continue;
            }
            b' ' if !quoted => {
                words.extend(word.take());
                continue;
            }
            b'\\' if quoted => match bytes.next().unwrap() {
                b'a' => 7,
                b'b' => 8,
                b't' => 9,
                b'n' => 10,
                b'v' => 11,
                b'f' => 12,
                b'r' => 13,
                digit @ b'0'..=b'3' => {
                    let rest = [bytes.next().unwrap(), bytes.next().unwrap()];
                    (digit - b'0') * 64 + (rest[0] - b'0') * 8 + (rest[1] - b'0')
                }
                other => other,
            },
            other => other,
        };
        word.get_or_insert_default().push(decoded);
    }
    words.extend(word.take());
    words.into_iter().map(OsString::from_vec).collect()
}
