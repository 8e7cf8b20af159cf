//! `svcadapt gen-unit`: writes a service as a systemd unit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt_convert::Rendered;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Division, Systemd, Target};
use svcadapt_convert::harden::{Conflict, Hardening, Level, Network, harden};
use svcadapt_convert::load::Source;
use svcadapt_convert::unit::{OriginalUnit, socket_unit, write_hardened, write_socket};
use svcadapt_spec::ServiceSpec;

use super::generate::{
    Format, GeneratedFiles, GenerationInput, ImpliedFile, Problems, Rewriting, SecondFile, messages, output,
};
use super::{Exit, generate, report};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-unit")
        .about("Writes a systemd unit for a service, and one for its sockets")
        .defer(options)
}

fn options(command: Command) -> Command {
    generate::scoped_options(command)
        .arg(
            Arg::new("systemd-version")
                .long("systemd-version")
                .value_name("N")
                .help("The systemd version to write for, 239 to 262 [252]")
                .help_heading("The file")
                .value_parser(value_parser!(OsString)),
        )
        .arg(
            Arg::new("harden")
                .long("harden")
                .value_name("LEVEL")
                .help("Sandbox the service: none, baseline (safe for practically every daemon) or strict [none]")
                .help_heading("The file")
                .value_parser(Level::ALL.map(|(_, name)| name)),
        )
        .arg(
            Arg::new("explain")
                .long("explain")
                .help("Print for each directive of --harden why it was added or left out")
                .help_heading("The file")
                .requires("harden")
                .action(ArgAction::SetTrue),
        )
}

/// Writes the unit.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let version = matches.get_one::<OsString>("systemd-version");
    let version = version.map(|word| {
        Version::parse(word).map_err(|error| report::value_error("--systemd-version", word, error))
    });
    let scope = generate::scope(matches);
    let level = matches.get_one::<String>("harden").and_then(|name| Level::parse(name)).unwrap_or_default();
    generate::run(
        matches,
        version.transpose().map(|version| UnitFormat {
            systemd: Systemd { version: version.unwrap_or_default(), scope },
            level,
        }),
    )
}

/// A warning that the drop-ins are part of the output: if they stay installed, systemd applies them twice, which
/// duplicates what they add to lists.
fn drop_in_note(original: &OriginalUnit, drop_ins: &[PathBuf]) -> Vec<StepError> {
    let names: Vec<_> = drop_ins.iter().map(|path| path.display().to_string()).collect();
    let cause = format!("the output includes its drop-ins: {}", names.join(", "));
    let error = StepError::new(original.service.file.path.display().to_string(), cause);
    let error = error.hint("remove them where the unit is installed, or systemd applies them twice");
    if names.is_empty() { Vec::new() } else { vec![error] }
}

/// The directories in which systemd searches for a program without a path (systemd.service(5), "Command lines").
const SEARCH_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The format of systemd.
pub(crate) struct UnitFormat {
    pub(crate) systemd: Systemd,
    /// The value of `--harden`.
    pub(crate) level: Level,
}

impl Format for UnitFormat {
    const NATIVE: bool = true;
    const SUFFIX: &'static str = "service";
    const SYSTEM: &'static str = "linux";

    fn target(&self) -> Target {
        Target::Systemd(self.systemd)
    }

    /// A program without a path is only a note, because systemd searches for it at start, maybe on another machine.
    fn note(&self, spec: &ServiceSpec) -> Option<StepError> {
        let program = &spec.command.program;
        let bare = !spec.command.is_native() && !program.as_bytes().contains(&b'/');
        let has_program = |directory: &&str| Path::new(directory).join(program).exists();
        let is_found = !bare || SEARCH_PATH.iter().any(has_program);
        let note = || {
            let cause = format!(
                "not found on this machine in {}, where systemd searches for it",
                SEARCH_PATH.join(":")
            );
            let error = StepError::new("program", cause).of(program.to_string_lossy());
            error.hint("if it is installed elsewhere, give its absolute path")
        };
        (!is_found).then(note)
    }

    fn harden(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Hardening, Problems> {
        harden(spec, division, adapter, self.level, Network::of(spec)).map_err(|conflicts| {
            let error = |conflict: Conflict| {
                StepError::new("--harden", conflict.why).of(format!("{}=", conflict.directive))
            };
            messages(conflicts.into_iter().map(error))
        })
    }

    fn make(&self, job: &GenerationInput<'_>) -> Result<GeneratedFiles, Problems> {
        let GenerationInput { spec, division, adapter, source, is_named } = *job;
        let hardening = self.harden(spec, division, adapter)?;
        let rendered = write_hardened(spec, division, adapter, &hardening.set).map_err(messages)?;
        let second = sockets_file(spec, division)?;
        let name = if is_named || second.is_some() { file(spec)? } else { String::new() };
        let rewriting = source.map(|source| rewrite(source, job, &rendered, second.as_ref()));
        Ok(output(name, rendered, second, rewriting))
    }

    fn implied_files(&self, spec: &ServiceSpec) -> Vec<ImpliedFile> {
        let implied = spec.name.as_ref().map(|name| ImpliedFile {
            path: format!("{name}.socket"),
            cause: format!(
                "an older socket unit is still there, and systemd would use it for {name}.service"
            ),
            hint: "if it is not needed, run 'systemctl disable --now' on it and remove it",
        });
        implied.into_iter().collect()
    }
}

fn file(spec: &ServiceSpec) -> Result<String, Problems> {
    match &spec.name {
        Some(name) => Ok(format!("{name}.service")),
        None => {
            Err(messages([StepError::new("output", "the service has no name").hint("set one: --name NAME")]))
        }
    }
}

/// Applies the changes to the source file line by line.
fn rewrite(
    source: &Source,
    job: &GenerationInput<'_>,
    service: &Rendered,
    sockets: Option<&SecondFile>,
) -> Rewriting {
    let Source::Unit(original, drop_ins) = source else { return Rewriting::OtherFormat };
    let sockets = sockets.map(|second| second.text.as_str());
    match original.rewrite(job.spec, job.division, job.adapter, service, sockets) {
        Some(rewritten) => Rewriting::LineByLine(rewritten, drop_in_note(original, drop_ins)),
        None => Rewriting::Impossible,
    }
}

/// The second file that a unit with sockets needs.
fn sockets_file(spec: &ServiceSpec, division: &Division) -> Result<Option<SecondFile>, Problems> {
    let Some(text) = write_socket(spec, division).map_err(messages)? else { return Ok(None) };
    let Some(name) = socket_unit(spec) else {
        let cause = "the socket unit needs the name of the service, which is not set";
        let error = StepError::new("sockets", cause).hint("set one: --name NAME");
        return Err(vec![error.to_string()]);
    };
    Ok(Some(SecondFile { name, text }))
}
