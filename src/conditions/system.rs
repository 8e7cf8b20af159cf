//! Which system this is: its name, kernel, processor, release and firmware.

use std::ffi::OsStr;
use std::path::Path;

use super::answer::Answer;
use super::compare::Operator;
use super::{compare, words};
use crate::sys::pattern::Case;
use crate::sys::{machine, pattern};

/// A pattern of the host name, or the machine's id (machine-id(5)).
pub(super) fn is_host(wanted: &OsStr) -> Answer {
    if let Some(id) = wanted.to_str().and_then(machine_id) {
        let own = machine::text("/etc/machine-id").and_then(|own| machine_id(own.trim()));
        return own.map_or(Answer::Invalid, |own| (own == id).into());
    }
    machine::host_name().is_ok_and(|name| pattern::matches(wanted, &name, Case::Ignored)).into()
}

/// 32 hexadecimal digits, plain or as a UUID.
fn machine_id(text: &str) -> Option<u128> {
    let is_uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text.as_bytes()[at] == b'-');
    let digits = if is_uuid { text.replace('-', "") } else { text.to_owned() };
    let valid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// systemd's name of an architecture, or `native`: the one that svcadapt was built for.
pub(super) fn is_architecture(wanted: &OsStr) -> Answer {
    let Ok(kernel) = machine::kernel() else { return Answer::Invalid };
    let running = architecture(&kernel.machine);
    match wanted.to_str() {
        Some("native") => (running == architecture(machine::own_processor())).into(),
        Some(wanted) => (running == Some(wanted)).into(),
        None => Answer::No,
    }
}

/// systemd's name of what uname(2) calls a processor.
fn architecture(machine: &str) -> Option<&'static str> {
    const NAMES: [(&str, &[&str]); 17] = [
        ("x86-64", &["x86_64", "amd64"]),
        ("x86", &["i686", "i586", "i486", "i386"]),
        ("arm64", &["aarch64", "arm64"]),
        ("arm64-be", &["aarch64_be"]),
        ("arm", &["armv8l", "armv7l", "armv6l", "armv5tel", "armv5tejl", "armv4tl", "armv4l", "arm"]),
        ("arm-be", &["armv8b", "armv7b", "armv6b", "armv5teb", "armv4b"]),
        ("ppc64-le", &["ppc64le"]),
        ("ppc64", &["ppc64"]),
        ("ppc-le", &["ppcle"]),
        ("ppc", &["ppc"]),
        ("s390x", &["s390x"]),
        ("s390", &["s390"]),
        ("riscv64", &["riscv64"]),
        ("riscv32", &["riscv32"]),
        ("loongarch64", &["loongarch64"]),
        ("mips64", &["mips64"]),
        ("mips", &["mips"]),
    ];
    NAMES.iter().find(|(_, machines)| machines.contains(&machine)).map(|&(name, _)| name)
}

/// Comparisons with the release of the kernel; a word without an operator is a pattern.
pub(super) fn is_kernel_version(wanted: &OsStr) -> Answer {
    match (wanted.to_str(), machine::kernel()) {
        (Some(wanted), Ok(kernel)) => Answer::of(has_version(&kernel.release, wanted)),
        _ => Answer::Invalid,
    }
}

/// The same after the word `kernel` or none. Of the others only systemd knows its own version.
pub(super) fn is_version(wanted: &OsStr) -> Answer {
    let Some(text) = wanted.to_str() else { return Answer::Invalid };
    let end = text.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(text.len());
    match &text[..end] {
        "systemd" => Answer::Unknown("only systemd has its version"),
        "glibc" => Answer::Unknown("the version of the C library is not known"),
        "kernel" => is_kernel_version(OsStr::new(text[end..].trim_start())),
        _ => is_kernel_version(wanted),
    }
}

fn has_version(release: &str, wanted: &str) -> Option<bool> {
    let mut words = words::split(wanted)?.into_iter();
    let mut first = true;
    while let Some(word) = words.next() {
        let word = word.trim();
        let holds = match Operator::split(word) {
            None => Operator::Matches.holds(release, word),
            Some((operator, value)) if !value.trim().is_empty() => operator.holds(release, value.trim()),
            // Only the first operator may be a word of its own.
            Some((operator, _)) if first => operator.holds(release, &words.next()?),
            Some(_) => return None,
        };
        if !holds {
            return Some(false);
        }
        first = false;
    }
    Some(true)
}

/// Comparisons with fields of os-release(5).
pub(super) fn is_os_release(wanted: &OsStr) -> Answer {
    let text = machine::text("/etc/os-release").or_else(|| machine::text("/usr/lib/os-release"));
    match (wanted.to_str(), text) {
        (_, None) => Answer::Unknown("there is no os-release(5) file"),
        (None, _) => Answer::Invalid,
        (Some(wanted), Some(text)) => Answer::of(has_fields(&text, wanted)),
    }
}

fn has_fields(text: &str, wanted: &str) -> Option<bool> {
    for word in words::split(wanted)? {
        let name = &word[..word.find(['!', '<', '=', '>', '$'])?];
        let (operator, value) = Operator::split(&word[name.len()..])?;
        if name.is_empty() || value.is_empty() {
            return None;
        }
        let mut lines = text.lines().filter_map(|line| line.trim().split_once('='));
        let found = lines.rfind(|(known, _)| *known == name);
        let found = found.and_then(|(_, value)| words::split(value)?.into_iter().next()).unwrap_or_default();
        if !operator.holds(&found, value) {
            return Some(false);
        }
    }
    Some(true)
}

/// `uefi`, `device-tree`, `device-tree-compatible(VALUE)` or `smbios-field(FIELD OPERATOR VALUE)`.
pub(super) fn is_firmware(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str() else { return Answer::Invalid };
    if !Path::new("/sys").join("kernel").exists() {
        return Answer::Unknown(super::NOT_LINUX);
    }
    let argument = |name: &str| wanted.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let tree = "/sys/firmware/devicetree/base";
    if let Some(value) = argument("device-tree-compatible") {
        let found = machine::text(format!("{tree}/compatible")).unwrap_or_default();
        return found.split('\0').any(|one| one == value && !one.is_empty()).into();
    }
    if let Some(field) = argument("smbios-field") {
        return Answer::of(has_smbios_field(field));
    }
    match wanted {
        "uefi" => Path::new("/sys/firmware/efi").exists().into(),
        "device-tree" => Path::new(tree).exists().into(),
        _ => Answer::No,
    }
}

fn has_smbios_field(wanted: &str) -> Option<bool> {
    let at = wanted.find(['!', '<', '=', '>', '$'])?;
    let (name, rest) = (wanted[..at].trim(), &wanted[at..]);
    let (operator, value) = Operator::split(rest)?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    let value = words::split(value)?.into_iter().next()?;
    let Some(found) = machine::text(format!("/sys/class/dmi/id/{name}")) else { return Some(false) };
    Some(operator.holds(found.trim_end(), &value))
}

/// Whether a number of processors is on line and allowed to this process.
pub(super) fn has_processors(wanted: &OsStr) -> Answer {
    let allowed = machine::text("/proc/self/status").and_then(|status| {
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        count(list.trim())
    });
    match (allowed.or_else(machine::processors), wanted.to_str()) {
        (Some(found), Some(wanted)) => Answer::of(compare::number(found, wanted, |value| value.parse().ok())),
        _ => Answer::Invalid,
    }
}

/// How many numbers a list like `0-3,8` has.
fn count(list: &str) -> Option<u64> {
    let mut all = 0_u64;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        all = all.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_id_is_read_in_both_forms() {
        let id = machine_id("0123456789abcdef0123456789ABCDEF");
        assert!(id.is_some());
        assert_eq!(machine_id("01234567-89ab-cdef-0123-456789abcdef"), id);
        for text in ["", "web", "0123456789abcdef0123456789abcde", "+123456789abcdef0123456789abcdef"] {
            assert_eq!(machine_id(text), None, "{text}");
        }
    }

    #[test]
    fn kernel_version_is_compared_word_by_word() {
        for (wanted, expected) in [
            ("6.*", Some(true)),
            ("5.*", Some(false)),
            (">=6.1 <7", Some(true)),
            (">= 6.1", Some(true)),
            (">= 6.1 < 7", None),
            ("> 5 6.*", Some(true)),
            (">7 x", Some(false)),
            (">", None),
            ("=6.18.4", Some(true)),
            ("=6.018.4", Some(false)),
            ("==6.018.4", Some(true)),
            ("", Some(true)),
        ] {
            assert_eq!(has_version("6.18.4", wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn fields_of_os_release_are_compared() {
        let text = "ID=debian\nVERSION_ID=\"12\"\n# ID=x\n";
        for (wanted, expected) in [
            ("ID=debian", Some(true)),
            ("ID=debian VERSION_ID>=11", Some(true)),
            ("VERSION_ID<9", Some(false)),
            ("ID$=deb*", Some(true)),
            ("ID!$=deb*", Some(false)),
            ("NOPE!=x", Some(true)),
            ("ID", None),
            ("ID=", None),
            ("=x", None),
        ] {
            assert_eq!(has_fields(text, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn list_of_processors_is_counted() {
        for (list, expected) in [("0", Some(1)), ("0-3,8", Some(5)), ("", None), ("3-1", None)] {
            assert_eq!(count(list), expected, "{list}");
        }
    }
}
