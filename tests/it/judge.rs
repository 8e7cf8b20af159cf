//! What the tests of generated files need: the command, a directory, chance that can be repeated, and judges that
//! are not svcadapt.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// Runs svcadapt to its end.
pub(crate) fn svcadapt<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svcadapt")).args(arguments).output().unwrap()
}

/// Runs svcadapt and takes what it printed; it must have succeeded.
pub(crate) fn printed<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> String {
    let output = svcadapt(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it said on standard error.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What was told to be lost, without the place: `Restart=on-failure: approximated`.
pub(crate) fn lost(told: &str) -> Vec<String> {
    let lines = told.lines().filter_map(|line| line.strip_prefix("svcadapt: "));
    let plain = |line: &str| match line.split_once(": ") {
        Some((place, rest)) if place.starts_with('/') => rest.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(|line| plain(line).splitn(3, ": ").take(2).collect::<Vec<_>>().join(": ")).collect()
}

/// Says loudly that a test was not run, and fails where that must not be.
pub(crate) fn skip(capability: &str, why: &str) {
    let required = std::env::var_os("SVCADAPT_TEST_REQUIRE").unwrap_or_default();
    let required = required.to_string_lossy();
    assert!(!required.split(',').any(|name| name == capability), "{capability} is required, but {why}");
    // Not `eprintln!`, whose text the test runner keeps to itself unless the test fails.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs {capability}: {why}");
}

/// A directory of a test's own that everybody may read.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("svcadapt-judge-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Chance with a seed (SplitMix64), so that what failed once fails again.
pub(crate) struct Chance(pub(crate) u64);

/// Characters that mean something to somebody.
const TRICKY: &str = "\"'\\%$;#=:@-+!|{}()*?[]~^&<>,./ an0xu\té\u{85}\u{2028}😀";

impl Chance {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    /// Text of at most `longest` characters, from the tricky ones and these.
    pub(crate) fn text(&mut self, longest: usize, more: &str) -> String {
        let letters: Vec<char> = TRICKY.chars().chain(more.chars()).collect();
        (0..self.below(longest + 1)).map(|_| letters[self.below(letters.len())]).collect()
    }
}

/// Changes a few bytes: takes some away, puts others in, doubles a part.
pub(crate) fn damage(chance: &mut Chance, bytes: &mut Vec<u8>, letters: &[u8]) {
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(12)).min(bytes.len());
        match chance.below(4) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.insert(at, letters[chance.below(letters.len())]),
            2 => bytes.insert(at, u8::try_from(chance.below(256)).unwrap()),
            _ => {
                let part = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
        }
    }
}

/// Services as systemd itself reads them. `systemd --test` loads units and prints what it made of them; it must not
/// be root.
pub(crate) struct Judgement {
    units: BTreeMap<String, String>,
    /// What it had to say about the files.
    pub(crate) warnings: String,
}

impl Judgement {
    /// Of the services of this name in a folder; none where there is no systemd.
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

    /// Everything about one service.
    pub(crate) fn unit(&self, name: &str) -> &str {
        &self.units[name]
    }

    /// The settings of one service as `NAME: VALUE`, for those of one line.
    pub(crate) fn has(&self, name: &str, setting: &str) -> bool {
        self.unit(name).lines().any(|line| line.trim_start_matches('\t') == setting)
    }

    /// The words of the command as the program would get them.
    pub(crate) fn argv(&self, name: &str) -> Vec<OsString> {
        let line = self
            .unit(name)
            .lines()
            .find_map(|line| line.trim_start_matches('\t').strip_prefix("Command Line: "));
        words(line.unwrap().as_bytes())
    }
}

/// A line of systemd's dump with the members of a set in one order: its own is that of their hashes, and the sign `~`
/// of an inverted set stands at the member that comes first.
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
fn sets_of_systemds_dump_are_the_same_in_any_order() {
    let same = |one: &str, other: &str| as_set(one) == as_set(other);
    assert!(same("SystemCallFilter: ~chown acct bpf:EPERM", "SystemCallFilter: ~bpf:EPERM chown acct"));
    assert!(!same("SystemCallFilter: ~chown acct", "SystemCallFilter: chown acct"));
    assert!(!same("SystemCallFilter: ~chown acct", "SystemCallFilter: ~chown"));
    assert!(same("RestrictAddressFamilies: AF_UNIX AF_INET", "RestrictAddressFamilies: AF_INET AF_UNIX"));
    assert!(!same("Description: b a", "Description: a b"));
}

/// Reads systemd's way to show a command: blanks between words, double quotes, C escapes.
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
