//! `svcadapt check SPEC...`: reports what a host will reject, ignore or misread.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt::internal::escape_control;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::Systemd;
use svcadapt_convert::lint;
use svcadapt_convert::lint::{
    Finding, JobFile, Machine, NoMachine, Rule, ServiceFiles, Severity, UnitSource, rules,
};
use svcadapt_convert::load::internal::{UnitFiles, spec_text, unit_files, unit_text};
use svcadapt_convert::unit::MAX_UNIT_BYTES;
use svcadapt_spec::{Origin, Scope, Spot};

use super::message::load_message;
use super::report::{print, report, value_error};
use super::text::json_text;
use super::{Exit, spec_file};
use crate::local_machine::LocalMachine;

/// Exit status: there are errors or warnings.
const FINDINGS: u8 = 1;

/// The clap command.
pub(crate) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).value_parser(value_parser!(OsString))
    };
    Command::new("check")
        .about("Reports what a host will reject, ignore or misread in a spec")
        .long_about(
            "Reports mistakes that `systemd-analyze verify` and launchd do not report, in units (.service with its \
             drop-ins and its .socket; .socket), property lists (.plist) and JSON (.json). Each finding has a place, \
             a stable code, a reason and a hint; --codes prints all codes.\n\n\
             Exit status: 0 no findings, or only notes; 1 errors or warnings; 2 usage error, or a file that cannot \
             be read.",
        )
        .arg(
            Arg::new("spec")
                .value_name("SPEC")
                .help("The files to check")
                .num_args(1..)
                .required_unless_present("codes")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(value("ignore", "CODE", "Ignore this code; repeat it, or separate several by commas").action(ArgAction::Append))
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .help("The manager that reads the file: system or user [by the file's directory, else system]")
                .value_parser(["system", "user"]),
        )
        .arg(value("systemd-version", "N", "The systemd version that reads the file, 239 to 262 [the installed one, else 252]"))
        .arg(flag("elsewhere", "The files are for another machine: do not look up users, programs and paths on this one"))
        .arg(flag("json", "Print the findings as a JSON array"))
        .arg(flag("codes", "Print every code with its meaning, its reason and its hint").exclusive(true))
}

/// Checks the files and prints the findings.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    if matches.get_flag("codes") {
        return print(&codes()).err().unwrap_or(Exit::Status(0));
    }
    let options = match CheckOptions::new(matches) {
        Ok(options) => options,
        Err(error) => {
            report(&error);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    let (mut findings, mut unreadable) = (Vec::new(), false);
    for path in matches.get_many::<PathBuf>("spec").into_iter().flatten() {
        match spec_file::find(path, options.scope).and_then(|path| options.check(&path)) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                report(&error);
                unreadable = true;
            }
        }
    }
    findings.retain(|finding| !options.ignored.contains(&finding.rule));
    let text = if matches.get_flag("json") {
        json_text(&findings.iter().map(as_json).collect())
    } else {
        as_texts(&findings)
    };
    let bad = findings.iter().any(|finding| finding.severity > Severity::Note);
    let status = if bad { FINDINGS } else { 0 };
    match print(&text) {
        _ if unreadable => Exit::Status(svcadapt::USAGE),
        Ok(()) => Exit::Status(status),
        Err(exit) => exit,
    }
}

/// The options of `check`.
struct CheckOptions {
    ignored: Vec<&'static Rule>,
    scope: Option<Scope>,
    version: Version,
    machine: &'static dyn Machine,
}

impl CheckOptions {
    fn new(matches: &ArgMatches) -> Result<Self, StepError> {
        let words = matches.get_many::<OsString>("ignore").into_iter().flatten();
        let codes =
            words.flat_map(|words| words.to_string_lossy().split(',').map(str::to_owned).collect::<Vec<_>>());
        let ignored = codes.filter(|code| !code.is_empty()).map(|code| {
            rules::find(&code).ok_or_else(|| {
                StepError::new("--ignore", "unknown code")
                    .of(code)
                    .hint("'svcadapt check --codes' lists them")
            })
        });
        let version = match matches.get_one::<OsString>("systemd-version") {
            Some(word) => {
                Version::parse(word).map_err(|error| value_error("--systemd-version", word, error))?
            }
            None if matches.get_flag("elsewhere") => Version::default(),
            None => crate::local_machine::installed_systemd().unwrap_or_default(),
        };
        Ok(Self {
            ignored: ignored.collect::<Result<_, _>>()?,
            scope: matches.get_one::<String>("scope").map(|scope| match scope.as_str() {
                "user" => Scope::User,
                _ => Scope::System,
            }),
            version,
            machine: if matches.get_flag("elsewhere") { &NoMachine } else { &LocalMachine },
        })
    }

    /// All findings in a file; the end of its name decides its kind.
    fn check(&self, path: &Path) -> Result<Vec<Finding>, StepError> {
        let bytes = |path: &Path| spec_text(path, &spec_file::read).map_err(load_message);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("service") => self.service(path),
            Some("socket") => Ok(match source(path)? {
                Ok(socket) => lint::socket_unit(&socket, self.systemd(path), self.machine),
                Err(findings) => findings,
            }),
            Some("plist") => {
                let scope = self.scope.unwrap_or_default();
                Ok(lint::job(JobFile { path, bytes: &bytes(path)?, scope }, self.machine))
            }
            Some("json") => Ok(lint::json(&bytes(path)?, path)),
            _ => Err(StepError::new("spec", "unknown kind of file")
                .of(path.display().to_string())
                .hint("the name must end in .service, .socket, .plist or .json")),
        }
    }

    /// All findings in a unit with its drop-ins and its socket unit. If a file cannot be parsed, only that is reported.
    fn service(&self, path: &Path) -> Result<Vec<Finding>, StepError> {
        let UnitFiles { name, path: unit, drop_ins } = unit_files(path).map_err(load_message)?;
        let (mut findings, mut sources, mut room) = (Vec::new(), Vec::new(), MAX_UNIT_BYTES);
        for path in std::iter::once(&unit).chain(&drop_ins) {
            match source(path)? {
                Ok(source) => {
                    room = room.checked_sub(source.text.len()).ok_or_else(|| {
                        let cause = format!(
                            "the unit and its drop-ins together have more than {MAX_UNIT_BYTES} bytes"
                        );
                        StepError::new("spec", cause).of(path.display().to_string())
                    })?;
                    sources.push(source);
                }
                Err(found) => findings.extend(found),
            }
        }
        let socket_path = unit.with_extension("socket");
        let socket = match socket_path.is_file().then(|| source(&socket_path)).transpose()? {
            Some(Ok(socket)) => Some(socket),
            Some(Err(found)) => {
                findings.extend(found);
                None
            }
            None => None,
        };
        if findings.is_empty() {
            let (unit, drop_ins) = (sources.remove(0), sources);
            let host = self.systemd(&unit.file.path);
            findings = lint::unit(&ServiceFiles { name, unit, drop_ins, socket, host }, self.machine);
        }
        // Report the path in the form in which the user wrote it, not the canonical one.
        for finding in &mut findings {
            if let Origin::File { path: place, .. } = &mut finding.origin
                && let (Some(folder), Some(named)) = (unit.parent(), path.parent())
                && let Ok(rest) = place.strip_prefix(folder)
            {
                *place = named.join(rest);
            }
        }
        Ok(findings)
    }

    fn systemd(&self, path: &Path) -> Systemd {
        let user = path.components().map(Component::as_os_str).collect::<Vec<_>>();
        let user = user.windows(2).any(|two| two[0] == "systemd" && two[1] == "user");
        let by_place = if user { Scope::User } else { Scope::System };
        Systemd { version: self.version, scope: self.scope.unwrap_or(by_place) }
    }
}

/// Parses a unit file. `Err` in the inner result: the findings of a file that is not a unit file.
fn source(path: &Path) -> Result<Result<UnitSource, Vec<Finding>>, StepError> {
    let text = unit_text(path, &spec_file::read).map_err(load_message)?;
    Ok(UnitSource::parse(path, text))
}

/// The findings as text. Equal notes on several places are printed once, with all places.
fn as_texts(findings: &[Finding]) -> String {
    let same = |one: &Finding, other: &Finding| {
        one.severity == Severity::Note && one.rule == other.rule && one.message == other.message
    };
    let mut text = String::new();
    for (number, finding) in findings.iter().enumerate() {
        if findings[..number].iter().any(|before| same(before, finding)) {
            continue;
        }
        text += &as_text(finding);
        let also: Vec<_> = findings[number + 1..].iter().filter(|after| same(finding, after)).collect();
        if !also.is_empty() {
            let places: Vec<_> = also.into_iter().map(place_text).collect();
            let _ = writeln!(text, "  also: {}", places.join(", "));
        }
    }
    text
}

fn place_text(finding: &Finding) -> String {
    match place(finding) {
        (path, Some(spot)) => format!("{}:{}:{}", escape_control(&path), spot.line, spot.column),
        (path, None) => escape_control(&path),
    }
}

fn as_text(finding: &Finding) -> String {
    let (_, spot) = place(finding);
    let mut text = place_text(finding);
    // Writing to a String cannot fail.
    let _ =
        write!(text, ": {} {}: {}", finding.severity, finding.rule.code, escape_control(&finding.message));
    if let Some(spot) = spot {
        let _ = write!(text, "{spot}");
    }
    let _ = write!(text, "\n  why: {}\n  hint: {}\n", finding.rule.why, escape_control(&finding.hint));
    text
}

fn as_json(finding: &Finding) -> Value {
    let (path, spot) = place(finding);
    json!({
        "file": path,
        "line": spot.map(|spot| spot.line),
        "column": spot.map(|spot| spot.column),
        "code": finding.rule.code,
        "severity": finding.severity.name(),
        "message": finding.message,
        "why": finding.rule.why,
        "hint": finding.hint,
    })
}

fn place(finding: &Finding) -> (String, Option<&Spot>) {
    match &finding.origin {
        Origin::File { path, spot, .. } => (path.display().to_string(), spot.as_ref()),
        Origin::Option => ("-".to_owned(), None),
    }
}

fn codes() -> String {
    let one = |rule: &Rule| {
        format!(
            "{} {}: {}\n  why: {}\n  hint: {}\n",
            rule.code, rule.severity, rule.summary, rule.why, rule.hint
        )
    };
    rules::all().map(one).collect()
}
