//! The directives of each level, and the reasons for those that are left out.

use svcadapt_spec::{Field, Origin, SpecDraft};

use super::*;
use crate::directive::Version;
use crate::divide::divide;

fn spec(words: &[&str], values: &[(Field, &str)]) -> ServiceSpec {
    let mut draft = SpecDraft::new();
    draft.command(words.iter().map(Into::into).collect());
    for &(field, value) in values {
        draft.assign(field, value, Origin::Option);
    }
    draft.finish().unwrap()
}

fn hardened_for(spec: &ServiceSpec, level: Level, host: Systemd) -> Hardening {
    let division = divide(spec, Target::Systemd(host));
    harden(spec, &division, Path::new("/usr/bin/svcadapt"), level, Network::of(spec)).unwrap()
}

fn strict(words: &[&str], values: &[(Field, &str)]) -> Hardening {
    hardened_for(&spec(words, values), Level::Strict, Systemd::default())
}

/// The values of a directive.
fn set(hardening: &Hardening, directive: &str) -> Vec<String> {
    let rows = hardening.set.iter().filter(|set| set.directive == directive);
    rows.map(|set| set.value.to_str().unwrap().to_owned()).collect()
}

/// Why a directive is left out. Empty if it is not.
fn why<'a>(hardening: &'a Hardening, directive: &str) -> &'a str {
    hardening.left_out.iter().find(|gone| gone.directive == directive).map_or("", |gone| &gone.why)
}

fn version(number: &str) -> Systemd {
    Systemd { version: Version::parse(number.as_ref()).unwrap(), scope: Scope::System }
}

#[test]
fn level_none_sets_nothing_and_leaves_nothing_out() {
    let spec = spec(&["/bin/web"], &[]);
    assert_eq!(hardened_for(&spec, Level::None, Systemd::default()), Hardening::default());
    let division = divide(&spec, Target::Classic);
    let none = harden(&spec, &division, Path::new("/x"), Level::Strict, Network::Own).unwrap();
    assert_eq!(none, Hardening::default());
}

#[test]
fn each_row_is_a_known_security_directive() {
    for row in ROWS {
        let known = directive(Section::Service, row.directive).unwrap_or_else(|| panic!("{}", row.directive));
        let opens = ["ReadWritePaths", "AmbientCapabilities", "SystemCallErrorNumber", "NotifyAccess"];
        assert!(known.security || opens.contains(&row.directive), "{}", row.directive);
        assert!(!row.levels.is_empty() && !row.why.is_empty());
    }
}

#[test]
fn each_version_gets_only_known_directives() {
    for number in 239..=262 {
        let host = version(&number.to_string());
        for level in [Level::Baseline, Level::Strict] {
            let hardening = hardened_for(&spec(&["/bin/web"], &[]), level, host);
            for set in &hardening.set {
                let known = directive(Section::Service, set.directive).unwrap();
                assert!(known.known_to(host.version), "{number} {set}");
                assert!(known.takes(set.value.to_str().unwrap(), host.version), "{number} {set}");
            }
        }
    }
    let old = hardened_for(&spec(&["/bin/web"], &[]), Level::Strict, version("239"));
    assert_eq!(why(&old, "ProtectProc"), "systemd 239 does not know it; it is new in 247");
    assert_eq!(why(&old, "RestrictSUIDSGID"), "systemd 239 does not know it; it is new in 242");
}

#[test]
fn user_manager_gets_only_supported_directives() {
    let host = Systemd { scope: Scope::User, ..Systemd::default() };
    let hardening = hardened_for(&spec(&["/bin/web"], &[(Field::Ready, "unix:/etc/x")]), Level::Strict, host);
    let names: Vec<&str> = hardening.set.iter().map(|set| set.directive).collect();
    assert_eq!(
        names,
        [
            "NoNewPrivileges",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "SystemCallArchitectures",
            "SystemCallFilter",
            "SystemCallFilter",
            "SystemCallFilter",
            "SystemCallErrorNumber",
        ]
    );
    assert!(why(&hardening, "PrivateTmp").contains("only the system manager"));
    assert!(why(&hardening, "PrivateUsers").contains("kernel"));
}

#[test]
fn directive_of_the_spec_takes_precedence() {
    let values = [
        (Field::User, "web"),
        (Field::Umask, "022"),
        (Field::NoNewPrivileges, "yes"),
        (Field::CapabilityBoundingSet, "CAP_KILL"),
    ];
    let hardening = strict(&["/bin/web"], &values);
    for directive in ["UMask", "NoNewPrivileges", "CapabilityBoundingSet"] {
        assert_eq!(set(&hardening, directive), [""; 0], "{directive}");
        assert_eq!(why(&hardening, directive), "the service sets it itself");
    }
    assert_eq!(why(&hardening, "DynamicUser"), "the service sets its own user or group");
}

#[test]
fn capabilities_follow_the_port() {
    let own = strict(&["/bin/web"], &[(Field::Ready, "tcp:8080")]);
    assert_eq!(set(&own, "CapabilityBoundingSet"), [""]);
    assert_eq!(set(&own, "AmbientCapabilities"), [""; 0]);
    assert_eq!(set(&own, "PrivateUsers"), ["yes"]);
    let low = strict(&["/bin/web"], &[(Field::Ready, "tcp:80")]);
    assert_eq!(set(&low, "CapabilityBoundingSet"), ["CAP_NET_BIND_SERVICE"]);
    assert_eq!(set(&low, "AmbientCapabilities"), ["CAP_NET_BIND_SERVICE"]);
    assert!(why(&low, "PrivateUsers").contains("CAP_NET_BIND_SERVICE"));
    let given = strict(&["/bin/web"], &[(Field::AmbientCapabilities, "CAP_SYS_TIME")]);
    assert_eq!(set(&given, "CapabilityBoundingSet"), ["CAP_SYS_TIME"]);
    assert!(why(&given, "ProtectClock").contains("CAP_SYS_TIME"));
    assert!(why(&given, "PrivateUsers").contains("CAP_SYS_TIME"));
    assert_eq!(set(&given, "SystemCallFilter"), ["@system-service", "~@resources"]);
    let other = strict(&["/bin/web"], &[(Field::User, "web"), (Field::Ready, "tcp:80")]);
    assert_eq!(set(&other, "AmbientCapabilities"), [""; 0]);
    assert!(why(&other, "AmbientCapabilities").contains("grants no rights"));
    let root = strict(&["/bin/web"], &[(Field::User, "root"), (Field::Ready, "tcp:80")]);
    assert_eq!(set(&root, "AmbientCapabilities"), [""; 0]);
    assert!(why(&root, "CapabilityBoundingSet").contains("changes its user itself"));
}

#[test]
fn passed_sockets_need_no_network() {
    let spec = spec(&["/bin/web"], &[]);
    let division = divide(&spec, Target::Systemd(Systemd::default()));
    let activated = harden(&spec, &division, Path::new("/x"), Level::Strict, Network::Activated).unwrap();
    assert_eq!(set(&activated, "PrivateNetwork"), ["yes"]);
    assert_eq!(set(&activated, "IPAddressDeny"), ["any"]);
    assert_eq!(set(&activated, "RestrictAddressFamilies"), ["AF_UNIX"]);
    assert_eq!(activated.left_out, []);
}

#[test]
fn written_path_stays_writable() {
    let values = [
        (Field::Directory(svcadapt_spec::DirectoryKind::Runtime), "web"),
        (Field::Ready, "unix:/run/web/a/s"),
        (Field::Ready, "unix:/srv/s"),
        (Field::Ready, "file:/srv/t"),
    ];
    let hardening = strict(&["/bin/web"], &values);
    assert_eq!(set(&hardening, "ReadWritePaths"), ["/srv"]);
    assert!(why(&hardening, "DynamicUser").contains("/srv/"));
    assert!(why(&hardening, "UMask").contains("unix:/run/web/a/s"));
    let baseline = |values: &[(Field, &str)]| {
        set(
            &hardened_for(&spec(&["/bin/web"], values), Level::Baseline, Systemd::default()),
            "ReadWritePaths",
        )
    };
    assert_eq!(baseline(&values), [""; 0]);
    assert_eq!(baseline(&[(Field::Ready, "file:/etc/web/there")]), ["/etc/web"]);
    let rooted = [(Field::RootDirectory, "/jail"), (Field::Type, "forking"), (Field::PidFile, "/run/x.pid")];
    assert_eq!(set(&strict(&["/bin/web"], &rooted), "ReadWritePaths"), ["+/run"]);
}

#[test]
fn named_path_stays_visible() {
    let home = strict(&["/home/me/web", "--config=/etc/web"], &[]);
    assert_eq!(set(&home, "ProtectHome"), ["read-only"]);
    let written = strict(&["/bin/web"], &[(Field::Ready, "unix:/home/me/s")]);
    assert!(why(&written, "ProtectHome").contains("/home/me"));
    for words in [&["/tmp/web"][..], &["/bin/web", "/var/tmp/x"], &["/bin/web", "--file=/tmp/x"]] {
        let temporary = strict(words, &[]);
        assert!(why(&temporary, "PrivateTmp").contains("/tmp/"), "{words:?}");
        assert!(why(&temporary, "DynamicUser").contains("/tmp/"), "{words:?}");
    }
    assert!(why(&strict(&["/bin/web", "/dev/ttyS0"], &[]), "PrivateDevices").contains("/dev/ttyS0"));
    assert_eq!(set(&strict(&["/bin/web", "/dev/null"], &[]), "PrivateDevices"), ["yes"]);
    assert_eq!(set(&strict(&["/bin/web", "/tmporary"], &[]), "PrivateTmp"), ["yes"]);
}

#[test]
fn program_with_jit_keeps_writable_and_executable_memory() {
    let node = strict(&["/usr/bin/node", "app.js"], &[]);
    assert!(why(&node, "MemoryDenyWriteExecute").contains("node"));
    assert!(why(&node, "ProcSubset").contains("node"));
    assert_eq!(set(&strict(&["/bin/web"], &[]), "MemoryDenyWriteExecute"), ["yes"]);
}

#[test]
fn adapter_that_is_root_keeps_its_capabilities() {
    let values = [(Field::User, "web"), (Field::PidFile, "/run/web.pid"), (Field::Ready, "tcp:8080")];
    let hardening = strict(&["/bin/web"], &values);
    let bounding_set = set(&hardening, "CapabilityBoundingSet").concat();
    assert!(
        bounding_set.contains("CAP_SETUID")
            && bounding_set.contains("CAP_CHOWN")
            && !bounding_set.contains("CAP_SYS_ADMIN"),
        "{bounding_set}"
    );
    assert_eq!(set(&hardening, "SystemCallFilter"), ["@system-service", "~@resources"]);
    assert_eq!(set(&hardening, "ReadWritePaths"), ["/run"]);
    for directive in ["PrivateUsers", "ProtectProc", "ProcSubset", "RemoveIPC", "NotifyAccess"] {
        assert_ne!(why(&hardening, directive), "", "{directive}");
    }
    let jailed = strict(&["/bin/web"], &[(Field::RootDirectory, "/jail"), (Field::Ready, "tcp:8080")]);
    assert_eq!(set(&jailed, "SystemCallFilter")[0], "@system-service chroot");
    assert!(set(&jailed, "CapabilityBoundingSet").concat().contains("CAP_SYS_CHROOT"));
}

#[test]
fn log_of_the_adapter_stays_writable_in_the_sandbox() {
    let logs =
        [(Field::StandardOutput, "append:/var/log/web"), (Field::StandardError, "append:/srv/web/err")];
    let spec = spec(&["/bin/web"], &logs);
    let by_adapter = hardened_for(&spec, Level::Strict, version("239"));
    assert_eq!(set(&by_adapter, "ReadWritePaths"), ["/var/log", "/srv/web"]);
    let by_systemd = hardened_for(&spec, Level::Strict, version("240"));
    assert_eq!(set(&by_systemd, "ReadWritePaths"), [""; 0]);
}

#[test]
fn soft_limit_below_hard_limit_stays_changeable() {
    let moved = |value| {
        set(
            &strict(&["/bin/web"], &[(Field::Limit(svcadapt_spec::Resource::Nofile), value)]),
            "SystemCallFilter",
        )
    };
    assert_eq!(moved("1024:4096").len(), 2);
    assert_eq!(moved("4096").len(), 3);
}
