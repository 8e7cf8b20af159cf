//! The standard streams on launchd (launchd.plist(5), `StandardOutPath`).

use svcadapt_spec::{Directive, Field, Field as F, Input, Output, ServiceSpec, WriteMode};

use super::Capability::Host;
use super::native::NO_JOURNAL;
use super::{Capability, Division, Loss, LossKind, Privileges, Subject};

/// How well launchd can do the field. `None` for any field but those of the streams.
pub(super) fn on_launchd(spec: &ServiceSpec, field: Field) -> Option<Capability> {
    Some(match field {
        F::StandardInput => input(spec.standard_input.as_ref()),
        // The adapter writes the file.
        F::LogRotateSize | F::LogRotateAge | F::LogTimestamps => Capability::Adapter(Privileges::Root),
        F::LogKeep | F::LogCompress if spec.log_file.rotates() => Capability::Adapter(Privileges::Root),
        F::LogKeep | F::LogCompress => Capability::lost("no log file is rotated"),
        F::StandardOutput | F::StandardError if spec.log_file.has_pipe() => {
            Capability::Adapter(Privileges::Root)
        }
        F::StandardOutput => output(spec.standard_output.as_ref()),
        F::StandardError => output(spec.standard_error.as_ref()),
        // They concern only lines of the journal, whose loss is reported.
        F::SyslogIdentifier | F::SyslogFacility | F::SyslogLevel | F::SyslogLevelPrefix => Host,
        F::StandardInputText | F::StandardInputData => Capability::Adapter(Privileges::Service),
        F::TtyPath | F::TtyReset | F::TtyVHangup | F::TtyRows | F::TtyColumns => {
            Capability::Adapter(Privileges::Root)
        }
        F::TtyVtDisallocate => Capability::lost("macOS has no virtual consoles"),
        _ => return None,
    })
}

fn input(input: Option<&Input>) -> Capability {
    match input {
        Some(Input::Inherit) => Capability::approximated("launchd gives each job /dev/null"),
        Some(Input::Terminal(_)) => Capability::Adapter(Privileges::Root),
        Some(Input::Data) => Capability::Adapter(Privileges::Service),
        Some(Input::Socket | Input::Named(_)) => Capability::lost(NO_SOCKET),
        Some(Input::Null | Input::File(_)) | None => Host,
    }
}

const NO_SOCKET: &str = "launchd does not connect the streams of a job to its sockets";

/// launchd opens files only for appending.
fn output(output: Option<&Output>) -> Capability {
    match output {
        Some(Output::Descriptor(3..)) => Capability::Adapter(Privileges::Root),
        Some(Output::Inherit | Output::Descriptor(_)) => {
            Capability::approximated("output goes to /dev/null and is lost")
        }
        Some(Output::File(WriteMode::Overwrite | WriteMode::Truncate, _) | Output::Terminal) => {
            Capability::Adapter(Privileges::Root)
        }
        Some(Output::Socket | Output::Named(_)) => Capability::lost(NO_SOCKET),
        Some(Output::Log(_)) => Capability::lost(NO_JOURNAL),
        Some(Output::Null | Output::File(WriteMode::Append, _)) | None => Host,
    }
}

/// Adds the loss of log files, once the division of the identity is known: launchd opens them as the job's user.
pub(super) fn add_stream_losses(spec: &ServiceSpec, division: &mut Division) {
    let other_user = division.host.contains(&F::User) || division.host.contains(&F::Group);
    for (field, output) in
        [(F::StandardOutput, &spec.standard_output), (F::StandardError, &spec.standard_error)]
    {
        if other_user && matches!(output, Some(Output::File(WriteMode::Append, _))) {
            let how =
                "launchd opens it as the service's user; if that user cannot open it, the job never starts";
            division.losses.push(Loss::of(field, LossKind::Approximated(how.into())));
        }
    }
}

/// Adds the loss of the journal, which is the default output of a unit (systemd.exec(5), `StandardOutput=`). Errors go
/// where the output goes, so it is reported once.
pub(super) fn add_journal_loss(spec: &ServiceSpec, division: &mut Division) {
    let is_unset =
        spec.standard_output.is_none() && !spec.native.has_directive(F::StandardOutput.directive());
    if spec.native.systemd.is_some() && is_unset {
        let line = Directive::missing("Service", F::StandardOutput.directive());
        let kind = LossKind::Lost(NO_JOURNAL.into());
        division.losses.push(Loss { subject: Subject::Directive(line), kind });
    }
}
