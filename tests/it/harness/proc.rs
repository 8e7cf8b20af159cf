//! The state of a process as /proc shows it (proc(5)).
//!
//! The same function reads ourselves (`inspect` reports what it was given) and any other process (a test looks at it
//! from outside), so that both have the same shape and can be compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde_json::{Map, Value, json};

/// Everything about `pid` (a number, or `self`), as JSON. `argv` and `exe` included; times and memory left out.
///
/// An error of kind `NotFound` means that there is no such process; what we may not read is `null`.
pub(crate) fn facts(pid: &str) -> io::Result<Value> {
    let dir = Path::new("/proc").join(pid);
    let stat = fs::read_to_string(dir.join("stat"))?;
    let status = Status(fs::read_to_string(dir.join("status"))?);
    // The name may hold blanks and parentheses, so it ends at the last closing one; then comes field 3.
    let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<i64>().ok());

    Ok(json!({
        "pid": stat.split(' ').next().and_then(|pid| pid.parse::<i64>().ok()),
        "ppid": field(4),
        "pgrp": field(5),
        "sid": field(6),
        "tty_nr": field(7),
        "nice": field(19),
        "start_time": field(22),
        "threads": status.number("Threads"),
        "uid": status.ids("Uid"),
        "gid": status.ids("Gid"),
        "groups": status.numbers("Groups"),
        "umask": status.text("Umask"),
        "no_new_privs": status.number("NoNewPrivs"),
        "seccomp": status.number("Seccomp"),
        "capabilities": {
            "inheritable": status.text("CapInh"),
            "permitted": status.text("CapPrm"),
            "effective": status.text("CapEff"),
            "bounding": status.text("CapBnd"),
            "ambient": status.text("CapAmb"),
        },
        "signals": {
            "blocked": status.signals("SigBlk"),
            "ignored": status.signals("SigIgn"),
            "caught": status.signals("SigCgt"),
        },
        "cwd": link(&dir.join("cwd")),
        "root": link(&dir.join("root")),
        "exe": link(&dir.join("exe")),
        "oom_score_adj": line(&dir.join("oom_score_adj")).and_then(|text| text.parse::<i64>().ok()),
        "limits": limits(&dir.join("limits")),
        "fds": descriptors(&dir),
        "env": fs::read(dir.join("environ")).ok().map(|block| environment(&block)),
        "argv": fs::read(dir.join("cmdline")).ok().map(|block| strings(&block)),
    }))
}

/// The text of `/proc/PID/status`.
struct Status(String);

impl Status {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
    }

    fn numbers(&self, key: &str) -> Option<Vec<u64>> {
        self.text(key)?.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    fn ids(&self, key: &str) -> Option<Value> {
        match self.numbers(key)?.as_slice() {
            [real, effective, saved, ..] => {
                Some(json!({ "real": real, "effective": effective, "saved": saved }))
            }
            _ => None,
        }
    }

    /// The numbers of the signals in a mask; bit 0 is signal 1.
    fn signals(&self, key: &str) -> Option<Vec<u32>> {
        let mask = u64::from_str_radix(self.text(key)?, 16).ok()?;
        Some((1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect())
    }
}

/// `{"Max open files": {"soft": "256", "hard": "1024"}, …}`; the kernel's own names and words, `unlimited` among them.
fn limits(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    let mut limits = Map::new();
    for line in text.lines().skip(1) {
        // Names have blanks in them, but columns have a fixed place: fs/proc/base.c prints "%-25s %-20s %-20s %-10s".
        let (name, values) = line.split_at_checked(26)?;
        let mut values = values.split_ascii_whitespace();
        limits.insert(name.trim().to_owned(), json!({ "soft": values.next()?, "hard": values.next()? }));
    }
    Some(Value::Object(limits))
}

/// `{"0": {"target": "/dev/null", "access": "rdwr", "cloexec": false}, …}`, without the one that is open to read this.
fn descriptors(dir: &Path) -> Option<Value> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir.join("fd")).ok()? {
        numbers.push(entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?);
    }
    numbers.sort_unstable();
    let mut open = Map::new();
    for number in numbers {
        // A number whose link has gone is our own reading of the directory, or was closed meanwhile.
        let Some(target) = link(&dir.join(format!("fd/{number}"))) else { continue };
        let Some(flags) = flags(&dir.join(format!("fdinfo/{number}"))) else { continue };
        let access = match flags & 0o3 {
            0 => "read",
            1 => "write",
            _ => "rdwr",
        };
        open.insert(
            number.to_string(),
            json!({
                "target": target,
                "access": access,
                // The numbers of O_APPEND, O_NONBLOCK and O_CLOEXEC on x86 and on ARM (asm-generic/fcntl.h).
                "append": flags & 0o2000 != 0,
                "nonblock": flags & 0o4000 != 0,
                "cloexec": flags & 0o2_000_000 != 0,
            }),
        );
    }
    Some(Value::Object(open))
}

fn flags(fdinfo: &Path) -> Option<u32> {
    let text = fs::read_to_string(fdinfo).ok()?;
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(flags.trim(), 8).ok()
}

/// Sorted by name. The last of two with the same name wins here, and the block itself keeps both.
fn environment(block: &[u8]) -> BTreeMap<String, String> {
    strings(block)
        .into_iter()
        .filter_map(|entry| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect()
}

fn strings(block: &[u8]) -> Vec<String> {
    let Some(block) = block.strip_suffix(b"\0") else { return Vec::new() };
    block.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

fn link(path: &Path) -> Option<String> {
    fs::read_link(path).ok().map(|target| target.to_string_lossy().into_owned())
}

fn line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned())
}
