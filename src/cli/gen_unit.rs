//! `svcadapt gen-unit`: a service as a systemd unit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt_convert::Rendered;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Division, Systemd, Target};
use svcadapt_convert::harden::{Conflict, Hardening, Level, Network, harden};
use svcadapt_convert::unit::{Original, socket_unit, write_hardened, write_socket};
use svcadapt_spec::ServiceSpec;

use super::generate::{Beside, Format, Problems, Rewriting, told};
use super::spec_file::Source;
use super::{Exit, generate};

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("gen-unit")
        .about("Writes a systemd unit for a service, and one for its sockets")
        .defer(options)
}

fn options(command: Command) -> Command {
    generate::options(command)
        .arg(
            Arg::new("systemd-version")
                .long("systemd-version")
                .value_name("N")
                .help("Write what this version of systemd knows, 239 to 262 [252]")
                .help_heading("The file")
                .value_parser(value_parser!(OsString)),
        )
        .arg(
            Arg::new("harden")
                .long("harden")
                .value_name("LEVEL")
                .help("Shut the service in: none, baseline for what every daemon survives, or strict [none]")
                .help_heading("The file")
                .value_parser(Level::ALL.map(|(_, name)| name)),
        )
        .arg(
            Arg::new("explain")
                .long("explain")
                .help("Say of each directive of --harden why it is there, or why it is not")
                .help_heading("The file")
                .requires("harden")
                .action(ArgAction::SetTrue),
        )
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let version = matches.get_one::<OsString>("systemd-version");
    let version = version.map(|said| {
        Version::parse(said).map_err(|refusal| {
            let error = StepError::new("--systemd-version", refusal.cause).of(said.to_string_lossy());
            StepError { hint: refusal.hint, ..error }
        })
    });
    let scope = generate::scope(matches);
    let level = matches.get_one::<String>("harden").and_then(|name| Level::parse(name)).unwrap_or_default();
    generate::run(
        matches,
        version
            .transpose()
            .map(|version| Unit { systemd: Systemd { version: version.unwrap_or_default(), scope }, level }),
    )
}

/// systemd reads a drop-in again where it lies, and what it adds to a list is there twice then.
fn with_drop_ins(original: &Original, drop_ins: &[PathBuf]) -> Vec<StepError> {
    let names: Vec<_> = drop_ins.iter().map(|path| path.display().to_string()).collect();
    let cause = format!("what its drop-ins say is part of what is written: {}", names.join(", "));
    let error = StepError::new(original.service.file.path.display().to_string(), cause);
    let error = error.hint("remove them where the unit is installed: systemd would read them once more");
    if names.is_empty() { Vec::new() } else { vec![error] }
}

/// Where systemd searches a program that is written as a bare name.
const SEARCHED: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// For this systemd, shut in so far.
struct Unit {
    systemd: Systemd,
    level: Level,
}

impl Format for Unit {
    const NATIVE: bool = true;
    const SUFFIX: &'static str = "service";
    const SYSTEM: &'static str = "linux";

    fn target(&self) -> Target {
        Target::Systemd(self.systemd)
    }

    fn file(&self, spec: &ServiceSpec) -> Result<String, StepError> {
        match &spec.name {
            Some(name) => Ok(format!("{name}.service")),
            None => Err(StepError::new("output", "a file needs a name")
                .hint("call the service something: --name NAME")),
        }
    }

    /// systemd searches a bare name when it starts the unit (systemd.service(5), "Command lines"), on a machine that may
    /// have what this one has not.
    fn note(&self, spec: &ServiceSpec) -> Option<StepError> {
        let program = &spec.command.program;
        let bare = !spec.command.is_native() && !program.as_bytes().contains(&b'/');
        let lies = |directory: &&str| Path::new(directory).join(program).exists();
        let here = !bare || SEARCHED.iter().any(lies);
        let note = || {
            let cause =
                format!("not found on this machine in {}, where systemd searches it", SEARCHED.join(":"));
            let error = StepError::new("program", cause).of(program.to_string_lossy());
            error.hint("where it lies elsewhere, write its absolute path")
        };
        (!here).then(note)
    }

    fn harden(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Hardening, Problems> {
        harden(spec, division, adapter, self.level, Network::of(spec)).map_err(|conflicts| {
            let refused = |conflict: Conflict| {
                StepError::new("--harden", conflict.why).of(format!("{}=", conflict.directive))
            };
            told(conflicts.into_iter().map(refused))
        })
    }

    fn render(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Problems> {
        let hardening = self.harden(spec, division, adapter)?;
        write_hardened(spec, division, adapter, &hardening.set).map_err(told)
    }

    fn rewrite(
        &self,
        source: &Source,
        spec: &ServiceSpec,
        division: &Division,
        adapter: &Path,
        (service, sockets): (&Rendered, Option<&Beside>),
    ) -> Rewriting {
        let Source::Unit(original, drop_ins) = source else { return Rewriting::Foreign };
        let sockets = sockets.map(|beside| beside.text.as_str());
        match original.rewrite(spec, division, adapter, service, sockets) {
            Some(rewritten) => Rewriting::Lines(rewritten, with_drop_ins(original, drop_ins)),
            None => Rewriting::Anew,
        }
    }

    fn beside(&self, spec: &ServiceSpec, division: &Division) -> Result<Option<Beside>, Problems> {
        let Some(text) = write_socket(spec, division).map_err(told)? else { return Ok(None) };
        let Some(name) = socket_unit(spec) else {
            let cause = "the unit of the sockets and that of the service bear one name";
            let error = StepError::new("sockets", cause).hint("call the service something: --name NAME");
            return Err(vec![error.to_string()]);
        };
        Ok(Some(Beside { name, text }))
    }

    fn not_beside(&self, spec: &ServiceSpec) -> Option<String> {
        Some(format!("{}.socket", spec.name.as_ref()?))
    }
}
