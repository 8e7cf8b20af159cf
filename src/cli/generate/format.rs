//! What each file format has to say, for the part that all formats share.

use std::path::Path;

use svcadapt::StepError;
use svcadapt_convert::Rewritten;
use svcadapt_convert::divide::{Division, Target};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::load::Source;
use svcadapt_spec::ServiceSpec;

use super::output::GeneratedFiles;

/// A file format that a service can be written in.
pub(crate) trait Format {
    /// Whether the command may be known only as native lines of systemd.
    const NATIVE: bool;

    /// The extension of the file's name.
    const SUFFIX: &'static str;

    /// The operating system that uses the format (`std::env::consts::OS`).
    const SYSTEM: &'static str;

    /// The host to divide for.
    fn target(&self) -> Target;

    /// Sets fields for which this host has no default.
    fn complete(&mut self, spec: ServiceSpec, _source: Option<&Source>) -> ServiceSpec {
        spec
    }

    /// A remark on a file that was converted from another format; not a loss.
    fn note(&self, _spec: &ServiceSpec) -> Option<StepError> {
        None
    }

    /// The sandbox of the service.
    fn harden(&self, _: &ServiceSpec, _: &Division, _adapter: &Path) -> Result<Hardening, Problems> {
        Ok(Hardening::default())
    }

    /// Makes the files.
    fn make(&self, job: &GenerationInput<'_>) -> Result<GeneratedFiles, Problems>;

    /// The files that the host reads if they exist, even if none of them is written, and how the user removes one.
    fn implied_files(&self, _spec: &ServiceSpec) -> Vec<ImpliedFile> {
        Vec::new()
    }
}

/// What the files are made of.
pub(crate) struct GenerationInput<'a> {
    pub(crate) spec: &'a ServiceSpec,
    pub(crate) division: &'a Division,
    /// The path of svcadapt on the target machine.
    pub(crate) adapter: &'a Path,
    pub(crate) source: Option<&'a Source>,
    /// Whether the files need names, even if there is only one.
    pub(crate) is_named: bool,
}

/// A file that the host reads if it exists.
pub(crate) struct ImpliedFile {
    /// Its path below the directory of `--output`.
    pub(crate) path: String,
    /// What is wrong if an older one is there.
    pub(crate) cause: String,
    pub(crate) hint: &'static str,
}

/// The result of applying changes to the source file.
pub(crate) enum Rewriting {
    /// The source is in another format.
    OtherFormat,
    /// The source was changed line by line; with notes for the user.
    LineByLine(Rewritten, Vec<StepError>),
    /// The changes cannot be made line by line.
    Impossible,
}

/// A second file.
pub(crate) struct SecondFile {
    /// The file's name.
    pub(crate) name: String,
    /// The file's text.
    pub(crate) text: String,
}

/// Error messages.
pub(crate) type Problems = Vec<String>;
