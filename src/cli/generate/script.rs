//! The format of hosts that start services with shell scripts: one for all of them.

use svcadapt::StepError;
use svcadapt_convert::divide::Target;
use svcadapt_convert::script;
use svcadapt_spec::ServiceSpec;

use super::{Format, GeneratedFiles, GenerationInput, ImpliedFile, Problems, messages};

/// A host of scripts.
pub(crate) struct Scripts {
    pub(crate) target: Target,
}

impl Format for Scripts {
    const NATIVE: bool = false;
    // A script is never read as a spec.
    const SUFFIX: &'static str = "";
    const SYSTEM: &'static str = "linux";

    fn target(&self) -> Target {
        self.target
    }

    fn make(&self, job: &GenerationInput<'_>) -> Result<GeneratedFiles, Problems> {
        if job.spec.name.is_none() {
            let error = StepError::new("output", "the service has no name").hint("set one: --name NAME");
            return Err(messages([error]));
        }
        let files = script::write(job.spec, job.division, job.adapter).map_err(messages)?;
        Ok(GeneratedFiles::of_scripts(files, &job.division.losses))
    }

    fn implied_files(&self, spec: &ServiceSpec) -> Vec<ImpliedFile> {
        let paths = spec.name.iter().flat_map(|name| script::paths(self.target, name));
        let implied = paths.map(|path| ImpliedFile {
            path,
            cause: "an older file is still there, and the supervisor would use it".to_owned(),
            hint: "if the service does not need it, remove it",
        });
        implied.collect()
    }
}
