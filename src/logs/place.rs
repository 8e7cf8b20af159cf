//! Chooses where output goes that the spec does not send anywhere: to the journal, else to a log file.

use std::path::{Path, PathBuf};

use svcadapt_spec::{AbsPath, Input, LogTarget, Output, Probe, ServiceName, ServiceSpec, WriteMode};

use crate::plan::Note;
use crate::sys::directories::{self, THIS_SYSTEM};
use crate::sys::{file, identity, journal};

/// The device of the kernel's log.
const KMSG: &str = "/dev/kmsg";

/// Gives each output of a spec its place on this machine.
///
/// Without a manager (`detached`), errors go where the output goes (systemd.exec(5), `StandardError=`), and what a named
/// service writes goes to the journal where one listens, else to its log file. A log that was asked for and is not there
/// becomes that file, too, which a note says.
pub fn place(spec: &mut ServiceSpec, detached: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    let follows_input =
        matches!(spec.standard_input, Some(Input::Terminal(_) | Input::Socket | Input::Named(_)));
    if detached && spec.standard_error.is_none() {
        spec.standard_error.clone_from(&spec.standard_output);
    }
    // Rotation, times and readiness by a line need a file, on every host.
    let reads = spec.ready.iter().any(|probe| matches!(probe, Probe::Log(_)));
    if (spec.log_file.has_pipe() || reads) && spec.standard_output.is_none() && !follows_input {
        let own = own_log(spec.name.as_ref()).and_then(|path| AbsPath::parse(path.as_os_str()).ok());
        spec.standard_output = own.map(|path| Output::File(WriteMode::Append, path));
        spec.standard_error = spec.standard_error.take().or_else(|| spec.standard_output.clone());
    }
    let usual = detached && spec.name.is_some() && !follows_input;
    let is_open = |output: &Option<Output>| match output {
        None => usual,
        Some(output) => matches!(output, Output::Log(_)),
    };
    if is_open(&spec.standard_output) || is_open(&spec.standard_error) {
        let listens = journal::listens();
        let file = own_log(spec.name.as_ref()).and_then(|path| AbsPath::parse(path.as_os_str()).ok());
        let file = file.map(|path| Output::File(WriteMode::Append, path));
        if usual && listens && (spec.standard_output.is_none() || spec.standard_error.is_none()) {
            let name = spec.name.as_ref().map(ToString::to_string);
            spec.log.identifier = spec.log.identifier.take().or(name);
        }
        for (stage, output) in
            [("standard output", &mut spec.standard_output), ("standard error", &mut spec.standard_error)]
        {
            match output {
                None if usual && listens => *output = Some(Output::Log(LogTarget::Journal)),
                None if usual => output.clone_from(&file),
                Some(Output::Log(target)) if !listens => {
                    let instead = instead(*target, file.as_ref());
                    notes.push(missing(stage, *target, &instead));
                    *output = Some(instead);
                }
                _ => {}
            }
        }
    }
    notes
}

/// The log file of a service, if its output goes there.
pub(crate) fn used_log(spec: &ServiceSpec) -> Option<PathBuf> {
    let name = format!("{}.log", THIS_SYSTEM.file_name(spec.name.as_ref()?.as_str()));
    let path = [&spec.standard_output, &spec.standard_error].into_iter().find_map(|output| match output {
        // The directory is looked up only for such a file.
        Some(Output::File(WriteMode::Append, path)) if path.as_path().ends_with(&name) => {
            Some(path.as_path())
        }
        _ => None,
    })?;
    own_log(spec.name.as_ref()).filter(|own| own == path)
}

/// Where output goes if there is no journal.
fn instead(target: LogTarget, file: Option<&Output>) -> Output {
    let kmsg = || AbsPath::parse(KMSG.as_ref()).ok().map(|path| Output::File(WriteMode::Overwrite, path));
    let kmsg = (target.has_kmsg() && file::may_write_to(Path::new(KMSG)).is_ok()).then(kmsg).flatten();
    kmsg.or_else(|| file.cloned()).unwrap_or(Output::Null)
}

fn missing(stage: &'static str, target: LogTarget, instead: &Output) -> Note {
    let console = if target.has_console() { ", and not to the console" } else { "" };
    let cause = format!("no journal listens at {}: it goes to {instead}{console}", journal::SOCKET);
    let hint = (*instead == Output::Null).then(|| "a service with a --name has a log file".to_owned());
    Note { stage, object: target.to_string(), cause, hint }
}

/// The log file of a service with this name: root's or this user's. `None` if it has no name, or the user has no home.
pub fn own_log(name: Option<&ServiceName>) -> Option<PathBuf> {
    let directory = THIS_SYSTEM.logs(identity::effective_user(), directories::user_state)?;
    Some(directory.join(format!("{}.log", THIS_SYSTEM.file_name(name?.as_str()))))
}
