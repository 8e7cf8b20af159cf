//! What the directives of the sandbox say.

use std::ffi::OsString;

use svcadapt_spec::{Field, Scope};

use super::case::{Case, named};
use super::places::Place;
use super::{Level, Network};

type Words = Vec<OsString>;

macro_rules! words {
    ($($name:ident $word:literal)*) => {
        $(pub(super) fn $name(_: &Case) -> Words {
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

/// Who may speak for the service is the writer's to say; here only that it is not the main process alone.
pub(super) fn main(case: &Case) -> Words {
    if case.division.adapter_watches() { vec!["main".into()] } else { Vec::new() }
}

/// The capabilities that the service has to keep.
pub(super) fn bounding(case: &Case) -> Words {
    let mut kept = case.spec.ambient_capabilities.unwrap_or_default();
    if case.network == Network::Privileged {
        kept = kept | named("CAP_NET_BIND_SERVICE");
    }
    if case.root.is_some() {
        // The change of identity, directories for that identity, and an end to what is not ready in time.
        kept =
            kept | named("CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_KILL");
        if case.stays_root() {
            kept = kept | named("CAP_NET_BIND_SERVICE");
        }
        if case.division.adapter.contains(&Field::RootDirectory) {
            kept = kept | named("CAP_SYS_CHROOT");
        }
    }
    vec![kept.to_string().into()]
}

/// What a service needs to take a port below 1024. Root has it without.
pub(super) fn ambient(case: &Case) -> Words {
    if case.network == Network::Privileged && !case.is_root() {
        vec!["CAP_NET_BIND_SERVICE".into()]
    } else {
        Vec::new()
    }
}

/// Where it writes and otherwise could not.
pub(super) fn read_write(case: &Case) -> Words {
    if case.host.scope == Scope::User {
        return Vec::new();
    }
    let mut paths = Words::new();
    for place in case.places.iter().filter(|place| place.written) {
        let closed = match case.level {
            Level::Strict => !place.is_its_own(case.spec, case.division),
            _ => ["/usr", "/boot", "/efi", "/etc"].iter().any(|top| place.path.starts_with(top)),
        };
        // Below a new root that systemd makes, a path is meant with the root before it only behind a '+'.
        let inside = case.division.host.contains(&Field::RootDirectory);
        let mut path = OsString::from(if inside { "+" } else { "" });
        path.push(&place.path);
        if closed && !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// Out of sight, unless something in there has to be read.
pub(super) fn home(case: &Case) -> Words {
    let read = case.places.iter().any(Place::in_home);
    vec![if read { "read-only" } else { "yes" }.into()]
}

/// The kinds of sockets that it may make.
pub(super) fn families(case: &Case) -> Words {
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

/// The calls that it may make. chroot(2) is in no group that services have.
pub(super) fn allowed_calls(case: &Case) -> Words {
    let chroot = case.division.adapter.contains(&Field::RootDirectory);
    vec![if chroot { "@system-service chroot" } else { "@system-service" }.into()]
}
