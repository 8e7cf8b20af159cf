//! `svcadapt check SPEC...`: what each host will refuse, ignore or misread.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt::internal::escape_control;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::Systemd;
use svcadapt_convert::lint::{Finding, Job, Machine, NoMachine, Rule, Service, Severity, Source, rules};
use svcadapt_convert::unit::LARGEST_UNIT;
use svcadapt_convert::{LARGEST, lint};
use svcadapt_spec::{Origin, Scope, Spot};

use super::plain::json_text;
use super::report::{print, report};
use super::unit_file::Files;
use super::{Exit, spec_file, unit_file, unit_path};
use crate::local_machine::LocalMachine;

/// Something was found that is more than a note.
const FINDINGS: u8 = 1;

/// What clap must know.
pub(crate) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).value_parser(value_parser!(OsString))
    };
    Command::new("check")
        .about("Tells what a host will refuse, ignore or misread in a spec")
        .long_about(
            "Looks for what `systemd-analyze verify` does not see and launchd does not say, in units (.service with \
             its drop-ins and the .socket beside it, .socket), property lists (.plist) and JSON (.json). Each finding \
             has its place, a code that stays the same, the reason why it matters and a hint; --codes prints them \
             all.\n\n\
             Exit status: 0 nothing was found, or nothing but notes; 1 errors or warnings; 2 usage, or a file that \
             cannot be read.",
        )
        .arg(
            Arg::new("spec")
                .value_name("SPEC")
                .help("The files to look at")
                .num_args(1..)
                .required_unless_present("codes")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(value("ignore", "CODE", "Pass over this code; several with commas, or repeated").action(ArgAction::Append))
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .help("Whose manager reads it, system or user [by the folder that the file lies in, else system]")
                .value_parser(["system", "user"]),
        )
        .arg(value("systemd-version", "N", "Which systemd reads it, 239 to 262 [the installed one, else 252]"))
        .arg(flag("elsewhere", "The files are for another machine: do not look for users, programs and paths here"))
        .arg(flag("json", "Print an array of findings"))
        .arg(flag("codes", "Print every code with its sentence, its reason and its cure").exclusive(true))
}

/// Does it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    if matches.get_flag("codes") {
        return print(&codes()).err().unwrap_or(Exit::Status(0));
    }
    let asked = match CheckOptions::new(matches) {
        Ok(asked) => asked,
        Err(error) => {
            report(&error);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    let (mut findings, mut unreadable) = (Vec::new(), false);
    for path in matches.get_many::<PathBuf>("spec").into_iter().flatten() {
        match unit_path::find(path, asked.scope).and_then(|path| asked.look(&path)) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                report(&error);
                unreadable = true;
            }
        }
    }
    findings.retain(|finding| !asked.ignored.contains(&finding.rule));
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

/// What was asked for.
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
                StepError::new("--ignore", "there is no such code")
                    .of(code)
                    .hint("svcadapt check --codes prints them")
            })
        });
        let version = match matches.get_one::<OsString>("systemd-version") {
            Some(said) => Version::parse(said).map_err(|refusal| {
                let error = StepError::new("--systemd-version", refusal.cause).of(said.to_string_lossy());
                StepError { hint: refusal.hint, ..error }
            })?,
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

    /// Everything that is found in a file, as the kind that the end of its name says.
    fn look(&self, path: &Path) -> Result<Vec<Finding>, StepError> {
        let bytes =
            |path: &Path| spec_file::read(path, LARGEST).map_err(|error| spec_file::unreadable(path, &error));
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("service") => self.service(path),
            Some("socket") => Ok(match source(path)? {
                Ok(socket) => lint::socket_unit(&socket, self.systemd(path), self.machine),
                Err(findings) => findings,
            }),
            Some("plist") => {
                let scope = self.scope.unwrap_or_default();
                Ok(lint::job(Job { path, bytes: &bytes(path)?, scope }, self.machine))
            }
            Some("json") => Ok(lint::json(&bytes(path)?, path)),
            _ => Err(StepError::new("spec", "no kind of file that describes a service")
                .of(path.display().to_string())
                .hint("its name ends in .service, .socket, .plist or .json")),
        }
    }

    /// A unit with its drop-ins and its socket. What is no unit at all is all that can be told of it.
    fn service(&self, path: &Path) -> Result<Vec<Finding>, StepError> {
        let Files { name, path: unit, drop_ins } = unit_file::files(path)?;
        let (mut findings, mut sources, mut room) = (Vec::new(), Vec::new(), LARGEST_UNIT);
        for path in std::iter::once(&unit).chain(&drop_ins) {
            match source(path)? {
                Ok(source) => {
                    room = room.checked_sub(source.text.len()).ok_or_else(|| {
                        let cause =
                            format!("with the unit's other files it has more than {LARGEST_UNIT} bytes");
                        StepError::new("spec", cause).of(path.display().to_string())
                    })?;
                    sources.push(source);
                }
                Err(found) => findings.extend(found),
            }
        }
        let beside = unit.with_extension("socket");
        let socket = match beside.is_file().then(|| source(&beside)).transpose()? {
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
            findings = lint::unit(&Service { name, unit, drop_ins, socket, host }, self.machine);
        }
        // As it was named.
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

/// A unit file; what is no unit file at all is a finding.
fn source(path: &Path) -> Result<Result<Source, Vec<Finding>>, StepError> {
    let text = unit_file::content(path).map_err(|error| spec_file::unreadable(path, &error))?;
    Ok(Source::parse(path, text))
}

/// Every finding. A note that says the same of several places stands once, with all of them.
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
    let _ = write!(text, "\n  why: {}\n  hint: {}\n", finding.rule.why, escape_control(&finding.cure));
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
        "cure": finding.cure,
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
            rule.code, rule.severity, rule.what, rule.why, rule.cure
        )
    };
    rules::all().map(one).collect()
}
