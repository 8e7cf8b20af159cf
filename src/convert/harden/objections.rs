//! Why a service cannot have a directive of the sandbox.

use svcadapt_spec::{Field, LimitValue, Principal, Probe, Resource, Scope};

use super::case::HardenInput;
use super::places::SpecPath;
use super::{Level, Network};

type Objection = Option<String>;

pub(super) fn none(_: &HardenInput) -> Objection {
    None
}

/// The service has a capability for exactly what the directive forbids.
fn granted(case: &HardenInput, names: &str) -> Objection {
    Some(format!("the service has {} for this purpose", case.wants(names)?))
}

/// The adapter has to be root.
fn adapter_is_root(case: &HardenInput, consequence: &str) -> Objection {
    Some(format!("the adapter has to be root for --{}, {consequence}", case.root?.option()))
}

fn place<'a>(case: &'a HardenInput, which: impl Fn(&SpecPath) -> bool) -> Option<&'a SpecPath> {
    case.places.iter().find(|place| which(place))
}

/// Whether the program itself starts as root. It may then change its user once it has its ports and files, because
/// neither systemd nor the adapter does.
pub(super) fn stays_root(case: &HardenInput) -> bool {
    let is_other_user = match &case.spec.user {
        Some(Principal::Name(name)) => name != "root",
        Some(Principal::Id(number)) => *number != 0,
        None => false,
    };
    let adds = || case.level == Level::Strict && dynamic_user(case).is_none();
    let dynamic = case.spec.dynamic_user.unwrap_or_else(adds);
    case.host.scope == Scope::System && !is_other_user && !dynamic
}

pub(super) fn dynamic_user(case: &HardenInput) -> Objection {
    if case.spec.user.is_some() || case.spec.group.is_some() {
        return Some("the service sets its own user or group".into());
    }
    if let Some(place) = place(case, SpecPath::is_temporary) {
        let path = place.path.display();
        return Some(format!("a dynamic user has a private /tmp/, but {} is {path}", place.by));
    }
    let is_read_only = |place: &SpecPath| place.written && !place.is_its_own(case.spec, case.division);
    adapter_is_root(case, "and changes the identity itself").or_else(|| {
        let place = place(case, is_read_only)?;
        Some(format!(
            "a dynamic user cannot create files in {}/, which {} needs; use a --runtime-directory",
            place.path.display().to_string().trim_end_matches('/'),
            place.by
        ))
    })
}

/// A program that drops capabilities itself needs them first.
pub(super) fn bounding(case: &HardenInput) -> Objection {
    (stays_root(case) && case.root.is_none()).then(|| {
        "it starts as root, and a program that changes its user itself needs CAP_SETUID and CAP_SETGID, often also \
         CAP_CHOWN and CAP_NET_BIND_SERVICE; set --user or --capability-bounding-set"
            .into()
    })
}

pub(super) fn adapter_notifies(case: &HardenInput) -> Objection {
    let watches = case.division.adapter_watches();
    watches.then(|| "the adapter reports the readiness from a process of its own".into())
}

pub(super) fn home(case: &HardenInput) -> Objection {
    let place = place(case, |place| place.written && place.in_home())?;
    Some(format!("{} writes to {}", place.by, place.path.display()))
}

pub(super) fn private_tmp(case: &HardenInput) -> Objection {
    let place = place(case, SpecPath::is_temporary)?;
    Some(format!("{} is {}, which other processes have to see", place.by, place.path.display()))
}

pub(super) fn private_devices(case: &HardenInput) -> Objection {
    let device = || {
        let place = place(case, SpecPath::is_hardware)?;
        Some(format!("{} is {}", place.by, place.path.display()))
    };
    granted(case, "CAP_MKNOD CAP_SYS_RAWIO").or_else(device)
}

/// Without a user the capability replaces root; for a user of the spec it would be an additional right.
pub(super) fn new_right(case: &HardenInput) -> Objection {
    let user = case.spec.user.as_ref()?;
    Some(format!(
        "{user} cannot bind a port below 1024 without it, but a sandbox grants no rights; if the program binds \
         the port, set --ambient-capabilities CAP_NET_BIND_SERVICE"
    ))
}

pub(super) fn private_users(case: &HardenInput) -> Objection {
    let user = case.host.scope == Scope::User;
    let kernel = || "not every kernel lets an unprivileged user create a user namespace".into();
    let root = || {
        stays_root(case)
            .then(|| "it starts as root, and in the namespace root could not change to another user".into())
    };
    user.then(kernel).or_else(|| ineffective_capability(case)).or_else(root)
}

pub(super) fn ineffective_capability(case: &HardenInput) -> Objection {
    let ineffective = "in a user namespace a capability has no effect outside of it";
    if case.network == Network::Privileged {
        return Some(format!("{ineffective}, so CAP_NET_BIND_SERVICE would not allow a port below 1024"));
    }
    let granted = case.spec.ambient_capabilities.unwrap_or_default();
    if case.wants(&granted.to_string()).is_some() {
        return Some(format!("{ineffective}, and the service has {granted}"));
    }
    adapter_is_root(case, "but has no rights of root in a user namespace")
}

/// A probe has to connect in the network in which systemd created the sockets.
pub(super) fn private_network(case: &HardenInput) -> Objection {
    if case.network.is_shared() {
        return Some("it may use the machine's network".into());
    }
    let probe = case.spec.ready.iter().find(|probe| matches!(probe, Probe::Tcp(..)))?;
    (case.network == Network::Activated).then(|| {
        format!("--ready {probe} connects to a socket that systemd has opened in the machine's network")
    })
}

pub(super) fn address_deny(case: &HardenInput) -> Objection {
    case.network.is_shared().then(|| {
        "its peers are not known; add IPAddressAllow= with their addresses to restrict it further".into()
    })
}

pub(super) fn other_processes(case: &HardenInput) -> Objection {
    let watched = || {
        let watches = case.root.is_some() && case.division.adapter_watches();
        watches.then(|| "the adapter watches the service's processes, which run as another user".into())
    };
    granted(case, "CAP_SYS_PTRACE CAP_KILL").or_else(watched)
}

pub(super) fn proc_subset(case: &HardenInput) -> Objection {
    match &case.jit {
        Some(program) => {
            Some(format!("{program} reads /proc/meminfo and /proc/cpuinfo, which would be hidden"))
        }
        None if case.division.adapter.contains(&Field::PidFile) => {
            Some("the adapter reads the boot id for its record of the service from /proc/sys/".into())
        }
        None => granted(case, "CAP_SYS_PTRACE CAP_SYS_ADMIN CAP_NET_ADMIN"),
    }
}

pub(super) fn tunables(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYS_ADMIN CAP_NET_ADMIN")
}

pub(super) fn modules(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYS_MODULE")
}

pub(super) fn logs(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYSLOG")
}

pub(super) fn control_groups(case: &HardenInput) -> Objection {
    let delegated = || {
        let is_set = case.spec.native.has_directive("Delegate");
        is_set.then(|| "the service sets Delegate= and manages its part of the tree".into())
    };
    granted(case, "CAP_SYS_ADMIN").or_else(delegated)
}

pub(super) fn clock(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYS_TIME CAP_WAKE_ALARM")
}

pub(super) fn hostname(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYS_ADMIN")
}

pub(super) fn namespaces(case: &HardenInput) -> Objection {
    granted(case, "CAP_SYS_ADMIN")
}

pub(super) fn realtime(case: &HardenInput) -> Objection {
    let limited = || {
        let limit = case.spec.limits.get(&Resource::Rtprio)?;
        (limit.hard != LimitValue::At(0)).then(|| "the service sets --limit-rtprio for this purpose".into())
    };
    let policy = || {
        let is_set = case.spec.native.has_directive("CPUSchedulingPolicy");
        is_set.then(|| "the service sets CPUSchedulingPolicy=".into())
    };
    granted(case, "CAP_SYS_NICE").or_else(limited).or_else(policy)
}

pub(super) fn writable_code(case: &HardenInput) -> Objection {
    let program = case.jit.as_ref()?;
    Some(format!("{program} has a JIT compiler, and fails without memory that is writable and executable"))
}

pub(super) fn privileged_calls(case: &HardenInput) -> Objection {
    const USED: &str = "CAP_CHOWN CAP_DAC_READ_SEARCH CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_SYS_ADMIN \
                        CAP_SYS_BOOT CAP_SYS_CHROOT CAP_SYS_MODULE CAP_SYS_PACCT CAP_SYS_RAWIO CAP_SYS_TIME \
                        CAP_SYS_TTY_CONFIG CAP_BPF";
    let drops = || {
        let is_unlimited = stays_root(case) && case.spec.capability_bounding_set.is_none();
        is_unlimited.then(|| "it starts as root, and a program changes its user with such calls".into())
    };
    granted(case, USED)
        .or_else(|| adapter_is_root(case, "and changes the identity with such calls"))
        .or_else(drops)
}

pub(super) fn resource_calls(case: &HardenInput) -> Objection {
    let can_change = || {
        let mut limits = case.spec.limits.iter();
        let (resource, _) = limits.find(|(_, limit)| limit.soft != limit.hard)?;
        Some(format!("Limit{}= lets the service change its soft limit", resource.name()))
    };
    granted(case, "CAP_SYS_NICE CAP_SYS_RESOURCE").or_else(can_change)
}

pub(super) fn remove_ipc(case: &HardenInput) -> Objection {
    case.is_root().then(|| "it has no effect for root".into())
}

pub(super) fn umask(case: &HardenInput) -> Objection {
    let socket = case.spec.ready.iter().find(|probe| matches!(probe, Probe::Unix(_)))?;
    Some(format!("other users have to connect to the socket of --ready {socket}"))
}
