//! Security technologies that the kernel has and uses.

use std::ffi::OsStr;
use std::path::Path;

use super::answer::Answer;
use crate::sys::machine;

/// Whether this technology is in use: `selinux`, `apparmor`, `tomoyo`, `ima`, `smack`, `audit`, `uefi-secureboot`,
/// `tpm2`, `cvm`, `measured-uki`.
pub(super) fn has_security(wanted: &OsStr) -> Answer {
    if !Path::new("/sys/kernel").is_dir() {
        return Answer::Unknown(super::NOT_LINUX);
    }
    let there = |path: &str| Answer::from(Path::new(path).exists());
    match wanted.to_str().unwrap_or_default() {
        "selinux" => there("/sys/fs/selinux/enforce"),
        "smack" => there("/sys/fs/smackfs"),
        "apparmor" => {
            let enabled = machine::text("/sys/module/apparmor/parameters/enabled");
            enabled.is_some_and(|text| text.trim() == "Y").into()
        }
        "tomoyo" => there("/sys/kernel/security/tomoyo/version"),
        "ima" => there("/sys/kernel/security/ima"),
        "audit" => machine::has_audit().into(),
        "uefi-secureboot" => is_secure_boot().into(),
        "tpm2" => {
            let firmware = ["/sys/firmware/acpi/tables/TPM2", "/sys/class/tpm/tpm0/tcg_event_log"];
            let mut parts = ["/dev/tpmrm0", "/sys/class/tpmrm/tpmrm0"].into_iter().chain(firmware);
            parts.any(|path| Path::new(path).exists()).into()
        }
        "cvm" => is_confidential().into(),
        "measured-uki" => Answer::Unknown("only systemd's boot loader tells"),
        _ => Answer::No,
    }
}

/// The variable of the firmware has four bytes of attributes before its value.
fn is_secure_boot() -> bool {
    const NAME: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    machine::text(NAME).is_some_and(|text| text.ends_with('\u{1}'))
}

/// A confidential virtual machine of AMD, Intel, IBM or Arm.
fn is_confidential() -> bool {
    let devices = ["/dev/sev-guest", "/dev/tdx_guest", "/sys/devices/platform/arm-cca-dev"];
    let flags = machine::text("/proc/cpuinfo").unwrap_or_default();
    let flag = |name: &str| {
        flags.lines().any(|line| line.starts_with("flags") && line.split(' ').any(|one| one == name))
    };
    devices.iter().any(|path| Path::new(path).exists())
        || flag("tdx_guest")
        || machine::text("/sys/firmware/uv/prot_virt_guest").is_some_and(|text| text.trim() == "1")
}
