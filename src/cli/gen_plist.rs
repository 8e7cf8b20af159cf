//! `svcadapt gen-plist`: writes a service as a launchd property list.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt_convert::Rendered;
use svcadapt_convert::divide::Target;
use svcadapt_convert::load::Source;
use svcadapt_convert::plist::{Label, OriginalJob, write};
use svcadapt_spec::{Scope, ServiceName, ServiceSpec};

use super::generate::{Format, GeneratedFiles, GenerationInput, Problems, Rewriting, messages, output};
use super::{Exit, generate, report};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-plist")
        .about("Writes a launchd property list for a service")
        .after_help(
            "A program that takes its sockets from LISTEN_FDS (sd_listen_fds(3)) gets them so under launchd, too: svcadapt takes \
             them from launchd and passes them on. With --launchd-activation the program takes them itself.\n\n\
             launchd has no readiness, no notifications and no reload: for a service that has them the job starts svcadapt, which \
             does this part, and which status, wait and reload ask by the service's name (without one, by the label).",
        )
        .defer(options)
}

fn options(command: Command) -> Command {
    generate::scoped_options(command).arg(
        Arg::new("label")
            .long("label")
            .value_name("LABEL")
            .help("Label of the job and name of the file, for example org.example.web [the service's name]")
            .help_heading("The file")
            .value_parser(value_parser!(OsString)),
    )
}

/// Writes the property list.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let scope = generate::scope(matches);
    let label = matches.get_one::<OsString>("label").map(|word| label("--label", word)).transpose();
    generate::run(matches, label.map(|label| Plist { label, scope }))
}

fn label(stage: &str, text: &OsStr) -> Result<Label, StepError> {
    Label::parse(text).map_err(|error| report::value_error(stage, text, error))
}

/// The format of launchd.
pub(crate) struct Plist {
    /// The value of `--label`.
    pub(crate) label: Option<Label>,
    pub(crate) scope: Scope,
}

impl Plist {
    fn label(&self, spec: &ServiceSpec) -> Result<Label, StepError> {
        match (&self.label, &spec.name) {
            (Some(label), _) => Ok(label.clone()),
            (None, Some(name)) => label("label", name.as_str().as_ref())
                .map_err(|error| error.hint("set another label: --label LABEL, for example org.example.web")),
            (None, None) => Err(StepError::new("label", "launchd requires a label")
                .hint("set one: --label LABEL, for example org.example.web")),
        }
    }
}

impl Format for Plist {
    const NATIVE: bool = false;
    const SUFFIX: &'static str = "plist";
    const SYSTEM: &'static str = "macos";

    fn target(&self) -> Target {
        Target::Launchd(self.scope)
    }

    /// A service without a name is called after its label: by that name it is asked for its state. Its sockets get the
    /// names that they have under systemd, because the program looks them up by name.
    fn complete(&mut self, mut spec: ServiceSpec, source: Option<&Source>) -> ServiceSpec {
        if let (None, Some(Source::Plist(original))) = (&self.label, source) {
            self.label = original.label(spec.name.as_ref());
        }
        if let Ok(label) = self.label(&spec) {
            spec.name = spec.name.or_else(|| ServiceName::parse(label.as_str().as_ref()).ok());
            if !spec.sockets.launchd_activation {
                let service = spec.name.as_ref().map_or(label.as_str(), ServiceName::as_str).to_owned();
                spec.name_sockets(&service);
            }
        }
        spec
    }

    /// launchd searches a bare name in few directories (launchd.plist(5), `ProgramArguments`).
    fn note(&self, spec: &ServiceSpec) -> Option<StepError> {
        let bare = !spec.command.program.as_bytes().contains(&b'/');
        let note = || {
            let cause = "launchd searches for it only in /usr/bin:/bin:/usr/sbin:/sbin";
            let error = StepError::new("program", cause).of(spec.command.program.to_string_lossy());
            error.hint("if it is installed elsewhere, give its absolute path")
        };
        bare.then(note)
    }

    fn make(&self, job: &GenerationInput<'_>) -> Result<GeneratedFiles, Problems> {
        let label = self.label(job.spec).map_err(|error| vec![error.to_string()])?;
        let rendered = write(job.spec, job.division, &label, job.adapter).map_err(messages)?;
        let rewriting = job.source.map(|source| rewrite(source, job, &label, &rendered));
        Ok(output(format!("{label}.plist"), rendered, None, rewriting))
    }
}

/// Applies the changes to the source file line by line.
fn rewrite(source: &Source, job: &GenerationInput<'_>, label: &Label, rendered: &Rendered) -> Rewriting {
    let Source::Plist(original) = source else { return Rewriting::OtherFormat };
    match original.rewrite(job.spec, job.division, label, job.adapter, rendered) {
        Some(rewritten) => Rewriting::LineByLine(rewritten, binary_note(original)),
        None => Rewriting::Impossible,
    }
}

fn binary_note(original: &OriginalJob) -> Vec<StepError> {
    let cause = "the input is a binary property list; the output is XML with all its keys";
    if original.binary { vec![StepError::new("output", cause)] } else { Vec::new() }
}
