//! The environment of the program, as a pure function of the spec and the host.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use svcadapt_spec::{DirectoryKind, EnvironmentBase, ServiceSpec};

use super::{CREDENTIALS_DIRECTORY, Resolution, StartedBy, is_socket_a_stream};

/// The default `PATH`, as in systemd (systemd.exec(5)).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Protocol variables of a manager. They are meant for the one process that it started, so only a program that takes the
/// place of this process inherits them: any other program could send notifications in its name.
const PROTOCOL: [&str; 12] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
    "MAINPID",
    "SYSTEMD_EXEC_PID",
    "FDSTORE",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
];

/// The variables of socket passing (sd_listen_fds(3)).
const SOCKETS: [&str; 4] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES"];

/// Variables that hold the pid of the process that they are meant for.
const PID_VARIABLES: [&str; 3] = ["LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"];

/// Replaces the pid `from` by `to` in a variable that holds the pid of the process that it is meant for.
pub fn readdress(name: &OsStr, value: &mut OsString, from: i32, to: i32) {
    if PID_VARIABLES.iter().any(|meant| name == *meant) && *value == *from.to_string() {
        *value = to.to_string().into();
    }
}

/// The variable in which `svcadapt run` passes the program's pid and start time. A process that inherits it can see that it
/// is not meant. systemd's `SYSTEMD_EXEC_PID` has the same purpose (systemd.exec(5)).
pub const STARTED_AS: &str = "SVCADAPT_PROCESS";

/// The suffix of [`STARTED_AS`] for a program with `Type=forking`, which must fork itself into the background. It also
/// identifies the program's processes.
pub const FORKING: &str = ":forking";

/// The value of [`STARTED_AS`] for a process.
pub fn started_as(pid: i32, start_time: u64) -> String {
    format!("{pid}:{start_time}")
}

/// Builds the environment, sorted by name.
///
/// Sources in order, later ones override earlier ones: the caller's environment (all of it, or the passed variables);
/// `PATH`; the account; the directories; `Environment=`; environment files. Then `UnsetEnvironment=` is removed
/// (systemd.exec(5), "Environment Variables in Spawned Processes").
pub fn environment(
    spec: &ServiceSpec,
    resolved: &Resolution,
    started_by: StartedBy,
) -> BTreeMap<OsString, OsString> {
    let settings = &spec.environment;
    let supervised = started_by == StartedBy::Manager;
    let base =
        settings.base.unwrap_or(if supervised { EnvironmentBase::Inherited } else { EnvironmentBase::Clean });
    // Descriptors count as passed only if LISTEN_PID is this process, also from systemd-socket-activate(1), which is no
    // manager.
    let passed = !resolved.caller.passed_descriptors.is_empty();
    let keep = |name: &OsStr| {
        if name == STARTED_AS {
            // It was meant for the caller.
            false
        } else if is_socket_a_stream(spec) && SOCKETS.iter().any(|known| name == *known) {
            false
        } else if passed && SOCKETS.iter().any(|known| name == *known) {
            true
        } else if PROTOCOL.iter().any(|known| name == *known) {
            supervised
        } else {
            base == EnvironmentBase::Inherited || settings.pass.iter().any(|passed| name == passed.as_str())
        }
    };
    let inherited = resolved.inherited.iter().filter(|(name, _)| keep(name));
    let mut variables: BTreeMap<OsString, OsString> = inherited.cloned().collect();
    variables.entry("PATH".into()).or_insert_with(|| DEFAULT_PATH.into());
    // For root only if User= is set, as in systemd (systemd.exec(5), "$USER").
    let own = base == EnvironmentBase::Clean && !resolved.caller.is_root();
    if (own || spec.user.is_some() || resolved.account.is_dynamic)
        && let Some(entry) = &resolved.account.entry
    {
        // A home directory that is `/` and a shell that permits no login say nothing; systemd leaves them out, too.
        let home = (entry.home != "/").then_some(&entry.home);
        let shell = Some(&entry.shell).filter(|shell| !is_nologin(shell));
        let account =
            [("USER", Some(&entry.name)), ("LOGNAME", Some(&entry.name)), ("HOME", home), ("SHELL", shell)];
        variables.extend(account.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into()))));
    }
    if let Some(path) = spec.pid_file.as_ref().or(spec.removed_pid_file.as_ref()) {
        variables.insert("PIDFILE".into(), path.as_path().into());
    }
    for kind in DirectoryKind::ALL {
        let paths = spec
            .directories
            .iter()
            .filter(|d| d.kind == kind)
            .map(|d| resolved.place(started_by, d).into_path());
        let list = paths.map(std::path::PathBuf::into_os_string).collect::<Vec<_>>().join(OsStr::new(":"));
        if !list.is_empty() {
            variables.insert(kind.variable().into(), list);
        }
    }
    if let Some(place) = resolved.credentials(started_by) {
        variables.insert(CREDENTIALS_DIRECTORY.into(), place.into_path().into());
    }
    variables.extend(settings.assignments.iter().map(|a| (a.name.as_str().into(), a.value.clone())));
    variables.extend(resolved.from_files.iter().cloned());
    variables.retain(|name, _| !settings.unset.iter().any(|unset| name == unset.as_str()));
    variables
}

/// Whether a login shell only refuses a login (nologin(8)).
fn is_nologin(shell: &str) -> bool {
    ["nologin", "false", "true", ""].contains(&shell.rsplit('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::Field;

    use super::super::tests::{resolved, spec};
    use super::*;

    fn build(fields: &[(Field, &str)], inherited: &[(&str, &str)], started_by: StartedBy) -> Vec<String> {
        let mut resolved = resolved();
        resolved.inherited = inherited.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        environment(&spec(fields), &resolved, started_by)
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect()
    }

    const DIRTY: [(&str, &str); 4] =
        [("LD_PRELOAD", "/x"), ("NOTIFY_SOCKET", "/n"), ("PATH", "/evil"), ("SECRET", "s")];

    #[test]
    fn untrusted_environment_is_not_inherited() {
        let path = format!("PATH={DEFAULT_PATH}");
        let account = ["HOME=/nonexistent", "LOGNAME=nobody", path.as_str(), "USER=nobody"];
        assert_eq!(build(&[(Field::User, "nobody")], &DIRTY, StartedBy::Nobody), account);
        assert_eq!(build(&[], &DIRTY, StartedBy::Nobody), [path.as_str()]);
        let passed = build(&[(Field::PassEnvironment, "SECRET NOTIFY_SOCKET")], &DIRTY, StartedBy::Nobody);
        assert_eq!(passed.len(), 2);
        assert!(passed.contains(&"SECRET=s".to_owned()));
    }

    #[test]
    fn environment_of_a_manager_is_inherited_with_its_protocol() {
        let all = build(&[], &DIRTY, StartedBy::Manager);
        assert_eq!(all, ["LD_PRELOAD=/x", "NOTIFY_SOCKET=/n", "PATH=/evil", "SECRET=s"]);
        let inherited = [("PATH", "/x"), ("SVCADAPT_PROCESS", "7:7")];
        assert_eq!(build(&[], &inherited, StartedBy::Manager), ["PATH=/x"], "it was meant for the caller");
        let clean = build(&[(Field::CleanEnvironment, "yes")], &DIRTY, StartedBy::Manager);
        assert!(clean.contains(&"NOTIFY_SOCKET=/n".to_owned()) && !clean.contains(&"SECRET=s".to_owned()));
        let dirty = build(&[(Field::CleanEnvironment, "no")], &DIRTY, StartedBy::Nobody);
        assert!(!dirty.contains(&"NOTIFY_SOCKET=/n".to_owned()) && dirty.contains(&"SECRET=s".to_owned()));
    }

    #[test]
    fn pid_file_is_named_and_a_home_that_is_the_root_is_not() {
        let mut resolved = resolved();
        resolved.account.entry.as_mut().unwrap().home = "/".to_owned();
        let fields = [(Field::User, "nobody"), (Field::PidFile, "/run/web.pid")];
        let all = environment(&spec(&fields), &resolved, StartedBy::Nobody);
        assert_eq!(all.get(OsStr::new("PIDFILE")), Some(&"/run/web.pid".into()));
        assert!(!all.contains_key(OsStr::new("HOME")) && !all.contains_key(OsStr::new("SHELL")));
    }

    #[test]
    fn passed_sockets_keep_their_variables_without_a_manager() {
        let variables = [("LISTEN_FDS", "1"), ("LISTEN_PID", "7"), ("NOTIFY_SOCKET", "/n")];
        let mut resolved = resolved();
        resolved.inherited = variables.map(|(name, value)| (name.into(), value.into())).into();
        resolved.caller.passed_descriptors = vec![3];
        let all = environment(&spec(&[]), &resolved, StartedBy::Nobody);
        let has = |name: &str| all.contains_key(OsStr::new(name));
        assert!(has("LISTEN_FDS") && has("LISTEN_PID") && !has("NOTIFY_SOCKET"));
    }

    #[test]
    fn later_sources_override_and_unset_removes() {
        let fields = [
            (Field::Environment, "A=1"),
            (Field::Environment, "A=2"),
            (Field::Environment, "HOME=/h"),
            (Field::Environment, "B=1"),
            (Field::UnsetEnvironment, "B,SHELL"),
            (Field::Directory(DirectoryKind::Runtime), "a b/c"),
        ];
        let all = build(&fields, &[], StartedBy::Nobody);
        assert!(all.contains(&"A=2".to_owned()) && all.contains(&"HOME=/h".to_owned()));
        assert!(all.contains(&"RUNTIME_DIRECTORY=/run/a:/run/b/c".to_owned()));
        assert!(!all.iter().any(|v| v.starts_with("B=") || v.starts_with("SHELL=")));
    }
}
