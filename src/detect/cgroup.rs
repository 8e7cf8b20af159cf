//! From a cgroup path to its unit.
//!
//! systemd names the cgroup of a unit after the unit, below its slices; the units of a user are below `user@UID.service`, the
//! service of the user's manager (systemd.slice(5), user@.service(5)).

use svcadapt_spec::Scope;

/// A unit and the scope of its manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRef {
    /// The full name: `nginx.service`.
    pub name: String,
    /// The scope of its manager.
    pub scope: Scope,
}

impl UnitRef {
    /// Whether the unit is a service.
    pub fn is_service(&self) -> bool {
        self.name.rsplit('.').next() == Some("service")
    }
}

/// The unit of a path in systemd's hierarchy: `/system.slice/nginx.service/worker` is `nginx.service`.
pub fn unit_of_path(path: &str) -> Option<UnitRef> {
    let mut parts = below_slices(path.split('/').filter(|part| !part.is_empty()));
    let name = unit_name(parts.next()?)?;
    let of_user = name.starts_with("user@").then(|| below_slices(parts).next().and_then(unit_name)).flatten();
    if let Some(name) = of_user {
        return Some(UnitRef { name: name.to_owned(), scope: Scope::User });
    }
    Some(UnitRef { name: name.to_owned(), scope: Scope::System })
}

/// The path of this process in systemd's hierarchy, from the text of `/proc/self/cgroup`, relative to the root of systemd,
/// from `/proc/1/cgroup`. Without that root a systemd in a container would look like a unit of the container's host.
pub(super) fn systemd_path(own: &str, init: Option<&str>) -> Option<String> {
    let path = path_in_text(own)?;
    let root = init.and_then(path_in_text).and_then(|path| path.strip_suffix("/init.scope")).unwrap_or("");
    let below = match path.strip_prefix(root) {
        Some("") => "/",
        Some(below) if below.starts_with('/') => below,
        _ => path,
    };
    Some(below.to_owned())
}

/// systemd's hierarchy is the unified one (v2), or on older systems the named one (`name=systemd`).
fn path_in_text(text: &str) -> Option<&str> {
    let lines = || text.lines().filter_map(hierarchy);
    let named = lines().find(|(controllers, _)| controllers.split(',').any(|name| name == "name=systemd"));
    let unified = lines().find(|(controllers, _)| controllers.is_empty());
    let paths = || [named, unified].into_iter().flatten().map(|(_, path)| path);
    paths().find(|&path| path != "/").or_else(|| paths().next())
}

/// A line is `ID:CONTROLLERS:PATH` (cgroups(7)).
fn hierarchy(line: &str) -> Option<(&str, &str)> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    path.starts_with('/').then(|| (controllers, path.strip_suffix(" (deleted)").unwrap_or(path)))
}

fn below_slices<'a>(parts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    parts.skip_while(|part| unit_name(part).is_some_and(|name| name.rsplit('.').next() == Some("slice")))
}

/// systemd prefixes `_` to a name that would collide with a cgroup file of the kernel.
fn unit_name(part: &str) -> Option<&str> {
    let name = part.strip_prefix('_').unwrap_or(part);
    let (stem, kind) = name.rsplit_once('.')?;
    let known = ["service", "scope", "slice", "socket", "mount", "swap"].contains(&kind);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    (known && !stem.is_empty() && name.len() <= 255 && name.bytes().all(allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(path: &str) -> Option<(String, Scope)> {
        unit_of_path(path).map(|unit| (unit.name, unit.scope))
    }

    #[test]
    fn cgroup_path_has_unit_and_scope() {
        for (path, name, scope) in [
            ("/system.slice/nginx.service", "nginx.service", Scope::System),
            ("/system.slice/nginx.service/worker/1", "nginx.service", Scope::System),
            ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", Scope::System),
            ("/-.slice/x.service", "x.service", Scope::System),
            ("/init.scope", "init.scope", Scope::System),
            ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", Scope::System),
            ("/user.slice/user-1000.slice/user@1000.service", "user@1000.service", Scope::System),
            ("/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", Scope::User),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.slice/x.service",
                "x.service",
                Scope::User,
            ),
            ("/system.slice/_cgroup.events.service", "cgroup.events.service", Scope::System),
            (r"/system.slice/a\x2db.service", r"a\x2db.service", Scope::System),
        ] {
            assert_eq!(unit(path), Some((name.to_owned(), scope)), "{path}");
        }
    }

    #[test]
    fn cgroup_path_without_a_unit_has_no_unit() {
        for path in [
            "/",
            "",
            "/docker/0123456789abcdef",
            "/system.slice",
            "/../../init.scope",
            "/system.slice/-*.service ",
            "/system.slice/.service",
            "/system.slice/a b.service",
            "/kubepods/burstable/pod1/abc",
        ] {
            assert_eq!(unit(path), None, "{path}");
        }
    }

    #[test]
    fn line_of_systemds_hierarchy_is_chosen() {
        let unified = "0::/system.slice/a.service\n";
        assert_eq!(systemd_path(unified, None).unwrap(), "/system.slice/a.service");
        let legacy = "12:pids:/x\n3:cpu,cpuacct:/y\n1:name=systemd:/system.slice/a.service\n";
        assert_eq!(systemd_path(legacy, None).unwrap(), "/system.slice/a.service");
        let hybrid = "1:name=systemd:/\n0::/system.slice/a.service\n";
        assert_eq!(systemd_path(hybrid, None).unwrap(), "/system.slice/a.service");
        assert_eq!(systemd_path("0::/\n9:name=systemd:/\n", None).unwrap(), "/");
        assert_eq!(systemd_path("4:memory:/x\n", None), None);
        assert_eq!(systemd_path("nonsense\n::\n", None), None);
    }

    #[test]
    fn cgroup_path_with_a_colon_or_deleted_mark_is_read() {
        assert_eq!(
            systemd_path("0::/system.slice/a:b.service (deleted)", None).unwrap(),
            "/system.slice/a:b.service"
        );
    }

    #[test]
    fn root_of_a_systemd_in_a_container_is_removed() {
        let own = "0::/lxc/box/system.slice/a.service";
        assert_eq!(systemd_path(own, Some("0::/lxc/box/init.scope")).unwrap(), "/system.slice/a.service");
        assert_eq!(systemd_path("0::/lxc/box", Some("0::/lxc/box/init.scope")).unwrap(), "/");
        assert_eq!(systemd_path(own, Some("0::/init.scope")).unwrap(), "/lxc/box/system.slice/a.service");
        assert_eq!(systemd_path("0::/lxc/boxer/a", Some("0::/lxc/box/init.scope")).unwrap(), "/lxc/boxer/a");
    }
}
