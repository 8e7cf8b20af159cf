//! Why a service cannot have a directive of the sandbox.

use svcadapt_spec::{Field, LimitValue, Probe, Resource, Scope};

use super::Network;
use super::case::Case;
use super::places::Place;

type Objection = Option<String>;

pub(super) fn none(_: &Case) -> Objection {
    None
}

/// Because a capability was given to the service for just this.
fn given(case: &Case, names: &str) -> Objection {
    Some(format!("the service is given {} for just this", case.wants(names)?))
}

/// Because the adapter has to be root.
fn root(case: &Case, what: &str) -> Objection {
    Some(format!("the adapter has to be root for --{}, {what}", case.root?.option()))
}

fn place<'a>(case: &'a Case, which: impl Fn(&Place) -> bool) -> Option<&'a Place> {
    case.places.iter().find(|place| which(place))
}

pub(super) fn dynamic_user(case: &Case) -> Objection {
    if case.spec.user.is_some() || case.spec.group.is_some() {
        return Some("the service says whom it runs as".into());
    }
    if let Some(place) = place(case, Place::is_temporary) {
        let path = place.path.display();
        return Some(format!("such a user has a /tmp/ of its own, and {} names {path}", place.by));
    }
    let closed = |place: &Place| place.written && !place.is_its_own(case.spec, case.division);
    root(case, "and settles the identity itself").or_else(|| {
        let place = place(case, closed)?;
        Some(format!(
            "such a user cannot make anything in {}/, as {} asks for; a --runtime-directory would be its own",
            place.path.display().to_string().trim_end_matches('/'),
            place.by
        ))
    })
}

/// What a program drops itself it has to have first.
pub(super) fn bounding(case: &Case) -> Objection {
    (case.stays_root() && case.root.is_none()).then(|| {
        "it is started as root, and a program that takes another user itself needs CAP_SETUID and CAP_SETGID, often \
         CAP_CHOWN and CAP_NET_BIND_SERVICE, too; --user or --capability-bounding-set closes it"
            .into()
    })
}

pub(super) fn beside(case: &Case) -> Objection {
    let watches = case.division.adapter_watches();
    watches.then(|| "the adapter tells that the service is ready, from a process beside it".into())
}

pub(super) fn home(case: &Case) -> Objection {
    let place = place(case, |place| place.written && place.in_home())?;
    Some(format!("{} asks for writing to {}", place.by, place.path.display()))
}

pub(super) fn private_tmp(case: &Case) -> Objection {
    let place = place(case, Place::is_temporary)?;
    Some(format!("{} names {}, which others have to see, too", place.by, place.path.display()))
}

pub(super) fn private_devices(case: &Case) -> Objection {
    let device = || {
        let place = place(case, Place::is_hardware)?;
        Some(format!("{} names {}", place.by, place.path.display()))
    };
    given(case, "CAP_MKNOD CAP_SYS_RAWIO").or_else(device)
}

/// In the place of root it is what is left of root's rights; of a user who was said it would be one more.
pub(super) fn new_right(case: &Case) -> Objection {
    let user = case.spec.user.as_ref()?;
    Some(format!(
        "{user} cannot take a port below 1024 without it, and to shut in gives no rights; if it is the program that \
         takes it, --ambient-capabilities CAP_NET_BIND_SERVICE says so"
    ))
}

pub(super) fn private_users(case: &Case) -> Objection {
    let user = case.host.scope == Scope::User;
    let kernel = || "not every kernel lets a user who is not root make a user namespace".into();
    let root =
        || case.stays_root().then(|| "it is started as root, which there is no user but itself".into());
    user.then(kernel).or_else(|| worthless_capability(case)).or_else(root)
}

pub(super) fn worthless_capability(case: &Case) -> Objection {
    let worthless = "below a user namespace a capability is worth nothing outside of it";
    if case.network == Network::Privileged {
        return Some(format!("{worthless}, so CAP_NET_BIND_SERVICE would not get it a port below 1024"));
    }
    let given = case.spec.ambient_capabilities.unwrap_or_default();
    if case.wants(&given.to_string()).is_some() {
        return Some(format!("{worthless}, and the service is given {given}"));
    }
    root(case, "and below a user namespace it is root of nothing")
}

/// Sockets that are handed over are looked for in the network that they were made in.
pub(super) fn private_network(case: &Case) -> Objection {
    if case.network.is_shared() {
        return Some("it serves in the machine's network, or may ask others there".into());
    }
    let probe = case.spec.ready.iter().find(|probe| matches!(probe, Probe::Tcp(..)))?;
    (case.network == Network::Activated)
        .then(|| format!("--ready {probe} looks for a socket that systemd has made in the machine's network"))
}

pub(super) fn address_deny(case: &Case) -> Objection {
    case.network.is_shared().then(|| {
        "whom it talks to is not known here; with IPAddressAllow= for those it would narrow it further".into()
    })
}

pub(super) fn other_processes(case: &Case) -> Objection {
    let watched = || {
        let watches = case.root.is_some() && case.division.adapter_watches();
        watches.then(|| "the adapter watches the service's processes, which run as somebody else".into())
    };
    given(case, "CAP_SYS_PTRACE CAP_KILL").or_else(watched)
}

pub(super) fn proc_subset(case: &Case) -> Objection {
    match &case.jit {
        Some(program) => {
            Some(format!("{program} sizes itself by /proc/meminfo and /proc/cpuinfo, which would be gone"))
        }
        None if case.division.adapter.contains(&Field::PidFile) => Some(
            "the adapter keeps a record of the service and of this boot, which it reads in /proc/sys/".into(),
        ),
        None => given(case, "CAP_SYS_PTRACE CAP_SYS_ADMIN CAP_NET_ADMIN"),
    }
}

pub(super) fn tunables(case: &Case) -> Objection {
    given(case, "CAP_SYS_ADMIN CAP_NET_ADMIN")
}

pub(super) fn modules(case: &Case) -> Objection {
    given(case, "CAP_SYS_MODULE")
}

pub(super) fn logs(case: &Case) -> Objection {
    given(case, "CAP_SYSLOG")
}

pub(super) fn control_groups(case: &Case) -> Objection {
    let delegated = || {
        let said = case.spec.native.has_directive("Delegate");
        said.then(|| "the service says Delegate=: a part of the tree is its own".into())
    };
    given(case, "CAP_SYS_ADMIN").or_else(delegated)
}

pub(super) fn clock(case: &Case) -> Objection {
    given(case, "CAP_SYS_TIME CAP_WAKE_ALARM")
}

pub(super) fn hostname(case: &Case) -> Objection {
    given(case, "CAP_SYS_ADMIN")
}

pub(super) fn namespaces(case: &Case) -> Objection {
    given(case, "CAP_SYS_ADMIN")
}

pub(super) fn realtime(case: &Case) -> Objection {
    let limited = || {
        let limit = case.spec.limits.get(&Resource::Rtprio)?;
        (limit.hard != LimitValue::At(0)).then(|| "the service says --limit-rtprio for just this".into())
    };
    let policy = || {
        let said = case.spec.native.has_directive("CPUSchedulingPolicy");
        said.then(|| "the service says CPUSchedulingPolicy=".into())
    };
    given(case, "CAP_SYS_NICE").or_else(limited).or_else(policy)
}

pub(super) fn writable_code(case: &Case) -> Objection {
    let program = case.jit.as_ref()?;
    Some(format!("{program} makes machine code while it runs, and ends where it may not"))
}

pub(super) fn privileged_calls(case: &Case) -> Objection {
    const USED: &str = "CAP_CHOWN CAP_DAC_READ_SEARCH CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_SYS_ADMIN \
                        CAP_SYS_BOOT CAP_SYS_CHROOT CAP_SYS_MODULE CAP_SYS_PACCT CAP_SYS_RAWIO CAP_SYS_TIME \
                        CAP_SYS_TTY_CONFIG CAP_BPF";
    let drops = || {
        let open = case.stays_root() && case.spec.capability_bounding_set.is_none();
        open.then(|| "it is started as root, and a program takes another user by such calls".into())
    };
    given(case, USED).or_else(|| root(case, "and settles the identity by such calls")).or_else(drops)
}

pub(super) fn resource_calls(case: &Case) -> Objection {
    let moved = || {
        let mut limits = case.spec.limits.iter();
        let (resource, _) = limits.find(|(_, limit)| limit.soft != limit.hard)?;
        Some(format!("Limit{}= leaves the service room to move its limit", resource.name()))
    };
    given(case, "CAP_SYS_NICE CAP_SYS_RESOURCE").or_else(moved)
}

pub(super) fn remove_ipc(case: &Case) -> Objection {
    case.is_root().then(|| "it would be without effect for root".into())
}

pub(super) fn umask(case: &Case) -> Objection {
    let socket = case.spec.ready.iter().find(|probe| matches!(probe, Probe::Unix(_)))?;
    Some(format!("others have to reach the socket of --ready {socket}"))
}
