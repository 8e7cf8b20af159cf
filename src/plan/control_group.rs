//! Whether a service can have a control group of its own, and where: a pure function of facts.
//!
//! Only cgroup2 is used (cgroups(7)): version 1 has a hierarchy for each controller, and a process cannot be put into all
//! of them at once. The group is a child of svcadapt's own, so that the limits of that hold for the service, too.
//!
//! A group whose children have controllers has no processes of its own ("no internal processes"), except the root of the
//! hierarchy. So the child can have controllers if its siblings have them already, at the root, or if svcadapt is
//! alone in its group: then it moves itself into a leaf beside the service. It never moves other processes.
//!
//! Where systemd is the init system every group is systemd's, also a session's of root: it writes the controllers of each
//! group that it owns whenever it likes, and ends a session with all groups below. Only below a unit with `Delegate=` it
//! leaves groups alone (systemd.resource-control(5)). Below systemd as a service the limits are those of the unit.

use std::path::{Path, PathBuf};

use svcadapt_spec::{Field, OomPolicy, ServiceSpec};

use super::group_limits::{Controller, GroupLimit};

/// The leaf that svcadapt moves itself into. No service has this group: theirs begin with [`PREFIX`].
pub const LEAF: &str = "svcadapt";

/// The first part of the name of a service's group.
pub const PREFIX: &str = "svcadapt-";

/// A control group for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlGroup {
    /// Its directory.
    pub path: PathBuf,
    /// The leaf that svcadapt moves into first. `None`: it stays where it is.
    pub leaf: Option<PathBuf>,
    /// The controllers that are given to the groups below svcadapt's own.
    pub enable: Vec<Controller>,
    /// What is written into its files.
    pub limits: Vec<GroupLimit>,
}

impl ControlGroup {
    /// One that has its limits already.
    pub fn existing(path: PathBuf) -> Self {
        Self { path, leaf: None, enable: Vec::new(), limits: Vec::new() }
    }

    /// svcadapt's own group.
    pub fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// What is not done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHad {
    /// The fields.
    pub fields: Vec<Field>,
    /// Why.
    pub cause: String,
    /// What can be done about it.
    pub hint: Option<&'static str>,
}

/// Where the group of this process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnGroup {
    /// Its directory.
    pub directory: PathBuf,
    /// The mount of cgroup2 that it is in.
    pub mount: PathBuf,
}

/// What is known of the group of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// Whether this user owns it and may create groups and move processes in it.
    pub access: Access,
    /// Whether a systemd of this machine manages it and has not delegated it.
    pub is_systemds: bool,
    /// Whether it is the root of the hierarchy, which may have processes beside groups.
    pub is_root: bool,
    /// The content of `cgroup.type`. Empty at the root.
    pub kind: String,
    /// The controllers that it has.
    pub controllers: Vec<String>,
    /// The controllers that its children have.
    pub given: Vec<String>,
    /// Whether this process is the only one in it.
    pub is_alone: bool,
}

/// What this user may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// All.
    Full,
    /// It is mounted read-only.
    ReadOnly,
    /// It belongs to another user.
    Foreign,
}

/// Whether the spec asks for a control group.
pub fn asks_for_group(spec: &ServiceSpec) -> bool {
    spec.resources != svcadapt_spec::ResourceControl::default()
        || matches!(spec.oom_policy, Some(OomPolicy::Kill | OomPolicy::Stop))
}

/// The directory of the group of this process, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`.
pub fn own_group(mounts: &str, groups: &str) -> Result<OwnGroup, String> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let mut mounts = mounts.lines().filter_map(cgroup2_mount).peekable();
    let Some(own) = own.filter(|_| mounts.peek().is_some()) else {
        return Err("no cgroup2 is mounted here (cgroups(7)), and version 1 cannot do it".to_owned());
    };
    if own.ends_with(" (deleted)") {
        return Err("the control group of this process was removed".to_owned());
    }
    // A later mount covers an earlier one.
    let found = mounts.filter_map(|(mount, root)| {
        let below = Path::new(own).strip_prefix(&root).ok()?;
        let outside = below.components().any(|part| part == std::path::Component::ParentDir);
        // Joined with nothing a path would end in a slash.
        let directory = if below.as_os_str().is_empty() { mount.clone() } else { mount.join(below) };
        (!outside).then_some(OwnGroup { directory, mount })
    });
    // Another mount may have less of the hierarchy than the system's.
    let is_usual = |own: &OwnGroup| own.mount.starts_with("/sys/fs/cgroup");
    let (usual, others): (Vec<_>, Vec<_>) = found.partition(is_usual);
    usual
        .into_iter()
        .last()
        .or(others.into_iter().last())
        .ok_or_else(|| format!("the control group of this process, {own}, is not in the mounted hierarchy"))
}

/// The mount point and the root of a mount of cgroup2 (proc(5), `/proc/PID/mountinfo`).
fn cgroup2_mount(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (first, last) = line.split_once(" - ")?;
    if last.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut words = first.split(' ').skip(3);
    let (root, mount) = (words.next()?, words.next()?);
    Some((unescaped(mount).into(), unescaped(root).into()))
}

/// Blanks and backslashes are written in octal.
fn unescaped(word: &str) -> String {
    word.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

/// The group in which groups for services are created: this process's own, or above a leaf of svcadapt.
pub fn base(own: &OwnGroup) -> PathBuf {
    let above = || own.directory.parent().filter(|above| above.starts_with(&own.mount));
    match own.directory.file_name() {
        Some(name) if name == LEAF => above().map_or_else(|| own.directory.clone(), Path::to_owned),
        _ => own.directory.clone(),
    }
}

/// Whether the unit that a group belongs to is delegated. `is_delegated` asks for one directory.
pub fn is_delegated(own: &OwnGroup, is_delegated: impl Fn(&Path) -> bool) -> bool {
    let unit = |path: &&Path| {
        let kind = path.extension().and_then(std::ffi::OsStr::to_str);
        matches!(kind, Some("service" | "scope" | "slice"))
    };
    own.directory
        .ancestors()
        .take_while(|path| path.starts_with(&own.mount))
        .find(unit)
        .is_some_and(is_delegated)
}

/// Decides on the group `name` in `base`, with as many of the limits as are possible.
pub fn decide(
    base: &Path,
    name: &str,
    facts: &GroupFacts,
    limits: Vec<GroupLimit>,
) -> (Option<ControlGroup>, Vec<NotHad>) {
    let all = |cause: String, hint| {
        let fields = limits.iter().map(|limit| limit.field).collect();
        (None, vec![NotHad { fields, cause, hint }])
    };
    let shown = base.display();
    match facts.access {
        Access::ReadOnly => return all(format!("{shown} is mounted read-only"), Some(READ_ONLY)),
        _ if facts.is_systemds => {
            return all(
                format!("{shown} is systemd's, and not delegated (systemd.resource-control(5))"),
                Some(DELEGATE),
            );
        }
        Access::Foreign => return all(format!("{shown} belongs to another user"), None),
        Access::Full => {}
    }
    if facts.kind == "domain threaded" {
        let cause =
            format!("{shown} has processes beside controllers for its children (cgroups(7), 'cgroup.type')");
        return all(cause, Some(ALONE));
    }
    if !facts.is_root && facts.kind != "domain" {
        return all(format!("{shown} is for threads (cgroups(7), 'cgroup.type')"), None);
    }
    let has = |list: &[String], controller: Controller| list.iter().any(|name| name == controller.name());
    let movable = facts.is_root || facts.is_alone;
    let (mut had, mut enable, mut missing, mut occupied) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for limit in limits {
        let controller = limit.controller;
        if has(&facts.given, controller) {
            had.push(limit);
        } else if !has(&facts.controllers, controller) {
            missing.push(limit);
        } else if movable {
            enable.push(controller);
            had.push(limit);
        } else {
            occupied.push(limit.field);
        }
    }
    enable.sort_unstable();
    enable.dedup();
    let mut lost: Vec<NotHad> = Vec::new();
    for limit in missing {
        let cause = format!("{shown} has no controller '{}' (cgroup.controllers)", limit.controller.name());
        match lost.iter_mut().find(|lost| lost.cause == cause) {
            Some(lost) => lost.fields.push(limit.field),
            None => lost.push(NotHad { fields: vec![limit.field], cause, hint: None }),
        }
    }
    if !occupied.is_empty() {
        let cause = format!("{shown} has other processes, so its children get no controllers (cgroups(7))");
        lost.push(NotHad { fields: occupied, cause, hint: Some(ALONE) });
    }
    let leaf = (!enable.is_empty() && !facts.is_root).then(|| base.join(LEAF));
    (Some(ControlGroup { path: base.join(name), leaf, enable, limits: had }), lost)
}

const READ_ONLY: &str =
    "let the container's manager mount it read-write in a namespace of its own, or set the limits there";

const DELEGATE: &str =
    "start it as a unit (`svcadapt gen-unit`), or below `systemd-run --scope --property=Delegate=yes`";

const ALONE: &str =
    "start it in a control group of its own, without a shell beside it, or as process 1 of the container";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::group_limits::{MachineSize, group_limits};
    use crate::plan::tests::spec;

    const UNIFIED: &str = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    fn own(mounts: &str, groups: &str) -> Result<PathBuf, String> {
        own_group(mounts, groups).map(|own| own.directory)
    }

    #[test]
    fn own_group_is_found_below_its_mount() {
        let path = |text: &str| Ok(PathBuf::from(text));
        assert_eq!(own(UNIFIED, "0::/user.slice/a\n"), path("/sys/fs/cgroup/user.slice/a"));
        assert_eq!(own(UNIFIED, "0::/\n"), path("/sys/fs/cgroup"));
        let hybrid = "29 25 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                      31 25 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        assert_eq!(own(hybrid, "8:pids:/x\n0::/y\n"), path("/sys/fs/cgroup/unified/y"));
        let bound = "30 25 0:26 /docker/a /sys/fs/cgroup\\040x ro - cgroup2 cgroup2 rw\n";
        assert_eq!(own(bound, "0::/docker/a/b\n"), path("/sys/fs/cgroup x/b"));
        let two = format!("{UNIFIED}31 25 0:26 / /mnt rw - cgroup2 cgroup2 rw\n");
        assert_eq!(own(&two, "0::/y\n"), path("/sys/fs/cgroup/y"));
        let only_v1 = "31 25 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        for (mounts, groups, why) in [
            (only_v1, "8:pids:/x\n", "no cgroup2"),
            (only_v1, "0::/\n", "no cgroup2"),
            ("", "", "no cgroup2"),
            (bound, "0::/other\n", "not in the mounted hierarchy"),
            (UNIFIED, "0::/../x\n", "not in the mounted hierarchy"),
            (UNIFIED, "0::/x (deleted)\n", "was removed"),
        ] {
            assert!(own(mounts, groups).unwrap_err().contains(why), "{mounts} {groups}");
        }
    }

    #[test]
    fn nearest_unit_decides_on_the_delegation() {
        let group = |below: &str| OwnGroup {
            directory: Path::new("/sys/fs/cgroup").join(below),
            mount: "/sys/fs/cgroup".into(),
        };
        let delegated = |below: &str| {
            is_delegated(&group(below), |path| {
                path.ends_with("user@1000.service") || path.ends_with("d.scope")
            })
        };
        assert!(delegated("user.slice/user@1000.service/init"));
        assert!(delegated("user.slice/user@1000.service/app.slice/d.scope/a/b"));
        assert!(!delegated("user.slice/user@1000.service/app.slice/x.scope"));
        assert!(!delegated("user.slice/session-3.scope") && !delegated(""));
        assert_eq!(base(&group("a/svcadapt")), Path::new("/sys/fs/cgroup/a"));
        assert_eq!(base(&group("a/svcadapt-web")), Path::new("/sys/fs/cgroup/a/svcadapt-web"));
    }

    fn facts() -> GroupFacts {
        let all = ["cpu", "memory", "pids"].map(str::to_owned).to_vec();
        GroupFacts {
            access: Access::Full,
            is_systemds: false,
            is_root: false,
            kind: "domain".to_owned(),
            controllers: all,
            given: Vec::new(),
            is_alone: true,
        }
    }

    fn decided(facts: &GroupFacts) -> (Option<ControlGroup>, Vec<String>) {
        let asked = spec(&[(Field::TasksMax, "5"), (Field::MemoryMax, "1G"), (Field::IoWeight, "7")]);
        let limits = group_limits(&asked, MachineSize { memory: 1 << 30, tasks: 9 });
        let (group, lost) = decide(Path::new("/c/own"), "svcadapt-web", facts, limits);
        let told = lost.into_iter().map(|lost| {
            let names: Vec<_> = lost.fields.iter().map(|field| field.directive()).collect();
            format!("{}: {}", names.join(" "), lost.cause)
        });
        (group, told.collect())
    }

    #[test]
    fn group_alone_makes_room_for_its_controllers() {
        let (group, lost) = decided(&facts());
        let group = group.unwrap();
        assert_eq!((group.path.to_str(), group.parent()), (Some("/c/own/svcadapt-web"), Path::new("/c/own")));
        assert_eq!(group.leaf, Some("/c/own/svcadapt".into()));
        assert_eq!(group.enable, [Controller::Memory, Controller::Pids]);
        assert_eq!(group.limits.len(), 2);
        assert_eq!(lost, ["IOWeight: /c/own has no controller 'io' (cgroup.controllers)"]);
    }

    #[test]
    fn root_of_the_hierarchy_needs_no_leaf() {
        let root = GroupFacts { is_root: true, kind: String::new(), is_alone: false, ..facts() };
        let group = decided(&root).0.unwrap();
        assert_eq!((group.leaf, group.enable.len()), (None, 2));
    }

    #[test]
    fn other_processes_are_never_moved() {
        let shared = GroupFacts { is_alone: false, given: vec!["pids".to_owned()], ..facts() };
        let (group, lost) = decided(&shared);
        let group = group.unwrap();
        assert_eq!((group.leaf, group.enable.len(), group.limits.len()), (None, 0, 1));
        assert_eq!(lost.len(), 2);
        assert!(lost[1].starts_with("MemoryMax: /c/own has other processes"), "{lost:?}");
    }

    #[test]
    fn group_that_cannot_be_had_is_named_once_with_its_reason() {
        for (facts, why) in [
            (GroupFacts { access: Access::ReadOnly, is_systemds: true, ..facts() }, "read-only"),
            (GroupFacts { access: Access::Foreign, ..facts() }, "another user"),
            (GroupFacts { access: Access::Foreign, is_systemds: true, ..facts() }, "not delegated"),
            (GroupFacts { kind: "threaded".to_owned(), ..facts() }, "for threads"),
            (GroupFacts { kind: "domain threaded".to_owned(), ..facts() }, "beside controllers"),
        ] {
            let (group, lost) = decided(&facts);
            assert_eq!((group, lost.len()), (None, 1));
            assert!(
                lost[0].starts_with("TasksMax MemoryMax IOWeight: /c/own") && lost[0].contains(why),
                "{lost:?}"
            );
        }
    }
}
