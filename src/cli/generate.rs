//! What gen-unit and gen-plist have in common: from options to a file, and nothing at all if anything is wrong.

mod new;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use new::{account, in_own_words, one_after_the_other};
use serde_json::Value;
use svcadapt::StepError;
use svcadapt_convert::divide::{Division, Loss, Target, divide};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::{Rendered, Rewritten};
use svcadapt_spec::{Scope, ServiceSpec};

use super::deliver::deliver;
use super::losses::Written;
use super::plain::json_text;
use super::report::{print, report, report_all};
use super::spec_file::{Loaded, Source};
use super::{Exit, advice, args, spec_file};

/// A kind of file that a service can be written as.
pub(crate) trait Format {
    /// Whether what only systemd can read may be all that is known of the command.
    const NATIVE: bool;

    /// The end of its file's name, behind the dot.
    const SUFFIX: &'static str;

    /// The system that uses it, as Rust calls it (`std::env::consts::OS`).
    const SYSTEM: &'static str;

    /// For whom it is.
    fn target(&self) -> Target;

    /// What has to be said for this host because it has no rule for what is not said.
    fn complete(&self, spec: ServiceSpec) -> ServiceSpec {
        spec
    }

    /// The file's name.
    fn file(&self, spec: &ServiceSpec) -> Result<String, StepError>;

    /// What a person should know of a file that is made from anything else than its own kind, and what is no loss.
    fn note(&self, _spec: &ServiceSpec) -> Option<StepError> {
        None
    }

    /// What shuts the service in.
    fn harden(&self, _: &ServiceSpec, _: &Division, _adapter: &Path) -> Result<Hardening, Problems> {
        Ok(Hardening::default())
    }

    /// The file's text. `adapter` is the path of svcadapt where the file will be used.
    fn render(&self, spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Problems>;

    /// The text of a file of this kind, with what is different in it, where `anew` is what the writers make of it.
    fn rewrite(
        &self,
        _source: &Source,
        _spec: &ServiceSpec,
        _division: &Division,
        _adapter: &Path,
        _anew: (&Rendered, Option<&Beside>),
    ) -> Rewriting {
        Rewriting::Foreign
    }

    /// A second file that the first one needs.
    fn beside(&self, _spec: &ServiceSpec, _division: &Division) -> Result<Option<Beside>, Problems> {
        Ok(None)
    }

    /// The name of a second file that the first one does not need, and that its host reads with it if it is there.
    fn not_beside(&self, _spec: &ServiceSpec) -> Option<String> {
        None
    }
}

/// What becomes of the words of the file that the service was read from.
pub(crate) enum Rewriting {
    /// They are another host's.
    Foreign,
    /// They stay, and this is to be noted.
    Lines(Rewritten, Vec<StepError>),
    /// What is asked for cannot be said in them.
    Anew,
}

/// A second file.
pub(crate) struct Beside {
    /// The file's name.
    pub(crate) name: String,
    /// The file's text.
    pub(crate) text: String,
}

/// Adds the options that every kind of file has.
pub(crate) fn options(command: Command) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).help_heading("The file").action(ArgAction::SetTrue)
    };
    let path = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .help(help)
            .help_heading("The file")
            .value_parser(value_parser!(PathBuf))
    };
    args::spec_options(command)
        .arg(path(
            "output",
            "DIR",
            "Write the file into this directory instead of to standard output; of two, each as its own",
        ))
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .help("Whose services the manager runs: system, or user for one that a user has [system]")
                .help_heading("The file")
                .value_parser(["system", "user"]),
        )
        .arg(path(
            "svcadapt",
            "PATH",
            "Where svcadapt lies on the machine that will use the file [here this one; for another system \
             /usr/local/bin/svcadapt]",
        ))
        .arg(
            flag("strict", "Fail if anything is different from what was asked for")
                .conflicts_with("allow-loss"),
        )
        .arg(flag("allow-loss", "Write the file even if the service gets more rights than was asked for"))
        .arg(flag("json", "Print the file and what becomes of each field as a JSON object"))
}

/// Whose services the manager runs.
pub(crate) fn scope(matches: &ArgMatches) -> Scope {
    match matches.get_one::<String>("scope").map(String::as_str) {
        Some("user") => Scope::User,
        _ => Scope::System,
    }
}

/// Makes the file. `format` may have failed before; then all else that is wrong is still told.
pub(crate) fn run<F: Format>(matches: &ArgMatches, format: Result<F, StepError>) -> Exit {
    let file = match make(matches, format) {
        Ok(file) => file,
        Err(problems) => {
            report_all(&problems);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    match file.place {
        _ if matches.get_flag("json") => {
            let delivered = match &file.place {
                Some(directory) => deliver(directory, &file.files),
                None => Ok(()),
            };
            if let Err(error) = delivered {
                report(&error);
                return Exit::Status(error.status);
            }
            print(&json_text(&file.account)).err().unwrap_or(Exit::Status(0))
        }
        None => {
            apart(&file.files);
            print(&file.text).err().unwrap_or(Exit::Status(0))
        }
        Some(directory) => match deliver(directory, &file.files) {
            Ok(()) => Exit::Status(0),
            Err(error) => {
                report(&error);
                Exit::Status(error.status)
            }
        },
    }
}

/// What is to be written, and where: a directory, or standard output.
struct Made<'a> {
    /// All of it, for standard output.
    text: Vec<u8>,
    /// Each file's name and text, for a directory.
    files: Vec<(String, Vec<u8>)>,
    place: Option<&'a Path>,
    /// The same for machines.
    account: Value,
}

/// Why the sandbox is as it is: to people who want to know, on standard error, since the file itself stays the same.
fn explain(matches: &ArgMatches, hardening: &Hardening) {
    if !matches!(matches.try_get_one::<bool>("explain"), Ok(Some(true))) {
        return report_all(hardening.left_out.iter().filter(|gone| gone.open));
    }
    hardening.set.iter().for_each(report);
    hardening.left_out.iter().for_each(report);
}

/// All problems as they are told.
pub(crate) type Problems = Vec<String>;

fn make<F: Format>(matches: &ArgMatches, format: Result<F, StepError>) -> Result<Made<'_>, Problems> {
    if let Some(error) = advice::misplaced(matches) {
        return Err(vec![error.to_string()]);
    }
    let given = spec_file::given(matches);
    let elsewhere = |loaded: &Loaded| if F::NATIVE { Vec::new() } else { loaded.elsewhere.clone() };
    let notes: Vec<StepError> =
        given.iter().flat_map(|loaded| loaded.warnings.iter().cloned().chain(elsewhere(loaded))).collect();
    report_all(&notes);
    let noted = !notes.is_empty();
    let written = given.as_ref().map(|loaded| Written::of(&loaded.draft, &loaded.places)).unwrap_or_default();
    let finish = |mut loaded: Loaded| {
        let spec = match loaded.not_started() {
            _ if F::NATIVE => loaded.draft.finish_native().map_err(told)?,
            why if why.is_empty() => loaded.draft.finish().map_err(told)?,
            why => return Err(told(why)),
        };
        Ok((spec, loaded.source))
    };
    let spec = given.map_err(told).and_then(finish);
    let (format, spec, source) = match (format, spec) {
        (Ok(format), Ok((spec, source))) => (format, spec, source),
        (format, spec) => {
            let mut problems: Problems = format.err().iter().map(ToString::to_string).collect();
            problems.extend(spec.err().into_iter().flatten());
            return Err(problems);
        }
    };
    let one = |error: StepError| vec![error.to_string()];
    let mut spec = format.complete(spec);
    let starter = advice::background(&mut spec);
    let Adapter { path: adapter, assumed } = adapter(matches, F::SYSTEM).map_err(one)?;
    let place = matches.get_one::<PathBuf>("output").map(PathBuf::as_path);
    let division = divide(&spec, format.target());
    let rendered = format.render(&spec, &division, &adapter)?;
    let beside = format.beside(&spec, &division)?;
    let name =
        if place.is_some() || beside.is_some() { format.file(&spec).map_err(one)? } else { String::new() };
    let hardening = format.harden(&spec, &division, &adapter)?;
    explain(matches, &hardening);
    let anew = (&rendered, beside.as_ref());
    let rewriting = source.map(|source| format.rewrite(&source, &spec, &division, &adapter, anew));
    let new = in_own_words(rendered, beside, rewriting);
    report_all(&new.notes);
    report_all(written.told(&new.losses));
    report_all(written.strange(&new.strange));
    report_all(starter);
    if assumed && division.needs_adapter() {
        let cause = "the file names svcadapt by this path, which is the usual one there";
        let error = StepError::new("--svcadapt", cause).of(adapter.display().to_string());
        report(&error.hint("--svcadapt PATH names another one"));
    }
    let own = matches
        .get_one::<PathBuf>(args::SPEC)
        .is_some_and(|path| path.extension() == Some(F::SUFFIX.as_ref()));
    report_all(format.note(&spec).filter(|_| !own));
    let stays = place
        .filter(|_| new.beside.is_none())
        .and_then(|place| stays(place, &name, format.not_beside(&spec)));
    report_all(&stays);
    // What svcadapt would do otherwise than launchd is nothing to a file that stays launchd's own.
    let noted = noted && (F::NATIVE || !new.in_own_words);
    acceptable(matches, noted || stays.is_some(), &new.losses).map_err(one)?;
    let account = account(&spec, &division, &new, &hardening);
    let mut files = vec![(name, new.text)];
    files.extend(new.beside);
    Ok(Made { text: one_after_the_other(&files), files, place, account })
}

/// A file of an earlier time, which nobody but its owner may remove: it may be no file of ours.
fn stays(place: &Path, file: &str, beside: Option<String>) -> Option<StepError> {
    let there = place.join(beside?);
    there.symlink_metadata().ok()?;
    let cause = format!("an older one stays there, and by its name its sockets are those of {file}");
    let error = StepError::new("output", cause).of(there.display().to_string());
    Some(error.hint("if nobody needs it, disable it with systemctl disable --now, and remove it"))
}

/// Two units in one file are none.
fn apart(files: &[(String, Vec<u8>)]) {
    let plain = || File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata().ok();
    if files.len() > 1 && plain().is_some_and(|file| file.is_file()) {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let cause = format!("{} stand in one file, each below its name", names.join(" and "));
        report(
            &StepError::new("output", cause).hint("--output DIR writes each of them as a file of its own"),
        );
    }
}

/// Each as it is told.
pub(crate) fn told(problems: impl IntoIterator<Item = impl ToString>) -> Problems {
    problems.into_iter().map(|problem| problem.to_string()).collect()
}

/// Whether the file may be written in spite of what it does not say; `noted` is whether what it is made from says
/// things that are not known here.
fn acceptable(matches: &ArgMatches, noted: bool, losses: &[Loss]) -> Result<(), StepError> {
    if matches.get_flag("strict") && (noted || !losses.is_empty()) {
        Err(StepError::new(
            "strict",
            "not everything that was asked for can be had here; nothing was written",
        ))
    } else if !matches.get_flag("allow-loss") && losses.iter().any(Loss::weakens_security) {
        Err(StepError::new(
            "security",
            "the service would get more rights than was asked for; nothing was written",
        )
        .hint("--allow-loss writes the file all the same"))
    } else {
        Ok(())
    }
}

/// Where svcadapt is expected on a machine that is not this one.
const ELSEWHERE: &str = "/usr/local/bin/svcadapt";

/// The path of svcadapt that the file will name.
struct Adapter {
    path: PathBuf,
    /// Whether it is only the path that is usual there.
    assumed: bool,
}

/// Where the file is for another system than this one, our own path says nothing.
fn adapter(matches: &ArgMatches, system: &str) -> Result<Adapter, StepError> {
    let known = |path| Adapter { path, assumed: false };
    match matches.get_one::<PathBuf>("svcadapt") {
        Some(path) if path.is_absolute() => Ok(known(path.clone())),
        Some(path) => {
            Err(StepError::new("--svcadapt", "not an absolute path").of(path.display().to_string()))
        }
        None if system != std::env::consts::OS => Ok(Adapter { path: ELSEWHERE.into(), assumed: true }),
        None => std::env::current_exe().map(known).map_err(|error| {
            StepError::new("svcadapt", format!("its own path cannot be told: {}", error.kind()))
                .hint("say it with --svcadapt PATH")
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use svcadapt_convert::divide::internal::command;
    use svcadapt_spec::{Field, Origin, SpecDraft};

    use super::*;

    #[test]
    fn what_the_adapter_is_told_is_what_it_reads() {
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
        // The fourth word stands where clap expects the name of the command.
        let rest: Vec<OsString> = words.into_iter().skip(3).map(|word| word.text).collect();
        let matches = args::spec_options(Command::new("run")).try_get_matches_from(rest).unwrap();
        let mut again = SpecDraft::new();
        args::lay(&mut again, &matches);
        assert_eq!(again.finish().unwrap(), spec);
    }
}
