//! What the machine has: memory, features of its processor, power, and how busy it is.

use std::ffi::OsStr;
use std::fs;

use super::answer::Answer;
use super::{compare, words};
use crate::sys::machine;

/// A comparison with the memory that this system may use.
pub(super) fn has_memory(wanted: &OsStr) -> Answer {
    let limit = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limit.into_iter().find_map(|path| machine::text(path)?.trim().parse().ok());
    match (machine::memory(), wanted.to_str()) {
        (Some(found), Some(wanted)) => {
            Answer::of(compare::number(found.min(limit.unwrap_or(u64::MAX)), wanted, words::size))
        }
        _ => Answer::Invalid,
    }
}

/// A feature of an x86 processor. Others have none of them.
pub(super) fn has_processor_feature(wanted: &OsStr) -> Answer {
    let wanted = wanted.to_str().unwrap_or_default().to_ascii_lowercase();
    match machine::text("/proc/cpuinfo") {
        None => Answer::Unknown(super::NOT_LINUX),
        Some(text) => is_feature(&text, &wanted).into(),
    }
}

/// `text` is `/proc/cpuinfo`, which has other names for two of systemd's.
fn is_feature(text: &str, wanted: &str) -> bool {
    const KNOWN: [&str; 51] = [
        "fpu",
        "vme",
        "de",
        "pse",
        "tsc",
        "msr",
        "pae",
        "mce",
        "cx8",
        "apic",
        "sep",
        "mtrr",
        "pge",
        "mca",
        "cmov",
        "pat",
        "pse36",
        "clflush",
        "mmx",
        "fxsr",
        "sse",
        "sse2",
        "ht",
        "pni",
        "pclmul",
        "monitor",
        "ssse3",
        "fma3",
        "cx16",
        "sse4_1",
        "sse4_2",
        "movbe",
        "popcnt",
        "aes",
        "xsave",
        "osxsave",
        "avx",
        "f16c",
        "rdrand",
        "bmi1",
        "avx2",
        "bmi2",
        "rdseed",
        "adx",
        "sha_ni",
        "syscall",
        "rdtscp",
        "lm",
        "lahf_lm",
        "abm",
        "constant_tsc",
    ];
    let name = match wanted {
        "fma3" => "fma",
        "osxsave" => "xsave",
        "pclmul" => "pclmulqdq",
        other => other,
    };
    let flags = text.lines().find_map(|line| line.strip_prefix("flags")?.split_once(':'));
    KNOWN.contains(&wanted) && flags.is_some_and(|(_, flags)| flags.split(' ').any(|flag| flag == name))
}

/// Whether the machine runs on mains power.
pub(super) fn has_mains(wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str().and_then(words::boolean) else { return Answer::Invalid };
    let Ok(supplies) = fs::read_dir("/sys/class/power_supply") else {
        // A Linux without the class has no battery.
        let linux = machine::text("/proc/self/status").is_some();
        return if linux { wanted.into() } else { Answer::Unknown(super::NOT_LINUX) };
    };
    let (mut online, mut discharging) = (false, false);
    for supply in supplies.flatten() {
        let read = |name: &str| machine::text(supply.path().join(name)).unwrap_or_default().trim().to_owned();
        match (read("type").as_str(), read("scope").as_str()) {
            // The battery of a mouse.
            (_, "Device") => {}
            ("Mains" | "USB", _) => online |= read("online") == "1",
            ("Battery", _) => discharging |= read("status") == "Discharging",
            _ => {}
        }
    }
    ((online || !discharging) == wanted).into()
}

/// A limit of the pressure on this system (`/proc/pressure`): `10%`, `10%/1min`. That of a slice only systemd knows.
pub(super) fn is_pressure_at_most(resource: &str, wanted: &OsStr) -> Answer {
    let Some(wanted) = wanted.to_str() else { return Answer::Invalid };
    if wanted.contains(':') {
        return Answer::Unknown("only systemd has slices");
    }
    match machine::text(format!("/proc/pressure/{resource}")) {
        None => Answer::Unknown("the kernel does not measure pressure"),
        Some(text) => Answer::of(is_at_most(resource, &text, wanted)),
    }
}

fn is_at_most(resource: &str, text: &str, wanted: &str) -> Option<bool> {
    let (limit, period) = wanted.split_once('/').unwrap_or((wanted, "5min"));
    let field = match period.trim() {
        "10sec" => "avg10=",
        "1min" => "avg60=",
        "5min" => "avg300=",
        _ => return None,
    };
    let limit = words::percentage(limit.trim())?;
    // The processor is never wanted by all at once.
    let kind = if resource == "cpu" { "some " } else { "full " };
    let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
    let found = line.split(' ').find_map(|word| word.strip_prefix(field))?;
    Some(words::percentage(&format!("{found}%"))? <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_a_processor_are_found_by_systemds_names() {
        let text = "model name\t: X\nflags\t\t: fpu fma xsave pclmulqdq hypervisor\n";
        for (wanted, expected) in [
            ("fpu", true),
            ("fma3", true),
            ("osxsave", true),
            ("fma", false),
            ("hypervisor", false),
            ("avx", false),
        ] {
            assert_eq!(is_feature(text, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn pressure_is_compared_over_its_period() {
        let text = "some avg10=3.00 avg60=2.00 avg300=1.25 total=9\nfull avg10=0.50 avg60=0.20 avg300=0.10 total=1\n";
        for (resource, wanted, expected) in [
            ("cpu", "1.25%", Some(true)),
            ("cpu", "1.24%", Some(false)),
            ("cpu", "2%/10sec", Some(false)),
            ("io", "0.5%/10sec", Some(true)),
            ("io", "0.1%/1min", Some(false)),
            ("io", "1%/10s", None),
            ("io", "1", None),
        ] {
            assert_eq!(is_at_most(resource, text, wanted), expected, "{resource} {wanted}");
        }
    }
}
