//! What is found out before anything is changed: what was asked for, what this machine makes of it, and who has started us.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};

use svcadapt_spec::ServiceSpec;

use super::error::with_method_names;
use super::handoff::Handoff;
use super::{Daemon, DetachProcess, Error, Reexecute, reexec, supervisor};
use crate::detect::{Detection, Mode, ModeOption};
use crate::error::StepError;
use crate::plan::{Plan, Resolution, StartedBy};
use crate::sys::executable;
use crate::{detect, setup};

/// Everything that was found out before anything was changed.
#[derive(Debug)]
pub(super) struct StartInputs {
    pub(super) spec: ServiceSpec,
    pub(super) resolved: Resolution,
    pub(super) detection: Detection,
}

/// What a program has asked for, as far as it has to ask for the same when it is executed again. Another version of this
/// library has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) u64);

impl Daemon<'_> {
    pub(super) fn plan_of(&self, spec: &ServiceSpec, resolved: &Resolution, detection: &Detection) -> Plan {
        let plan = Plan::becoming_this_program(spec, resolved, detection);
        if self.reexecute.here() { plan.with_reexec(&resolved.program) } else { plan }
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

    /// The same in the process that the program was executed again in: what it asks for must be what it has asked for.
    pub(super) fn prepare_reexec(&self, handoff: &Handoff) -> Result<StartInputs, Error> {
        let spec = self.spec()?;
        if self.fingerprint(&spec) != handoff.fingerprint {
            return Err(Error::Refused(vec![different_request()]));
        }
        resolved(spec, handoff.detection(), handoff.readdress(reexec::variables()))
    }

    /// Descriptors to be preserved may have other numbers the second time, and the program another name.
    pub(super) fn fingerprint(&self, spec: &ServiceSpec) -> Fingerprint {
        let mut asked = spec.clone();
        asked.files_preserve = Vec::new();
        asked.command.program = OsString::new();
        let how = (self.detach, self.reexecute, &self.signals, self.privileges);
        let mut hasher = DefaultHasher::new();
        format!("{} {asked:?} {how:?}", env!("CARGO_PKG_VERSION")).hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

impl Reexecute {
    fn here(self) -> bool {
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
    if detection.mode == Mode::Supervised {
        setup::do_without_state(&spec, &mut resolved);
    }
    Ok(StartInputs { spec, resolved, detection })
}

/// The program was executed again, and does something else this time.
pub(super) fn different_request() -> StepError {
    let cause = "the program was executed again, and asks for another service than before";
    let hint =
        "what is asked for must be the same each time that main runs, and nothing else be entered before";
    StepError::bare("daemon", cause, super::USAGE).hint(hint)
}
