//! The common part of all gen-* commands: from options to files. If anything is wrong, nothing is written.

mod format;
mod output;
mod script;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
pub(crate) use format::{Format, GenerationInput, ImpliedFile, Problems, Rewriting, SecondFile};
pub(crate) use output::{GeneratedFiles, output};
use output::{account, concatenated};
pub(crate) use script::Scripts;
use serde_json::Value;
use svcadapt::StepError;
use svcadapt_convert::divide::{Loss, divide};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::load::Loaded;
use svcadapt_spec::{Scope, ServiceName};

use super::losses::SourceText;
use super::message::{remark_message, spec_message};
use super::report::{print, report, report_all};
use super::text::json_text;
use super::{Exit, advice, args, spec_file};
use svcadapt_hosts::{OutputFile, deliver};

/// Adds the options of a format whose host has a system manager and user managers.
pub(crate) fn scoped_options(command: Command) -> Command {
    options(command).arg(scope_option())
}

/// The option whose value [`scope`] reads.
pub(crate) fn scope_option() -> Arg {
    Arg::new("scope")
        .long("scope")
        .value_name("SCOPE")
        .help("The manager that runs the service: system or user [system]")
        .help_heading("The file")
        .value_parser(["system", "user"])
}

/// Adds the options that all formats have.
pub(crate) fn options(command: Command) -> Command {
    let output = path(
        "output",
        "DIR",
        "Write the file or the files into this directory instead of to standard output",
    );
    file_options(args::spec_options(command).arg(output))
        .arg(flag("json", "Print the file and the outcome of each field as a JSON object"))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).help_heading("The file").action(ArgAction::SetTrue)
}

fn path(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .help(help)
        .help_heading("The file")
        .value_parser(value_parser!(PathBuf))
}

/// Adds the options for a file, wherever it is written.
pub(crate) fn file_options(command: Command) -> Command {
    command
        .arg(path(
            "svcadapt",
            "PATH",
            "Path of svcadapt on the machine that will use the file [its own path; for another system \
             /usr/local/bin/svcadapt]",
        ))
        .arg(
            flag("strict", "Fail if anything in the spec cannot be expressed exactly")
                .conflicts_with("allow-loss"),
        )
        .arg(flag("allow-loss", "Write the file even if the service gets more rights than specified"))
}

/// The value of `--scope`.
pub(crate) fn scope(matches: &ArgMatches) -> Scope {
    match matches.get_one::<String>("scope").map(String::as_str) {
        Some("user") => Scope::User,
        _ => Scope::System,
    }
}

/// Generates and writes the files. If `format` is an error, all other errors are reported too.
pub(crate) fn run<F: Format>(matches: &ArgMatches, format: Result<F, StepError>) -> Exit {
    let directory = matches.get_one::<PathBuf>("output");
    let destination = directory.map_or(Destination::Output, |path| Destination::Directory(path));
    let generated = match generate(matches, format, destination) {
        Ok(generated) => generated,
        Err(problems) => {
            report_all(&problems);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    match generated.directory {
        _ if matches.get_flag("json") => {
            let delivered = match &generated.directory {
                Some(directory) => deliver(directory, &generated.files),
                None => Ok(()),
            };
            if let Err(error) = delivered {
                report(&error);
                return Exit::Status(error.status);
            }
            print(&json_text(&generated.account)).err().unwrap_or(Exit::Status(0))
        }
        None => {
            warn_two_files_in_one(&generated.files);
            print(&generated.text).err().unwrap_or(Exit::Status(0))
        }
        Some(directory) => match deliver(directory, &generated.files) {
            Ok(()) => Exit::Status(0),
            Err(error) => {
                report(&error);
                Exit::Status(error.status)
            }
        },
    }
}

/// Generates the files that are installed in a directory of a manager, with the name of the service.
pub(crate) fn installed<F: Format>(
    matches: &ArgMatches,
    format: F,
    directory: &Path,
) -> Result<(ServiceName, Vec<OutputFile>), Problems> {
    let generated = generate(matches, Ok(format), Destination::Manager(directory))?;
    let missing =
        || messages([StepError::new("name", "the service has no name").hint("set one: --name NAME")]);
    Ok((generated.name.ok_or_else(missing)?, generated.files))
}

/// Where the files go.
#[derive(Clone, Copy)]
enum Destination<'a> {
    Output,
    Directory(&'a Path),
    /// A manager's own directory. A service without a name is called after its program.
    Manager(&'a Path),
}

impl<'a> Destination<'a> {
    fn directory(self) -> Option<&'a Path> {
        match self {
            Self::Output => None,
            Self::Directory(path) | Self::Manager(path) => Some(path),
        }
    }
}

/// The generated files and their destination.
struct Generated<'a> {
    name: Option<ServiceName>,
    /// The text of all files, for standard output.
    text: Vec<u8>,
    /// Each file, for a directory.
    files: Vec<OutputFile>,
    /// The value of `--output`; `None` means standard output.
    directory: Option<&'a Path>,
    /// The output of `--json`.
    account: Value,
}

/// Prints the reasons for the sandbox on standard error; the file itself is the same with and without `--explain`.
fn explain(matches: &ArgMatches, hardening: &Hardening) {
    if !matches!(matches.try_get_one::<bool>("explain"), Ok(Some(true))) {
        return report_all(hardening.left_out.iter().filter(|gone| gone.open));
    }
    hardening.set.iter().for_each(report);
    hardening.left_out.iter().for_each(report);
}

fn generate<'a, F: Format>(
    matches: &ArgMatches,
    format: Result<F, StepError>,
    destination: Destination<'a>,
) -> Result<Generated<'a>, Problems> {
    if let Some(error) = advice::misplaced_output(matches) {
        return Err(vec![error.to_string()]);
    }
    let loaded = spec_file::load_with_options(matches);
    let elsewhere = |loaded: &Loaded| if F::NATIVE { Vec::new() } else { loaded.elsewhere.clone() };
    let notes_of = |loaded: &Loaded| {
        let warnings = loaded.warnings.iter().cloned().map(spec_message);
        warnings.chain(elsewhere(loaded).into_iter().map(remark_message)).collect()
    };
    let notes: Vec<StepError> = loaded.as_ref().map(notes_of).unwrap_or_default();
    report_all(&notes);
    let has_notes = !notes.is_empty();
    let source_text =
        loaded.as_ref().map(|loaded| SourceText::of(&loaded.draft, &loaded.places)).unwrap_or_default();
    let finish = |mut loaded: Loaded| {
        let spec = match spec_file::unsupported_commands(&mut loaded) {
            _ if F::NATIVE => loaded.draft.finish_native().map_err(messages)?,
            errors if errors.is_empty() => loaded.draft.finish().map_err(messages)?,
            errors => return Err(messages(errors)),
        };
        Ok((spec, loaded.source))
    };
    let spec = loaded.map_err(messages).and_then(finish);
    let (mut format, spec, source) = match (format, spec) {
        (Ok(format), Ok((spec, source))) => (format, spec, source),
        (format, spec) => {
            let mut problems: Problems = format.err().iter().map(ToString::to_string).collect();
            problems.extend(spec.err().into_iter().flatten());
            return Err(problems);
        }
    };
    let one = |error: StepError| vec![error.to_string()];
    let mut spec = spec;
    if let Destination::Manager(_) = destination
        && spec.name.is_none()
    {
        let program = Path::new(&spec.command.program).file_name();
        spec.name = program.and_then(|program| ServiceName::parse(program).ok());
    }
    let mut spec = format.complete(spec, source.as_ref());
    let starter = advice::assume_forking(&mut spec);
    let Adapter { path: adapter, assumed } = adapter(matches, F::SYSTEM).map_err(one)?;
    let directory = destination.directory();
    let division = divide(&spec, format.target());
    let job = GenerationInput {
        spec: &spec,
        division: &division,
        adapter: &adapter,
        source: source.as_ref(),
        is_named: directory.is_some(),
    };
    let output = format.make(&job)?;
    let hardening = format.harden(&spec, &division, &adapter)?;
    explain(matches, &hardening);
    report_all(&output.notes);
    report_all(source_text.losses(&output.losses));
    report_all(source_text.strange(&output.strange));
    report_all(starter);
    if assumed && division.needs_adapter() {
        let cause = "assumed to be the path of svcadapt on the target machine";
        let error = StepError::new("--svcadapt", cause).of(adapter.display().to_string());
        report(&error.hint("--svcadapt PATH sets another one"));
    }
    let is_own_format = matches
        .get_one::<PathBuf>(args::SPEC)
        .is_some_and(|path| path.extension() == Some(F::SUFFIX.as_ref()));
    report_all(format.note(&spec).filter(|_| !is_own_format));
    let stale: Vec<StepError> = directory
        .map(|directory| stale_files(directory, &output.files, format.implied_files(&spec)))
        .unwrap_or_default();
    report_all(&stale);
    // The notes are about what svcadapt would do differently from launchd; a property list that is only rewritten is
    // not concerned.
    let has_notes = has_notes && (F::NATIVE || !output.is_rewritten);
    check_losses(matches, has_notes || !stale.is_empty(), &output.losses).map_err(one)?;
    let account = account(&spec, &division, &output, &hardening);
    let text = concatenated(&output.files);
    Ok(Generated { name: spec.name, text, files: output.files, directory, account })
}

/// Warnings about older files in the directory. They are not removed: they may belong to someone else.
fn stale_files(directory: &Path, files: &[OutputFile], implied: Vec<ImpliedFile>) -> Vec<StepError> {
    let is_stale = |implied: &ImpliedFile| {
        !files.iter().any(|file| file.path == implied.path)
            && directory.join(&implied.path).symlink_metadata().is_ok()
    };
    let error = |ImpliedFile { path, cause, hint }: ImpliedFile| {
        StepError::new("output", cause).of(directory.join(path).display().to_string()).hint(hint)
    };
    implied.into_iter().filter(is_stale).map(error).collect()
}

/// Warns if stdout is a file: several files in one are not what a host reads.
fn warn_two_files_in_one(files: &[OutputFile]) {
    let stdout = || File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata().ok();
    if files.len() > 1 && stdout().is_some_and(|file| file.is_file()) {
        let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
        let cause = format!(
            "{} and {last} are in one output file, each below a line with its name",
            others.join(", ")
        );
        report(&StepError::new("output", cause).hint("--output DIR writes separate files"));
    }
}

/// The errors as messages.
pub(crate) fn messages(problems: impl IntoIterator<Item = impl ToString>) -> Problems {
    problems.into_iter().map(|problem| problem.to_string()).collect()
}

/// An error if the options do not allow these losses. `has_notes`: the source has settings that are not supported.
fn check_losses(matches: &ArgMatches, has_notes: bool, losses: &[Loss]) -> Result<(), StepError> {
    if matches.get_flag("strict") && (has_notes || !losses.is_empty()) {
        Err(StepError::new(
            "strict",
            "not everything in the spec can be expressed exactly; nothing was written",
        ))
    } else if !matches.get_flag("allow-loss") && losses.iter().any(Loss::weakens_security) {
        Err(StepError::new(
            "security",
            "the service would get more rights than specified; nothing was written",
        )
        .hint("--allow-loss writes the file anyway"))
    } else {
        Ok(())
    }
}

/// The assumed path of svcadapt on a machine with another operating system.
const ADAPTER_ELSEWHERE: &str = "/usr/local/bin/svcadapt";

/// The path of svcadapt in the generated file.
struct Adapter {
    path: PathBuf,
    /// Whether the path is only assumed.
    assumed: bool,
}

/// The value of `--svcadapt`; if not set, its own path, or for another operating system the usual one.
fn adapter(matches: &ArgMatches, system: &str) -> Result<Adapter, StepError> {
    let known = |path| Adapter { path, assumed: false };
    match matches.get_one::<PathBuf>("svcadapt") {
        Some(path) if path.is_absolute() => Ok(known(path.clone())),
        Some(path) => {
            Err(StepError::new("--svcadapt", "not an absolute path").of(path.display().to_string()))
        }
        None if system != std::env::consts::OS => {
            Ok(Adapter { path: ADAPTER_ELSEWHERE.into(), assumed: true })
        }
        None => std::env::current_exe().map(known).map_err(|error| {
            StepError::new("svcadapt", format!("cannot determine its own path: {}", error.kind()))
                .hint("set it: --svcadapt PATH")
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use svcadapt_convert::divide::Target;
    use svcadapt_convert::divide::internal::command;
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use super::*;

    #[test]
    fn adapter_command_is_read_back_as_the_same_spec() {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/web".into(), "--user".into(), "--".into(), String::new().into()]);
        for (field, value) in [
            (Field::Description, "-- a \"web\" server"),
            (Field::Type, "forking"),
            (Field::EnvironmentFile, "-/etc/default/web"),
            (Field::CleanEnvironment, "no"),
            (Field::Nice, "-5"),
            (Field::PreventCore, "yes"),
            (Field::CapabilityBoundingSet, ""),
            (Field::Ready, "exec:test -e '/a b'\n"),
            (Field::Ready, "tcp:[::1]:80"),
            (Field::TimeoutStartSec, "1min 500ms"),
        ] {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let words = command(&spec, &divide(&spec, Target::Classic), Path::new("/usr/bin/svcadapt"));
        assert_eq!(
            words[..4].iter().map(|word| &word.text).collect::<Vec<_>>(),
            ["/usr/bin/svcadapt", "run", "--mode", "supervised"]
        );
        // clap takes the first word as the name of the command.
        let rest: Vec<OsString> = words.into_iter().skip(3).map(|word| word.text).collect();
        let matches = args::spec_options(Command::new("run")).try_get_matches_from(rest).unwrap();
        let mut read_back = SpecDraft::new();
        args::apply(&mut read_back, &matches);
        assert_eq!(read_back.finish().unwrap(), spec);
    }
}
