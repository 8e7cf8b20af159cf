//! What each file format has to say, for the part that all formats share.

use std::path::Path;

use svcadapt::StepError;
use svcadapt_convert::divide::{Division, Target};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::load::Source;
use svcadapt_convert::{Rendered, Rewritten};
use svcadapt_spec::ServiceSpec;

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

    /// The file's name. An error if the service has no name.
    fn file(&self, spec: &ServiceSpec) -> Result<String, StepError>;

    /// A remark on a file that was converted from another format; not a loss.
    fn note(&self, _spec: &ServiceSpec) -> Option<StepError> {
        None
    }

    /// The sandbox of the service.
    fn harden(&self, _: &ServiceSpec, _: &Division, _adapter: &Path) -> Result<Hardening, Problems> {
        Ok(Hardening::default())
    }

    /// The file's text. `adapter` is the path of svcadapt on the target machine.
    fn render(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Problems>;

    /// Applies the changes to the source file line by line. `rendered` is the newly written text of both files.
    fn rewrite(
        &self,
        _source: &Source,
        _spec: &ServiceSpec,
        _division: &Division,
        _adapter: &Path,
        _rendered: (&Rendered, Option<&SecondFile>),
    ) -> Rewriting {
        Rewriting::OtherFormat
    }

    /// A second file that the first one needs: a unit with sockets needs a `.socket`.
    fn second_file(&self, _spec: &ServiceSpec, _division: &Division) -> Result<Option<SecondFile>, Problems> {
        Ok(None)
    }

    /// The name of a second file that the host reads if it exists, even if the first one does not need it.
    fn implied_file(&self, _spec: &ServiceSpec) -> Option<String> {
        None
    }
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
