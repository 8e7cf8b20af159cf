//! Containers and virtual machines, by the names of systemd-detect-virt(1).

use std::ffi::OsStr;
use std::path::Path;

use super::answer::Answer;
use super::words;
use crate::sys::{machine, procfs};

/// A truth value, `vm`, `container`, or the name of one.
pub(super) fn is_virtualized(wanted: &OsStr) -> Answer {
    if machine::text("/proc/self/status").is_none() {
        return Answer::Unknown(super::NOT_LINUX);
    }
    let Some(wanted) = wanted.to_str() else { return Answer::No };
    if wanted == "private-users" {
        let map = machine::text("/proc/self/uid_map").unwrap_or_default();
        return has_private_users(&map).into();
    }
    let (kind, name) = match (container(), vm()) {
        (Some(name), _) => ("container", name),
        (None, Some(name)) => ("vm", name),
        (None, None) => return (words::boolean(wanted) == Some(false)).into(),
    };
    (words::boolean(wanted) == Some(true) || wanted == kind || wanted == name).into()
}

/// The users of the first user namespace are all there are.
fn has_private_users(map: &str) -> bool {
    let words: Vec<&str> = map.split_whitespace().collect();
    words != ["0", "0", "4294967295"] && !words.is_empty()
}

/// The container that this process runs in.
pub(super) fn container() -> Option<&'static str> {
    let there = |path: &str| Path::new(path).exists();
    if there("/proc/vz") && !there("/proc/bc") {
        return Some("openvz");
    }
    let release = machine::text("/proc/sys/kernel/osrelease").unwrap_or_default();
    if release.contains("Microsoft") || release.contains("WSL") {
        return Some("wsl");
    }
    let written =
        ["/run/host/container-manager", "/run/systemd/container"].into_iter().find_map(machine::text);
    let named = written.or_else(|| of_init().filter(|name| !name.is_empty()));
    if let Some(name) = named.as_deref().map(str::trim).filter(|name| *name != "oci") {
        return Some(container_name(name));
    }
    if there("/run/.containerenv") {
        return Some("podman");
    }
    if there("/.dockerenv") {
        return Some("docker");
    }
    named.map(|_| "container-other")
}

/// What the container manager has told process 1.
fn of_init() -> Option<String> {
    let mut found = None;
    let _ = procfs::for_each_variable(1, |name, value| {
        if name == b"container" {
            found = Some(String::from_utf8_lossy(value).into_owned());
        }
    });
    found
}

fn container_name(name: &str) -> &'static str {
    const NAMES: [&str; 10] = [
        "openvz",
        "lxc",
        "lxc-libvirt",
        "systemd-nspawn",
        "docker",
        "podman",
        "rkt",
        "wsl",
        "proot",
        "pouch",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or("container-other")
}

/// The virtual machine that this kernel runs in.
fn vm() -> Option<&'static str> {
    let by_firmware = ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"]
        .into_iter()
        .find_map(|field| of_firmware(&machine::text(format!("/sys/class/dmi/id/{field}"))?));
    // The firmware's words are more exact for these, which hide behind another hypervisor.
    if matches!(by_firmware, Some("oracle" | "amazon" | "parallels")) {
        return by_firmware;
    }
    if machine::text("/proc/cpuinfo").is_some_and(|text| text.contains("User Mode Linux")) {
        return Some("uml");
    }
    if machine::text("/sys/hypervisor/type").is_some_and(|kind| kind.trim() == "xen") {
        let controls = machine::text("/proc/xen/capabilities").is_some_and(|text| text.contains("control_d"));
        return (!controls).then_some("xen");
    }
    machine::hypervisor().map(|name| of_processor(&name)).or(by_firmware)
}

fn of_firmware(text: &str) -> Option<&'static str> {
    const VENDORS: [(&str, &str); 15] = [
        ("KVM", "kvm"),
        ("OpenStack", "kvm"),
        ("KubeVirt", "kvm"),
        ("Amazon EC2", "amazon"),
        ("QEMU", "qemu"),
        ("VMware", "vmware"),
        ("VMW", "vmware"),
        ("innotek GmbH", "oracle"),
        ("VirtualBox", "oracle"),
        ("Xen", "xen"),
        ("Bochs", "bochs"),
        ("Parallels", "parallels"),
        ("BHYVE", "bhyve"),
        ("Hyper-V", "microsoft"),
        ("Apple Virtualization", "apple"),
    ];
    VENDORS.iter().find(|(start, _)| text.starts_with(start)).map(|&(_, name)| name)
}

fn of_processor(name: &str) -> &'static str {
    match name {
        "XenVMMXenVMM" => "xen",
        "KVMKVMKVM" | "Linux KVM Hv" => "kvm",
        "TCGTCGTCGTCG" => "qemu",
        "VMwareVMware" => "vmware",
        "Microsoft Hv" => "microsoft",
        "bhyve bhyve " => "bhyve",
        "QNXQVMBSQG" => "qnx",
        "ACRNACRNACRN" => "acrn",
        "SRESRESRESRE" => "sre",
        _ => "vm-other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_machine_is_known_by_its_firmware_and_processor() {
        assert_eq!(of_firmware("VirtualBox\n"), Some("oracle"));
        assert_eq!(of_firmware("LENOVO\n"), None);
        assert_eq!((of_processor("KVMKVMKVM"), of_processor("x")), ("kvm", "vm-other"));
        assert_eq!((container_name("lxc"), container_name("x")), ("lxc", "container-other"));
    }

    #[test]
    fn users_of_a_user_namespace_are_private() {
        assert!(has_private_users("         0       1000          1\n"));
        assert!(!has_private_users("         0          0 4294967295\n"));
        assert!(!has_private_users(""));
    }
}
