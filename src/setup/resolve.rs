//! Finding out, before anything is changed, whom and what the words of a spec mean on this machine.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use svcadapt_spec::environment_file::BrokenLine;
use svcadapt_spec::{
    EnvironmentFile, FileMode, Input, Output, Presence, Probe, Resource, ServiceSpec, ServiceType,
    environment_file,
};

use super::failure::PID_FILE;
use super::{account, nearest, perform, program};
use crate::error::StepError;
use crate::plan::{Account, CallerState, Note, Reaper, Resolution, StartedBy, Step};
use crate::registry;
use crate::registry::pid_file;
use crate::registry::pid_file::Untrusted;
use crate::sys::launchd::Refusal;
use crate::sys::limits::NOFILE;
use crate::sys::{descendants, error_text, fd, file, identity, launchd, limits, process};

/// systemd's number for the descriptors that a service is passed (systemd.exec(5)).
const DESCRIPTORS: u8 = 202;

/// An environment file that is longer than this is not read.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Looks everything up. What is wrong is told all at once; nothing has been changed then. Notes are made of what is passed
/// over or softened, as systemd does.
pub fn resolve(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> Result<Resolution, Vec<StepError>> {
    let (mut resolved, mut failures) = look_up(spec, started_by, inherited);
    let environment = crate::plan::environment(spec, &resolved, started_by);
    // Nothing is to be found in a root that is not there; that has been told.
    if spec.root_directory.as_ref().is_none_or(|root| root.as_path().is_dir()) {
        match program::find(spec, &resolved.account, &environment) {
            Ok(program) => resolved.program = program,
            Err(failure) => failures.push(failure),
        }
    }
    let managed = started_by == StartedBy::Manager;
    let notified = managed && resolved.inherited.iter().any(|(name, _)| name == "NOTIFY_SOCKET");
    if notified && spec.ready.contains(&Probe::Notify) && spec.ready.len() > 1 {
        let cause = "the manager hears the program itself, and would not wait for the other signs";
        failures.push(StepError::about("ready", "notify", cause, 2).hint("leave out notify, or the others"));
    }
    if failures.is_empty() { Ok(resolved) } else { Err(failures) }
}

/// The same for a program that becomes the service itself: it has been found and executed already, and may well lie
/// outside of its root directory.
pub fn resolve_itself(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> Result<Resolution, Vec<StepError>> {
    let (resolved, failures) = look_up(spec, started_by, inherited);
    let program = spec.command.program.clone().into();
    if failures.is_empty() { Ok(Resolution { program, ..resolved }) } else { Err(failures) }
}

/// Everything but the program, in the order of the steps, whose first failure gives the status.
fn look_up(
    spec: &ServiceSpec,
    started_by: StartedBy,
    inherited: Vec<(OsString, OsString)>,
) -> (Resolution, Vec<StepError>) {
    let (mut failures, mut notes) = (Vec::new(), Vec::new());
    let mut caller = caller(&inherited);
    nearest::look(spec, &mut caller, &mut notes);
    let account = account::resolve(spec, started_by, &caller, &mut failures);
    let files = spec.environment.files.iter();
    let from_files = files.flat_map(|file| variables(file, &account, &mut failures, &mut notes)).collect();
    let lock = registry::path(spec.name.as_ref(), spec.pid_file.as_ref());
    if lock.is_some() {
        caller.descriptors = limits::get(NOFILE).ok().and_then(|(soft, _)| i32::try_from(soft).ok());
    }
    let socket_owner = account::socket_owner(spec, &caller, &mut failures);
    let mut resolved =
        Resolution { account, caller, program: "/".into(), inherited, from_files, socket_owner, lock, notes };
    match resolved.caller.passed_descriptors.len() {
        0 => activate(spec, &mut resolved.caller, &mut failures),
        passed if passed < spec.sockets.listen.len() => {
            let cause =
                format!("the manager has passed only {passed} of {} sockets", spec.sockets.listen.len());
            let failure = StepError::about("listen", "LISTEN_FDS", cause, DESCRIPTORS);
            failures.push(failure.hint("its .socket unit has to name all of them"));
        }
        _ => {}
    }
    places(spec, &resolved, started_by, &mut failures);
    (resolved, failures)
}

/// Below a manager and as process 1: a service whose lock cannot be made does without lock and record. The manager knows its
/// process, and starts no second one.
pub fn do_without_state(spec: &ServiceSpec, resolved: &mut Resolution) {
    let Some(path) = resolved.lock.clone() else { return };
    let Some(obstacle) = registry::obstacle() else { return };
    let stage = Step::Lock { path, descriptor: 0 }.stage();
    let cause = format!("started without it, so status and stop know nothing of this service: {obstacle}");
    resolved.notes.push(Note { stage, object: perform::what(spec), cause, hint: obstacle.hint });
    resolved.lock = None;
}

fn caller(inherited: &[(OsString, OsString)]) -> CallerState {
    let identity::Current { uid, gid, groups, settled: ids_are_final } =
        identity::current().unwrap_or_default();
    let umask = file::set_umask(0o077);
    file::set_umask(umask);
    let variable = |name: &str| {
        let (_, value) = inherited.iter().find(|(known, _)| known == name)?;
        value.to_str()?.parse::<i32>().ok()
    };
    let passed = match (variable("LISTEN_PID"), variable("LISTEN_FDS")) {
        // A thousand sockets is more than any manager passes, and what is not open was not passed.
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
        orphans: if descendants::HAS_SUBREAPER { Reaper::Subreaper } else { Reaper::Init },
        launchd_descriptors: Vec::new(),
        highest_limits: BTreeMap::new(),
        lowest_nice: None,
        lowest_oom_score: None,
    }
}

/// Takes what launchd has opened for the service, if launchd has started us and its property list names the sockets.
/// It gives them once to a process; nothing else is changed.
fn activate(spec: &ServiceSpec, caller: &mut CallerState, failures: &mut Vec<StepError>) {
    if spec.sockets.listen.is_empty() || spec.sockets.launchd_activation {
        return;
    }
    let name = spec.launchd_sockets();
    // No name has a NUL in it.
    let Ok(key) = CString::new(name.as_str()) else { return };
    let cause = match launchd::take(&key) {
        Ok(given) => {
            caller.launchd_descriptors = given;
            return;
        }
        Err(Refusal::NoSuchSocket | Refusal::NotManaged | Refusal::NotThisPlatform) => return,
        Err(Refusal::AlreadyActivated) => "they have been given out already",
        Err(Refusal::Unknown) => "it does not give them, and does not say why",
    };
    failures.push(StepError::about("launchd sockets", name, cause, DESCRIPTORS));
}

/// What an environment file says. systemd passes over a line that it does not understand, with a warning.
fn variables(
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
        let failure = StepError::about(STAGE, place(&broken), broken.refusal.cause, 2);
        StepError { hint: broken.refusal.hint, ..failure }
    }));
    notes.extend(content.ignored.into_iter().map(|broken| Note {
        stage: STAGE,
        object: place(&broken),
        cause: broken.refusal.cause,
        hint: broken.refusal.hint,
    }));
    content.assignments.into_iter().map(|one| (one.name.as_str().into(), one.value)).collect()
}

/// Reads a file of variables: what is open is looked at, for another kind of file could keep us waiting.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let open = file::open_regular(path)?;
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(open, LONGEST_FILE + 1), &mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LONGEST_FILE) {
        return Err(io::Error::other(format!("longer than {LONGEST_FILE} bytes")));
    }
    Ok(text)
}

/// Looks at every path that has to be there, or that something will be made in.
fn places(spec: &ServiceSpec, resolved: &Resolution, started_by: StartedBy, failures: &mut Vec<StepError>) {
    let root = spec.root_directory.as_ref().map_or(Path::new("/"), |root| root.as_path());
    let account = &resolved.account;
    if let Some(path) = &spec.root_directory
        && let Err(error) = directory(path.as_path(), account)
    {
        failures.push(StepError::kernel("root directory", path.to_string(), &error, 210));
    }
    if let Some(path) = &spec.working_directory {
        // Made by us, it is not there yet.
        let inside = program::below(root, path.as_path());
        if !is_made(spec, resolved, started_by, path.as_path())
            && let Err(error) = directory(&inside, account)
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
            Some(Output::Descriptor(_) | Output::Null | Output::Inherit) | None => continue,
        };
        let parent = path.as_path().parent().unwrap_or(Path::new("/"));
        if !is_made(spec, resolved, started_by, parent) {
            let (cause, errno) = match directory(parent, account) {
                Err(error) => (format!("its directory: {}", error_text(&error)), error.raw_os_error()),
                Ok(()) if directory(path.as_path(), account).is_ok() => {
                    ("it is a directory".to_owned(), None)
                }
                Ok(()) => continue,
            };
            let what = output.as_ref().map(ToString::to_string).unwrap_or_default();
            failures.push(StepError { errno, ..StepError::about(stage, what, cause, status) });
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
    // What a program that forks itself away writes is its own, and believed only as far as it names one of its own.
    if let Some(path) = spec.pid_file.as_ref().filter(|_| spec.service_type != Some(ServiceType::Forking))
        && let Err(untrusted) = pid_file_at(spec, resolved, started_by, path.as_path())
    {
        let failure = StepError::about("pid file", path.to_string(), untrusted.cause, PID_FILE);
        failures.push(StepError { hint: untrusted.hint, errno: untrusted.errno, ..failure });
    }
}

/// Looks at the place of the pid file. In a directory of the service it is written with the service's rights, once that has
/// been made.
fn pid_file_at(
    spec: &ServiceSpec,
    resolved: &Resolution,
    started_by: StartedBy,
    path: &Path,
) -> Result<(), Untrusted> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let account = &resolved.account;
    let check = || pid_file::check(path, account::judge(account));
    if !is_made(spec, resolved, started_by, parent) {
        return check();
    }
    // Another one's is given to the service first.
    match fs::metadata(parent) {
        Ok(found) if found.uid() != account.uid => Ok(()),
        Ok(_) if resolved.caller.is_root() && account.uid != 0 => {
            account::with_its_rights(account, || Ok(check()))?
        }
        Ok(_) => check(),
        Err(_) => Ok(()),
    }
}

fn directory(path: &Path, account: &Account) -> io::Result<()> {
    match account::look_for(account, || fs::metadata(path)) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::other("it is no directory")),
        Err(error) => Err(error),
    }
}

/// Whether a directory is one that will be made for the service, or lies in one.
fn is_made(spec: &ServiceSpec, resolved: &Resolution, started_by: StartedBy, path: &Path) -> bool {
    let made = spec.directories.iter().map(|one| resolved.place(started_by, one).0);
    let text = path.as_os_str().as_bytes();
    !text.is_empty() && made.into_iter().any(|made| path.starts_with(made))
}
