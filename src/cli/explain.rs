//! `svcadapt explain`: what a service says, in sentences, and who does it on a host.

mod native;
mod sentence;

use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::internal::has_no_effect;
use svcadapt_convert::divide::{Division, LossKind, Subject, Systemd, Target, divide};
use svcadapt_hosts::{Host, ServiceManager};
use svcadapt_spec::{FIELDS, Field, Scope, ServiceSpec, values};

use self::sentence::{Group, sentence};
use super::generate::{Problems, messages};
use super::message::{remark_message, spec_message};
use super::report::{failed, print, report_all, value_error};
use super::text::{json_text, printable};
use super::{Exit, args, generate, install, spec_file};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("explain")
        .about("Says in sentences what a unit, a property list or JSON means, and who does it on this host")
        .after_help(
            "Each sentence has the one who does it: the host, svcadapt, or `lost` with the reason. The host is the manager of this \
             machine, with which `svcadapt install` would install the service; without one it is `run` in classic mode, where \
             svcadapt does everything. --host chooses another one.\n\n\
             Exit status: 0; 2 the spec is invalid.",
        )
        .defer(options)
}

fn options(command: Command) -> Command {
    args::spec_options(command).args([
        Arg::new("host")
            .long("host")
            .value_name("HOST")
            .value_parser(HOSTS)
            .help("The host instead of this machine's"),
        generate::scope_option(),
        Arg::new("systemd-version")
            .long("systemd-version")
            .value_name("N")
            .value_parser(ValueParser::os_string())
            .help("The version of systemd, 239 to 262 [the installed one; with --host 252]"),
        Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON object"),
    ])
}

const HOSTS: [&str; 7] = ["systemd", "launchd", "openrc", "runit", "s6", "sysv", "classic"];

/// Prints the sentences.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let target = match target(matches) {
        Ok(target) => target,
        Err(error) => return failed(&error),
    };
    let spec = match spec(matches) {
        Ok(spec) => spec,
        Err(problems) => {
            report_all(&problems);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    let settings = settings(&spec, target);
    let what =
        matches.get_one::<PathBuf>(args::SPEC).map_or("this service".to_owned(), |path| printable_name(path));
    let text = if matches.get_flag("json") {
        json_text(&as_json(&settings, target))
    } else {
        as_text(&what, &settings, target)
    };
    print(&text).err().unwrap_or(Exit::Status(0))
}

fn printable_name(path: &std::path::Path) -> String {
    printable(path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes())
}

fn spec(matches: &ArgMatches) -> Result<ServiceSpec, Problems> {
    let loaded = spec_file::load_with_options(matches).map_err(messages)?;
    let elsewhere = loaded.elsewhere.into_iter().map(remark_message);
    report_all(loaded.warnings.into_iter().map(spec_message).chain(elsewhere));
    loaded.draft.finish_native().map_err(messages)
}

/// The host that is named, else the manager of this machine, else none.
fn target(matches: &ArgMatches) -> Result<Target, StepError> {
    let scope = generate::scope(matches);
    let named = matches.get_one::<String>("host").map(String::as_str);
    let word = matches.get_one::<OsString>("systemd-version");
    let version = word
        .map(|word| Version::parse(word).map_err(|error| value_error("--systemd-version", word, error)))
        .transpose()?;
    let systemd = |version: Version| Target::Systemd(Systemd { version, scope });
    let Some(named) = named else {
        let host = ServiceManager::of_machine(scope).map(|manager| manager.host);
        return Ok(match host {
            Ok(Host::Systemd) => systemd(version.unwrap_or_else(install::version)),
            Ok(host) => of_host(host.name(), scope).unwrap_or(Target::Classic),
            Err(_) => Target::Classic,
        });
    };
    Ok(of_host(named, scope).unwrap_or_else(|| systemd(version.unwrap_or_default())))
}

/// The host of this name. `None`: systemd, which has a version.
fn of_host(name: &str, scope: Scope) -> Option<Target> {
    Some(match name {
        "launchd" => Target::Launchd(scope),
        "openrc" => Target::OpenRc,
        "runit" => Target::Runit,
        "s6" => Target::S6,
        "sysv" => Target::SysV,
        "classic" => Target::Classic,
        _ => return None,
    })
}

/// One setting.
struct Setting {
    group: Group,
    /// Its name: the option of a field, a directive or a key.
    name: String,
    text: String,
    by: Performer,
    /// What the host does differently.
    nearly: Option<String>,
}

/// Who does a setting.
enum Performer {
    Host,
    Svcadapt,
    /// Neither, for this reason. Whether the service has more rights then.
    Lost(String, bool),
    /// It asks for nothing: a text for people.
    Nothing,
}

/// All settings, in the order of the groups and of the fields.
fn settings(spec: &ServiceSpec, target: Target) -> Vec<Setting> {
    let division = divide(spec, target);
    let mut all = Vec::new();
    if !spec.command.is_native() {
        let words = std::iter::once(&spec.command.program).chain(&spec.command.arguments);
        let words: Vec<String> = words.map(word).collect();
        let by = if division.needs_adapter() || target == Target::Classic {
            Performer::Svcadapt
        } else {
            Performer::Host
        };
        let text = format!("It runs {}.", words.join(" "));
        all.push(Setting { group: Group::Program, name: "command".to_owned(), text, by, nearly: None });
    }
    all.extend(FIELDS.iter().filter_map(|row| of_field(spec, &division, row.field)));
    let native = &spec.native;
    all.extend(native.systemd.iter().flatten().map(|line| {
        let (group, text) = native::of_line(line);
        let subject = Subject::Directive(line.clone());
        let is_systemds = matches!(target, Target::Systemd(_));
        let otherwise = if is_systemds && line.name() != "Documentation" {
            Performer::Host
        } else if has_no_effect(line) {
            Performer::Nothing
        } else {
            Performer::Host
        };
        of_native(&division, &subject, group, line.name(), text, otherwise)
    }));
    all.extend(native.launchd.iter().map(|(key, value)| {
        let (group, text) = native::of_key(key, value);
        // What a field says, too, is done with that.
        let otherwise =
            if matches!(target, Target::Launchd(_)) { Performer::Host } else { Performer::Nothing };
        of_native(&division, &Subject::Key(key.clone()), group, key, text, otherwise)
    }));
    all.sort_by_key(|setting| setting.group);
    all
}

fn of_field(spec: &ServiceSpec, division: &Division, field: Field) -> Option<Setting> {
    let values: Vec<String> = values(spec, field).iter().map(shown).collect();
    if values.is_empty() {
        return None;
    }
    let (group, text) = sentence(field, &values);
    let (lost, nearly) = loss(division, &Subject::Field(field));
    let by = match lost {
        Some(lost) => lost,
        None if division.host.contains(&field) => Performer::Host,
        None => Performer::Svcadapt,
    };
    Some(Setting { group, name: field.option().to_owned(), text, by, nearly })
}

fn of_native(
    division: &Division,
    subject: &Subject,
    group: Group,
    name: &str,
    text: String,
    otherwise: Performer,
) -> Setting {
    let (lost, nearly) = loss(division, subject);
    Setting { group, name: name.to_owned(), text: printable(text), by: lost.unwrap_or(otherwise), nearly }
}

/// The loss of a setting, and what is done only nearly.
fn loss(division: &Division, subject: &Subject) -> (Option<Performer>, Option<String>) {
    let mut all = division.losses.iter().filter(|loss| loss.subject == *subject).map(|loss| &loss.kind);
    let lost = all.clone().find_map(|kind| match kind {
        LossKind::Lost(why) => Some(Performer::Lost(why.clone(), false)),
        LossKind::Weakened(why) => Some(Performer::Lost(why.clone(), true)),
        LossKind::Approximated(_) => None,
    });
    let nearly = all.find_map(|kind| match kind {
        LossKind::Approximated(how) => Some(how.clone()),
        LossKind::Lost(_) | LossKind::Weakened(_) => None,
    });
    (lost, nearly)
}

/// A value as text, in quotes if it is empty or has blanks at its ends.
fn shown(value: &OsString) -> String {
    let text = printable(value.as_encoded_bytes());
    if text.is_empty() || text.trim() != text { format!("'{text}'") } else { text }
}

/// A word of a command, in quotes if it is empty or has a blank.
fn word(value: &OsString) -> String {
    let text = printable(value.as_encoded_bytes());
    if text.is_empty() || text.contains(char::is_whitespace) { format!("'{text}'") } else { text }
}

/// The name of a host, as people call it.
fn host_name(target: Target) -> &'static str {
    match target {
        Target::Systemd(_) => "systemd",
        Target::Launchd(_) => "launchd",
        Target::OpenRc => "OpenRC",
        Target::Runit => "runit",
        Target::S6 => "s6",
        Target::SysV => "init",
        Target::Classic => "svcadapt",
    }
}

fn heading(what: &str, target: Target) -> String {
    match target {
        Target::Classic => format!("{what}, as `svcadapt run` does it without a manager:\n"),
        Target::Systemd(systemd) => {
            let whose = if systemd.scope == Scope::User { "the user's systemd" } else { "systemd" };
            format!("{what}, as it is installed with {whose} {}:\n", systemd.version)
        }
        Target::SysV => format!("{what}, as it is installed as an init script of System V:\n"),
        target => format!("{what}, as it is installed with {}:\n", host_name(target)),
    }
}

fn as_text(what: &str, settings: &[Setting], target: Target) -> String {
    let mut text = heading(what, target);
    for group in Group::ALL {
        let mut title = Some(group.title());
        for setting in settings.iter().filter(|setting| setting.group == group) {
            if let Some(title) = title.take() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n{title}\n");
            }
            let by = match setting.by {
                Performer::Host => host_name(target),
                Performer::Svcadapt => "svcadapt",
                Performer::Lost(..) => "lost",
                Performer::Nothing => "-",
            };
            let _ = writeln!(text, "  {by:<8}  {}", setting.text);
            let mut more = |label: &str, words: &str| {
                let _ = writeln!(text, "  {:<8}    {label}: {}", "", printable(words));
            };
            match &setting.by {
                Performer::Lost(why, true) => more("why, and it weakens security", why),
                Performer::Lost(why, false) => more("why", why),
                _ => {}
            }
            if let Some(how) = &setting.nearly {
                more("nearly", how);
            }
        }
    }
    text
}

fn as_json(settings: &[Setting], target: Target) -> Value {
    let of = |setting: &Setting| {
        let (by, why, weakens) = match &setting.by {
            Performer::Host => ("host", None, false),
            Performer::Svcadapt => ("svcadapt", None, false),
            Performer::Lost(why, weakens) => ("lost", Some(why), *weakens),
            Performer::Nothing => ("nothing", None, false),
        };
        json!({
            "group": setting.group.key(),
            "setting": setting.name,
            "sentence": setting.text,
            "by": by,
            "why": why,
            "weakens_security": weakens,
            "difference": setting.nearly,
        })
    };
    let version = match target {
        Target::Systemd(systemd) => Some(systemd.version.to_string()),
        _ => None,
    };
    let host = if target == Target::Classic {
        "classic"
    } else if target == Target::SysV {
        "sysv"
    } else {
        host_name(target)
    };
    json!({
        "host": host.to_ascii_lowercase(),
        "version": version,
        "settings": settings.iter().map(of).collect::<Vec<_>>(),
    })
}
