//! Resolves the users, groups, paths and descriptors of a spec on this machine, before anything is changed.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use svcadapt_spec::environment_file::BrokenLine;
use svcadapt_spec::{
    EnvironmentFile, FileMode, Input, Output, Presence, Preserve, Probe, Resource, ServiceSpec, ServiceType,
    SocketKind, Timespan, environment_file,
};

use super::failure::{PID_FILE, service_label};
use super::{account, closest_limit, credentials, dynamic_user, log_file, program};
use crate::error::StepError;
use crate::logs;
use crate::plan::{
    Account, CREDENTIALS_DIRECTORY, CallerState, Note, Reaper, Resolution, StartedBy, StepLabel,
    StreamSocket, store_size,
};
use crate::registry;
use crate::registry::pid_file;
use crate::registry::pid_file::PidFileError;
use crate::sys::launchd::Refusal;
use crate::sys::limits::NOFILE;
use crate::sys::{descendants, error_text, fd, file, identity, launchd, limits, process, process_settings};

/// systemd's exit status for passed descriptors (systemd.exec(5)).
const DESCRIPTORS: u8 = 202;

/// A larger environment file is not read.
const MAX_ENVIRONMENT_FILE_BYTES: u64 = 1024 * 1024;

/// Looks everything up and changes nothing. All errors are returned at once. Notes are added for what is ignored or
/// softened, as systemd does.
pub fn resolve(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> Result<Resolution, Vec<StepError>> {
    let (mut resolved, mut failures) = look_up(spec, started_by, inherited);
    let environment = crate::plan::environment(spec, &resolved, started_by);
    // A missing root directory is already reported; nothing can be found in it.
    if spec.root_directory.as_ref().is_none_or(|root| root.as_path().is_dir()) {
        match program::find(spec, &resolved.account, &environment) {
            Ok(program) => resolved.program = program,
            Err(failure) => failures.push(failure),
        }
    }
    let managed = started_by == StartedBy::Manager;
    let notified = managed && resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET");
    if notified && spec.ready.contains(&Probe::Notify) && spec.ready.len() > 1 {
        let cause = "the manager takes READY=1 from the program and would not wait for the other probes";
        failures
            .push(StepError::about("ready", "notify", cause, 2).hint("leave out notify or the other probes"));
    }
    let watched = managed && resolved.inherited.iter().any(|(name, _)| name == "WATCHDOG_USEC");
    let time = spec.watchdog.and_then(Timespan::finite).filter(|time| !time.is_zero());
    if let (Some(probe), None, false) = (&spec.watchdog_probe, time, watched) {
        let cause = "there is no watchdog that it could feed";
        let failure = StepError::about("watchdog probe", probe.to_string(), cause, 2);
        failures.push(failure.hint("give its time with --watchdog-sec TIME"));
    }
    if failures.is_empty() { Ok(resolved) } else { Err(failures) }
}

/// The same for a program that becomes the service in place: it is already running, and may lie outside its root
/// directory.
pub fn resolve_itself(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> Result<Resolution, Vec<StepError>> {
    let (resolved, failures) = look_up(spec, started_by, inherited);
    let program = spec.command.program.clone().into();
    if failures.is_empty() { Ok(Resolution { program, ..resolved }) } else { Err(failures) }
}

/// Resolves everything but the program, in the order of the steps: the first failure sets the exit status.
fn look_up(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> (Resolution, Vec<StepError>) {
    let (mut failures, mut notes) = (Vec::new(), Vec::new());
    let mut caller = caller(&inherited);
    closest_limit::find(spec, &mut caller, &mut notes);
    notes.extend(foreign_personality(spec));
    let account = account::resolve(spec, started_by, &caller, &mut failures);
    notes.extend(dynamic_user::note(&account));
    let files = spec.environment.files.iter();
    let from_files =
        files.flat_map(|file| read_environment_file(file, &account, &mut failures, &mut notes)).collect();
    let lock = registry::path(spec.name.as_ref(), spec.pid_file.as_ref());
    if lock.is_some() {
        caller.descriptors = limits::get(NOFILE).ok().and_then(|(soft, _)| i32::try_from(soft).ok());
    }
    let credentials = credentials::place(spec, &caller, lock.as_deref());
    let socket_owner = account::socket_owner(spec, &caller, &mut failures);
    let own_log = logs::used_log(spec);
    let mut resolved = Resolution {
        credentials,
        account,
        caller,
        program: "/".into(),
        inherited,
        from_files,
        socket_owner,
        lock,
        own_log,
        control_group: None,
        notes,
    };
    match resolved.caller.passed_descriptors.len() {
        0 => activate(spec, &mut resolved.caller, &mut failures),
        passed if passed < spec.sockets.listen.len() => {
            let cause =
                format!("the manager has passed only {passed} of {} sockets", spec.sockets.listen.len());
            let failure = StepError::about("listen", "LISTEN_FDS", cause, DESCRIPTORS);
            failures.push(failure.hint("list all of them in its .socket unit"));
        }
        _ => {}
    }
    // systemd keeps them.
    let heard = started_by == StartedBy::Manager
        && resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET");
    if store_size(spec) > 0 && spec.descriptor_store_preserve == Some(Preserve::Yes) && !heard {
        let cause = "a stop closes the stored descriptors; a restart keeps them".to_owned();
        let object = "FileDescriptorStorePreserve=yes".to_owned();
        resolved.notes.push(Note { stage: "descriptor store", object, cause, hint: None });
    }
    if spec.sockets.accepts() && resolved.caller.passed_descriptors.is_empty() {
        check_connections(spec, &mut resolved.notes, &mut failures);
    }
    if spec.name.is_none() && !spec.credentials.is_empty() {
        let cause = "a service without a name has no directory for them";
        failures.push(StepError::about("credentials", CREDENTIALS_DIRECTORY, cause, 2).hint("set --name"));
    }
    check_paths(spec, &resolved, started_by, &mut failures);
    (resolved, failures)
}

/// What a service with a process for each connection cannot have.
fn check_connections(spec: &ServiceSpec, notes: &mut Vec<Note>, failures: &mut Vec<StepError>) {
    for socket in spec.sockets.listen.iter().filter(|socket| !socket.has_connections()) {
        let cause = match socket.kind {
            SocketKind::Datagram => "a socket for datagrams has no connections that could be accepted",
            _ => "it has no connections that could be accepted",
        };
        let failure = StepError::about("listen", socket.address.to_string(), cause, DESCRIPTORS);
        failures.push(failure.hint("use --listen-stream, or leave out --accept"));
    }
    let commands = &spec.commands;
    let all = [
        ("ExecCondition=", commands.condition.len()),
        ("ExecStartPre=", commands.start_pre.len()),
        ("ExecStartPost=", commands.start_post.len()),
        ("ExecStop=", commands.stop.len()),
        ("ExecStopPost=", commands.stop_post.len()),
    ];
    for (directive, _) in all.into_iter().filter(|(_, count)| *count > 0) {
        let cause = "not executed for each connection".to_owned();
        notes.push(Note { stage: "accept", object: directive.to_owned(), cause, hint: None });
    }
}

/// The note for a personality in a unit that the processors of this machine do not have; systemd ignores it.
fn foreign_personality(spec: &ServiceSpec) -> Option<Note> {
    let machine = spec.process.personality.filter(|_| spec.native.systemd.is_some())?;
    let cause = "ignored: the processors of this machine do not have it".to_owned();
    let foreign = !process_settings::has_personality(machine.name());
    foreign.then(|| Note { stage: "personality", object: machine.to_string(), cause, hint: None })
}

/// Below a manager and as process 1, a service whose lock cannot be created runs without lock and record. The manager
/// knows its process and starts no second one.
pub fn do_without_state(spec: &ServiceSpec, resolved: &mut Resolution) {
    let Some(path) = resolved.lock.clone() else { return };
    let Some(obstacle) = registry::obstacle() else { return };
    let StepLabel { stage, .. } = StepLabel::lock(&path);
    let cause = format!("started without a lock, so status and stop cannot find this service: {obstacle}");
    resolved.notes.push(Note { stage, object: service_label(spec), cause, hint: obstacle.hint });
    resolved.lock = None;
}

/// The state of this process.
pub fn caller(inherited: &[(OsString, OsString)]) -> CallerState {
    let identity::ProcessIdentity { uid, gid, groups, ids_are_final } =
        identity::current().unwrap_or_default();
    let umask = file::set_umask(0o077);
    file::set_umask(umask);
    let variable = |name: &str| {
        let (_, value) = inherited.iter().find(|(known, _)| known == name)?;
        value.to_str()?.parse::<i32>().ok()
    };
    let passed = match (variable("LISTEN_PID"), variable("LISTEN_FDS")) {
        // No manager passes a thousand sockets. A closed descriptor was not passed.
        (Some(pid), Some(count @ 1..=1000)) if pid == process::own_pid() => {
            (3..3 + count).filter(|&number| fd::is_open(number)).collect()
        }
        _ => Vec::new(),
    };
    CallerState {
        uid,
        gid,
        groups,
        ids_are_final,
        umask: FileMode::parse_umask(OsString::from(format!("{umask:o}")).as_os_str()).ok(),
        working_directory: std::env::current_dir().ok(),
        runtime_directory: registry::runtime_directory(),
        nice: limits::nice().ok(),
        oom_score_adjust: limits::oom_score_adjust().ok(),
        descriptors: None,
        limits: Resource::ALL.into_iter().filter(|resource| limits::exists(resource.name())).collect(),
        terminal: process::own_pid() == 1 && io::stdin().is_terminal(),
        passed_descriptors: passed,
        stored: 0,
        orphans: if descendants::HAS_SUBREAPER { Reaper::Subreaper } else { Reaper::Init },
        launchd_descriptors: Vec::new(),
        highest_limits: BTreeMap::new(),
        lowest_nice: None,
        lowest_oom_score: None,
    }
}

/// Takes the sockets that launchd has opened, if launchd started this process and its property list names them.
/// launchd gives them to a process once; nothing else changes.
fn activate(spec: &ServiceSpec, caller: &mut CallerState, failures: &mut Vec<StepError>) {
    if spec.sockets.listen.is_empty() || spec.sockets.launchd_activation {
        return;
    }
    let name = spec.launchd_sockets();
    // A name cannot contain NUL.
    let Ok(key) = CString::new(name.as_str()) else { return };
    let cause = match launchd::take(&key) {
        Ok(given) => {
            caller.launchd_descriptors = given;
            return;
        }
        Err(Refusal::NoSuchSocket | Refusal::NotManaged | Refusal::NotThisPlatform) => return,
        Err(Refusal::AlreadyActivated) => "launchd has already passed them to this process",
        Err(Refusal::Unknown) => "launchd did not pass them, for an unknown reason",
    };
    failures.push(StepError::about("launchd sockets", name, cause, DESCRIPTORS));
}

/// The assignments of an environment file. As in systemd, an invalid line is ignored with a warning.
fn read_environment_file(
    file: &EnvironmentFile,
    account: &Account,
    failures: &mut Vec<StepError>,
    notes: &mut Vec<Note>,
) -> Vec<(OsString, OsString)> {
    const STAGE: &str = "environment file";
    let path = file.path.as_path();
    let text = match account::open_for(path, account, || read(path)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.presence == Presence::Optional => {
            return Vec::new();
        }
        Err(error) => {
            failures.push(StepError::kernel("environment file", path.display().to_string(), &error, 2));
            return Vec::new();
        }
    };
    let place = |broken: &BrokenLine| format!("{}:{}", path.display(), broken.line);
    let content = environment_file::parse(&text);
    failures.extend(content.refused.into_iter().map(|broken| {
        let failure = StepError::about(STAGE, place(&broken), broken.error.cause, 2);
        StepError { hint: broken.error.hint, ..failure }
    }));
    notes.extend(content.ignored.into_iter().map(|broken| Note {
        stage: STAGE,
        object: place(&broken),
        cause: broken.error.cause,
        hint: broken.error.hint,
    }));
    content.assignments.into_iter().map(|one| (one.name.as_str().into(), one.value)).collect()
}

/// Reads an environment file. Only a regular file is opened: a FIFO or a device could block.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let open = file::open_regular(path)?;
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(open, MAX_ENVIRONMENT_FILE_BYTES + 1), &mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_ENVIRONMENT_FILE_BYTES) {
        return Err(io::Error::other(format!("longer than {MAX_ENVIRONMENT_FILE_BYTES} bytes")));
    }
    Ok(text)
}

/// Checks every path that must exist, or in which something will be created.
fn check_paths(
    spec: &ServiceSpec,
    resolved: &Resolution,
    started_by: StartedBy,
    failures: &mut Vec<StepError>,
) {
    let root = spec.root_directory.as_ref().map_or(Path::new("/"), |root| root.as_path());
    let account = &resolved.account;
    if let Some(path) = &spec.root_directory
        && let Err(error) = check_directory(path.as_path(), account)
    {
        failures.push(StepError::kernel("root directory", path.to_string(), &error, 210));
    }
    if let Some(path) = &spec.working_directory {
        // A directory that a step creates does not exist yet.
        let inside = program::in_root(root, path.as_path());
        if !will_be_created(spec, resolved, started_by, path.as_path())
            && let Err(error) = check_directory(&inside, account)
        {
            failures.push(StepError::kernel("working directory", path.to_string(), &error, 200));
        }
    }
    if let Some(Input::File(path)) = &spec.standard_input
        && let Err(error) = account::look_for(account, || fs::metadata(path))
    {
        failures.push(StepError::kernel("standard input", format!("file:{path}"), &error, 208));
    }
    for (output, stage, status) in
        [(&spec.standard_output, "standard output", 209), (&spec.standard_error, "standard error", 222)]
    {
        let path = match output {
            Some(Output::File(_, path)) => path,
            Some(Output::Descriptor(number)) if !fd::is_open(*number) => {
                let cause = "no such descriptor is open";
                failures.push(StepError::about(stage, format!("/dev/fd/{number}"), cause, status));
                continue;
            }
            _ => continue,
        };
        // A file of both was reported for the output.
        if stage == "standard error" && spec.standard_error == spec.standard_output {
            continue;
        }
        // Its directory is made at the start.
        if resolved.own_log.as_deref() == Some(path.as_path()) {
            continue;
        }
        let parent = path.as_path().parent().unwrap_or(Path::new("/"));
        if !will_be_created(spec, resolved, started_by, parent) {
            let (cause, errno) = match check_directory(parent, account) {
                Err(error) => (format!("its directory: {}", error_text(&error)), error.raw_os_error()),
                Ok(()) if check_directory(path.as_path(), account).is_ok() => {
                    ("it is a directory".to_owned(), None)
                }
                Ok(()) => continue,
            };
            let service_label = output.as_ref().map(ToString::to_string).unwrap_or_default();
            failures.push(StepError { errno, ..StepError::about(stage, service_label, cause, status) });
        }
    }
    failures.extend(log_file::check(spec));
    let own_error =
        spec.standard_error.as_ref().filter(|error| spec.standard_output.as_ref() != Some(*error));
    let sockets = [
        ("standard input", 208, spec.standard_input.as_ref().and_then(StreamSocket::of_input)),
        ("standard output", 209, spec.standard_output.as_ref().and_then(StreamSocket::of_output)),
        ("standard error", 222, own_error.and_then(StreamSocket::of_output)),
    ];
    for (stage, status, socket) in sockets {
        if let Some(socket) = socket
            && let Err(cause) = socket.descriptor(spec, resolved)
        {
            let object = match socket {
                StreamSocket::Only => "socket".to_owned(),
                StreamSocket::Named(name) => format!("fd:{name}"),
            };
            let hint = "--listen-stream makes a socket, --file-descriptor-name names it";
            failures.push(StepError::about(stage, object, cause, status).hint(hint));
        }
    }
    for (stage, numbers) in [
        ("files to preserve", spec.files_preserve.as_slice()),
        ("notification fd", spec.notification_fd.as_slice()),
    ] {
        let closed = numbers.iter().filter(|number| !fd::is_open(**number));
        let failure =
            |number: &i32| StepError::about(stage, number.to_string(), "no such descriptor is open", 202);
        failures.extend(closed.map(failure));
    }
    // A forking program writes the pid file itself; its content is trusted only if it names a process of this
    // program.
    if let Some(path) = spec.pid_file.as_ref().filter(|_| spec.service_type != Some(ServiceType::Forking))
        && let Err(untrusted) = check_pid_file(spec, resolved, started_by, path.as_path())
    {
        let failure = StepError::about("pid file", path.to_string(), untrusted.cause, PID_FILE);
        failures.push(StepError { hint: untrusted.hint, errno: untrusted.errno, ..failure });
    }
}

/// Checks the place of the pid file. In a directory of the service, the file is written with the service's rights
/// after the directory was created.
fn check_pid_file(
    spec: &ServiceSpec,
    resolved: &Resolution,
    started_by: StartedBy,
    path: &Path,
) -> Result<(), PidFileError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let account = &resolved.account;
    let check = || pid_file::check(path, account::judge(account));
    if !will_be_created(spec, resolved, started_by, parent) {
        return check();
    }
    // A directory with another owner is first given to the service.
    match fs::metadata(parent) {
        Ok(found) if found.uid() != account.uid => Ok(()),
        Ok(_) if resolved.caller.is_root() && account.uid != 0 => {
            account::with_service_rights(account, || Ok(check()))?
        }
        Ok(_) => check(),
        Err(_) => Ok(()),
    }
}

fn check_directory(path: &Path, account: &Account) -> io::Result<()> {
    match account::look_for(account, || fs::metadata(path)) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::other("it is not a directory")),
        Err(error) => Err(error),
    }
}

/// Whether a directory is, or lies in, one that will be created for the service.
fn will_be_created(spec: &ServiceSpec, resolved: &Resolution, started_by: StartedBy, path: &Path) -> bool {
    let made = spec.directories.iter().map(|one| resolved.place(started_by, one).into_path());
    let text = path.as_os_str().as_bytes();
    !text.is_empty() && made.into_iter().any(|made| path.starts_with(made))
}
