//! The values of the sandbox directives.

use std::ffi::OsString;

use svcadapt_spec::{Field, Scope};

use super::case::HardenInput;
use super::lookup::named;
use super::objections::stays_root;
use super::places::SpecPath;
use super::{Level, Network};

type Words = Vec<OsString>;

macro_rules! words {
    ($($name:ident $word:literal)*) => {
        $(pub(super) fn $name(_: &HardenInput) -> Words {
            vec![$word.into()]
        })*
    };
}

words! {
    yes "yes"
    full "full"
    strict "strict"
    read_only "read-only"
    any "any"
    invisible "invisible"
    pid "pid"
    native "native"
    privileged_calls "~@privileged"
    resource_calls "~@resources"
    eperm "EPERM"
    umask "0077"
}

/// `NotifyAccess=`. The writer sets the final value; this row only reports that `main` is not possible.
pub(super) fn main(case: &HardenInput) -> Words {
    if case.division.adapter_watches() { vec!["main".into()] } else { Vec::new() }
}

/// The capabilities that the service needs.
pub(super) fn bounding(case: &HardenInput) -> Words {
    let mut needed = case.spec.ambient_capabilities.unwrap_or_default();
    if case.network == Network::Privileged {
        needed = needed | named("CAP_NET_BIND_SERVICE");
    }
    if case.root.is_some() {
        // For the change of identity, the directories of that identity, and the kill of a service that is not ready in time.
        needed = needed
            | named("CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_KILL");
        if stays_root(case) {
            needed = needed | named("CAP_NET_BIND_SERVICE");
        }
        if case.division.adapter.contains(&Field::RootDirectory) {
            needed = needed | named("CAP_SYS_CHROOT");
        }
    }
    vec![needed.to_string().into()]
}

/// The capability for a port below 1024. Root has it already.
pub(super) fn ambient(case: &HardenInput) -> Words {
    if case.network == Network::Privileged && !case.is_root() {
        vec!["CAP_NET_BIND_SERVICE".into()]
    } else {
        Vec::new()
    }
}

/// The paths that the service writes and the sandbox would make read-only.
pub(super) fn read_write(case: &HardenInput) -> Words {
    if case.host.scope == Scope::User {
        return Vec::new();
    }
    let mut paths = Words::new();
    for place in case.places.iter().filter(|place| place.written) {
        let is_read_only = match case.level {
            Level::Strict => !place.is_its_own(case.spec, case.division),
            _ => ["/usr", "/boot", "/efi", "/etc"].iter().any(|top| place.path.starts_with(top)),
        };
        // In a RootDirectory= of systemd, a path is relative to that root only with a '+' (systemd.exec(5)).
        let is_in_root = case.division.host.contains(&Field::RootDirectory);
        let mut path = OsString::from(if is_in_root { "+" } else { "" });
        path.push(&place.path);
        if is_read_only && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Home directories are hidden, or read-only if the spec names a file in one.
pub(super) fn home(case: &HardenInput) -> Words {
    let read = case.places.iter().any(SpecPath::in_home);
    vec![if read { "read-only" } else { "yes" }.into()]
}

/// The address families that the service may use.
pub(super) fn families(case: &HardenInput) -> Words {
    let mut families = String::from("AF_UNIX");
    if case.network.is_shared() {
        families.push_str(" AF_INET AF_INET6");
    }
    for (names, family) in [("CAP_NET_ADMIN", " AF_NETLINK"), ("CAP_NET_RAW", " AF_PACKET")] {
        if case.wants(names).is_some() {
            families.push_str(family);
        }
    }
    vec![families.into()]
}

/// The system calls that the service may use. chroot(2) is not in @system-service.
pub(super) fn allowed_calls(case: &HardenInput) -> Words {
    let chroot = case.division.adapter.contains(&Field::RootDirectory);
    vec![if chroot { "@system-service chroot" } else { "@system-service" }.into()]
}
