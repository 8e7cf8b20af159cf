//! The checks before anything is changed: the request, its values on this host, and what started the program.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};

use svcadapt_spec::ServiceSpec;

use super::error::with_method_names;
use super::handoff::{Fingerprint, Handoff};
use super::{Daemon, DetachProcess, Error, Reexecute, reexec, supervisor};
use crate::detect::{Detection, Mode, ModeOption};
use crate::error::{StepError, USAGE};
use crate::plan::{Plan, Resolution, StartedBy};
use crate::sys::executable;
use crate::{detect, launch, setup};

/// The inputs of a start, gathered before anything is changed.
#[derive(Debug)]
pub(super) struct StartInputs {
    pub(super) spec: ServiceSpec,
    pub(super) resolved: Resolution,
    pub(super) detection: Detection,
}

impl Daemon<'_> {
    pub(super) fn plan_of(&self, spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Plan {
        let plan = Plan::becoming_this_program(spec, resolved, detection);
        if self.reexecute.is_required() { plan.with_reexec(&resolved.program) } else { plan }
    }

    pub(super) fn prepare(&self) -> Result<StartInputs, Error> {
        let spec = self.spec()?;
        let detection = match self.detach {
            DetachProcess::Auto => supervisor::detect_run(detect::decide(ModeOption::Auto)),
            DetachProcess::Yes => detect::decide(ModeOption::Classic),
            DetachProcess::No => detect::decide(ModeOption::Supervised),
        };
        resolved(spec, detection, reexec::variables())
    }

    /// The same after a re-exec. The request must be identical to the first one.
    pub(super) fn prepare_reexec(&self, handoff: &Handoff) -> Result<StartInputs, Error> {
        let spec = self.spec()?;
        if self.fingerprint(&spec) != handoff.fingerprint {
            return Err(Error::Refused(vec![different_request()]));
        }
        resolved(spec, handoff.detection(), handoff.readdress(reexec::variables()))
    }

    /// Excludes preserved descriptors and the program's path, which may differ after the re-exec.
    pub(super) fn fingerprint(&self, spec: &ServiceSpec) -> Fingerprint {
        let mut request = spec.clone();
        request.files_preserve = Vec::new();
        request.command.program = OsString::new();
        let how = (self.detach, self.reexecute, &self.signals, self.privileges);
        let mut hasher = DefaultHasher::new();
        format!("{} {request:?} {how:?}", env!("CARGO_PKG_VERSION")).hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

impl Reexecute {
    fn is_required(self) -> bool {
        match self {
            Self::Auto => executable::EXEC_REQUIRED_AFTER_FORK,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

fn resolved(
    spec: ServiceSpec,
    detection: Detection,
    inherited: Vec<(OsString, OsString)>,
) -> Result<StartInputs, Error> {
    let started_by = StartedBy::of(&detection);
    let mut resolved = setup::resolve_itself(&spec, started_by, inherited)
        .map_err(|failures| Error::Refused(failures.into_iter().map(with_method_names).collect()))?;
    launch::find_control_group(&spec, &detection, &mut resolved);
    if detection.mode == Mode::Supervised {
        setup::do_without_state(&spec, &mut resolved);
    }
    Ok(StartInputs { spec, resolved, detection })
}

/// The error of a re-executed program whose request differs.
pub(super) fn different_request() -> StepError {
    let cause = "the re-executed program requested a different service";
    let hint = "build the same Daemon each time main runs, and call enter() on no other one before";
    StepError::bare("daemon", cause, USAGE).hint(hint)
}
