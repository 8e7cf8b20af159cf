//! `svcadapt gen-plist`: a service as a property list of launchd.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::{Arg, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt_convert::Rendered;
use svcadapt_convert::divide::{Division, Target};
use svcadapt_convert::plist::{Label, Original, write};
use svcadapt_spec::{Scope, ServiceSpec};

use super::generate::{Beside, Format, Problems, Rewriting, told};
use super::spec_file::Source;
use super::{Exit, generate};

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("gen-plist").about("Writes a launchd property list for a service").defer(options)
}

fn options(command: Command) -> Command {
    generate::options(command).arg(
        Arg::new("label")
            .long("label")
            .value_name("LABEL")
            .help("What launchd calls the job, as in org.example.web [the service's name]; the file bears it, too")
            .help_heading("The file")
            .value_parser(value_parser!(OsString)),
    )
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let given = matches.get_one::<OsString>("label");
    let scope = generate::scope(matches);
    let label = given.map(|given| label("--label", given)).transpose();
    generate::run(matches, label.map(|label| Plist { label, scope }))
}

fn label(stage: &str, text: &OsStr) -> Result<Label, StepError> {
    Label::parse(text).map_err(|refusal| {
        let error = StepError::new(stage, refusal.cause).of(text.to_string_lossy());
        StepError { hint: refusal.hint, ..error }
    })
}

/// With the label that was said, if one was, and for whom.
struct Plist {
    label: Option<Label>,
    scope: Scope,
}

impl Plist {
    fn label(&self, spec: &ServiceSpec) -> Result<Label, StepError> {
        match (&self.label, &spec.name) {
            (Some(said), _) => Ok(said.clone()),
            (None, Some(name)) => label("label", name.as_str().as_ref())
                .map_err(|error| error.hint("say another one with --label LABEL, as in org.example.web")),
            (None, None) => Err(StepError::new("label", "launchd calls every job something")
                .hint("say it with --label LABEL, as in org.example.web")),
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

    /// A program that is handed its sockets finds them under the name that they have under systemd.
    fn complete(&self, mut spec: ServiceSpec) -> ServiceSpec {
        if let Ok(label) = self.label(&spec)
            && !spec.sockets.launchd_activation
        {
            let service = spec.name.as_ref().map_or(label.as_str(), |name| name.as_str()).to_owned();
            spec.name_sockets(&service);
        }
        spec
    }

    /// launchd searches a bare name in fewer directories than most do (launchd.plist(5), `ProgramArguments`).
    fn note(&self, spec: &ServiceSpec) -> Option<StepError> {
        let bare = !spec.command.program.as_bytes().contains(&b'/');
        let note = || {
            let cause = "launchd searches it in /usr/bin:/bin:/usr/sbin:/sbin alone";
            let error = StepError::new("program", cause).of(spec.command.program.to_string_lossy());
            error.hint("where it lies elsewhere, write its absolute path")
        };
        bare.then(note)
    }

    fn file(&self, spec: &ServiceSpec) -> Result<String, StepError> {
        Ok(format!("{}.plist", self.label(spec)?))
    }

    fn rewrite(
        &self,
        source: &Source,
        spec: &ServiceSpec,
        division: &Division,
        adapter: &Path,
        (anew, _): (&Rendered, Option<&Beside>),
    ) -> Rewriting {
        let (Source::Plist(original), Ok(label)) = (source, self.label(spec)) else {
            return Rewriting::Foreign;
        };
        match original.rewrite(spec, division, &label, adapter, anew) {
            Some(rewritten) => Rewriting::Lines(rewritten, was_binary(original)),
            None => Rewriting::Anew,
        }
    }

    fn render(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Problems> {
        let label = self.label(spec).map_err(|error| vec![error.to_string()])?;
        write(spec, division, &label, adapter).map_err(told)
    }
}

fn was_binary(original: &Original) -> Vec<StepError> {
    let cause = "this was a binary property list; it is written as XML, with all its keys";
    if original.binary { vec![StepError::new("output", cause)] } else { Vec::new() }
}
