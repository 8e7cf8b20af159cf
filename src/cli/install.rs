//! `svcadapt install`, `uninstall`, `enable` and `disable`: a service of the machine's own manager.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use similar::TextDiff;
use svcadapt::StepError;
use svcadapt::control::ServiceRef;
use svcadapt::internal::{effective_user, escape_control};
use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Systemd, Target};
use svcadapt_convert::harden::Level;
use svcadapt_hosts::{
    Change, ChangeKind, Host, Installation, OutputFile, ServiceManager, StartNow, StartTime, installed,
    uninstall,
};
use svcadapt_spec::{Scope, ServiceName};

use super::gen_unit::UnitFormat;
use super::generate::{Problems, Scripts, messages};
use super::install_plist::InstalledPlist;
use super::report::{answer, failed, report, report_all, value_error};
use super::text::printable;
use super::{Exit, args, generate, start, stop};

/// The clap command of `install`.
pub(crate) fn command() -> Command {
    Command::new("install")
        .about("Installs a service with the manager of this machine, and has it started at boot")
        .after_help(
            "The service is described as for `svcadapt run`: a unit, a property list, JSON, or options and a command after `--`. \
             The manager is found: systemd, launchd, OpenRC, runit, s6, or the init scripts of System V. Its files are those that \
             gen-unit, gen-plist, gen-openrc, gen-runit, gen-s6 and gen-sysv write; svcadapt is in them where the manager leaves \
             it something to do. A service without --name is called after its program.\n\n\
             A second install changes what has changed. A file that svcadapt did not write, or that was changed since, is not \
             replaced without --force. If anything fails, or the service does not start, what was there before is put back.\n\n\
             Exit status: 0 installed, 1 not installed, 2 the spec or an option is invalid.",
        )
        .defer(|command| {
            generate::file_options(args::spec_options(command)).args([
                generate::scope_option(),
                host(),
                flag("now", "Start it now, too; restart it if it runs and has changed"),
                flag("force", "Replace files that svcadapt did not write"),
                flag("dry-run", "Print the differences, and change nothing"),
            ])
        })
}

/// The clap command of `uninstall`.
pub(crate) fn uninstall_command() -> Command {
    Command::new("uninstall")
        .about("Stops a service that `install` installed, and removes what it installed and nothing else")
        .after_help("Exit status: 0 removed, 1 not removed, 5 it was not installed by svcadapt.")
        .arg(name_argument())
        .arg(generate::scope_option())
        .arg(flag("force", "Remove also files that were changed since"))
}

/// The clap command of `enable`.
pub(crate) fn enable_command() -> Command {
    Command::new("enable")
        .about("Has an installed service started at boot, or at login")
        .after_help("Exit status: 0 enabled, 1 not enabled. With --now, that of `start` follows.")
        .arg(name_argument())
        .args([generate::scope_option(), host(), flag("now", "Start it, too")])
}

/// The clap command of `disable`.
pub(crate) fn disable_command() -> Command {
    Command::new("disable")
        .about("Has an installed service no longer started at boot, or at login; it is not stopped without --now")
        .after_help("Exit status: 0 disabled, 1 not disabled. With --now, that of `stop` follows.")
        .arg(name_argument())
        .args([generate::scope_option(), host(), flag("now", "Stop it, too")])
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn name_argument() -> Arg {
    Arg::new("service")
        .value_name("NAME")
        .required(true)
        .value_parser(ValueParser::os_string())
        .help("Name of the service")
}

fn host() -> Arg {
    Arg::new("host")
        .long("host")
        .value_name("HOST")
        .value_parser(Host::INSTALLS.map(Host::name))
        .help("The manager to use instead of the one found")
}

fn manager(matches: &ArgMatches) -> Result<ServiceManager, StepError> {
    match matches.get_one::<String>("host") {
        Some(name) => ServiceManager::named(name, generate::scope(matches)),
        None => ServiceManager::of_machine(generate::scope(matches)),
    }
}

/// Installs the service.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let manager = match manager(matches) {
        Ok(manager) => manager,
        Err(error) => return failed(&error),
    };
    let (name, files) = match files(matches, manager) {
        Ok(files) => files,
        Err(problems) => {
            report_all(&problems);
            return Exit::Status(svcadapt::USAGE);
        }
    };
    let installation = Installation { manager, name, files };
    match install(matches, &installation) {
        Ok(text) => answer(&text, 0),
        Err(error) => failed(&error),
    }
}

/// The files in the format of the manager.
fn files(matches: &ArgMatches, manager: ServiceManager) -> Result<(ServiceName, Vec<OutputFile>), Problems> {
    let directory = manager.directory().map_err(|error| messages([error]))?;
    let scripts = |target| generate::installed(matches, Scripts { target }, &directory);
    match manager.host {
        Host::Systemd => {
            let systemd = Systemd { version: version(), scope: manager.scope };
            generate::installed(matches, UnitFormat { systemd, level: Level::default() }, &directory)
        }
        Host::Launchd => generate::installed(matches, InstalledPlist::new(manager.scope), &directory),
        Host::OpenRc => scripts(Target::OpenRc),
        Host::Runit => scripts(Target::Runit),
        Host::S6 => scripts(Target::S6),
        _ => scripts(Target::SysV),
    }
}

/// The version of the installed systemd, as far as svcadapt knows it.
pub(super) fn version() -> Version {
    let installed = svcadapt_hosts::systemd_version().map(|version| version.to_string());
    let known = installed.and_then(|version| Version::parse(version.as_ref()).ok());
    known.unwrap_or_default()
}

fn install(matches: &ArgMatches, installation: &Installation) -> Result<String, StepError> {
    let Installation { manager, name, .. } = installation;
    let changes = installation.changes()?;
    if matches.get_flag("dry-run") {
        return Ok(changes.iter().map(difference).collect());
    }
    let start = if matches.get_flag("now") { StartNow::Yes } else { StartNow::No };
    let is_new = changes.iter().all(|change| change.kind == ChangeKind::Created);
    let done = installation.perform(matches.get_flag("force"), start)?;
    done.note.iter().for_each(report);
    let word = match (is_new, done.has_changed) {
        (true, _) => "installed",
        (false, true) => "changed",
        (false, false) => "already installed",
    };
    let when = match (done.starts, done.enabled) {
        (_, Some(false)) => "is disabled",
        (_, None) if manager.host == Host::Systemd => "is not started at boot, because it has no [Install]",
        (StartTime::Boot, _) => "starts at boot",
        (StartTime::Login, _) => "starts at login",
        (StartTime::Never, _) => "is not started at boot",
    };
    let state = if done.phase.is_over() { "not running" } else { done.phase.name() };
    let file = changes.first().map(|change| change.path.display().to_string()).unwrap_or_default();
    let hint = if done.is_old { "  hint: it runs with its old files; --now restarts it\n" } else { "" };
    let line = format!("{name}: {word} ({}, {file}), {when}, {state}\n{hint}", manager.host.name());
    Ok(line)
}

/// The difference of one file, in the unified format.
fn difference(change: &Change) -> String {
    let path = printable(change.path.display().to_string());
    let (old, new) = (String::from_utf8_lossy(&change.old), String::from_utf8_lossy(&change.new));
    match change.kind {
        ChangeKind::Kept => format!("  {path}: unchanged\n"),
        ChangeKind::Changed if change.old == change.new => format!("  {path}: another mode\n"),
        kind => {
            let exists = |there: bool| if there { path.as_str() } else { "/dev/null" };
            let (before, after) = (exists(kind != ChangeKind::Created), exists(kind != ChangeKind::Removed));
            let diff = TextDiff::from_lines(&old, &new).unified_diff().header(before, after).to_string();
            diff.lines().map(|line| escape_control(line) + "\n").collect()
        }
    }
}

/// Removes the service.
pub(crate) fn run_uninstall(matches: &ArgMatches) -> Exit {
    with_name(matches, |name| {
        let kept = uninstall(scope_of(matches, name), name, matches.get_flag("force"))?;
        for path in kept {
            let error = StepError::new("uninstall", "kept, because it was changed since it was installed");
            report(&error.of(path.display().to_string()).hint("remove it by hand"));
        }
        Ok(format!("{name}: uninstalled\n"))
    })
}

/// Enables the service.
pub(crate) fn run_enable(matches: &ArgMatches) -> Exit {
    let exit = with_name(matches, |name| {
        manager_of(matches, name)?.enable(name)?;
        Ok(format!("{name}: enabled\n"))
    });
    now(matches, exit, start::start)
}

/// Disables the service.
pub(crate) fn run_disable(matches: &ArgMatches) -> Exit {
    let exit = with_name(matches, |name| {
        manager_of(matches, name)?.disable(name)?;
        Ok(format!("{name}: disabled\n"))
    });
    now(matches, exit, |target| stop::stop(target, None))
}

/// With `--now`, and if what came before has succeeded, starts or stops the service.
fn now(matches: &ArgMatches, exit: Exit, act: impl FnOnce(&ServiceRef) -> Exit) -> Exit {
    let word = matches.get_one::<OsString>("service").filter(|_| matches.get_flag("now"));
    match word.and_then(|word| ServiceName::parse(word).ok()) {
        Some(name) if exit == Exit::Status(0) => act(&ServiceRef::Name(name)),
        _ => exit,
    }
}

/// The manager that the service was installed with, else the one that is named or found.
fn manager_of(matches: &ArgMatches, name: &ServiceName) -> Result<ServiceManager, StepError> {
    let known = if matches.contains_id("host") { None } else { installed(scope_of(matches, name), name)? };
    known.map_or_else(|| manager(matches), Ok)
}

/// The scope of an installed service: what a user has installed is found without --scope.
fn scope_of(matches: &ArgMatches, name: &ServiceName) -> Scope {
    let is_own = || installed(Scope::User, name).is_ok_and(|known| known.is_some());
    let is_named = matches.contains_id("scope") || effective_user() == 0;
    if !is_named && is_own() { Scope::User } else { generate::scope(matches) }
}

fn with_name(matches: &ArgMatches, act: impl FnOnce(&ServiceName) -> Result<String, StepError>) -> Exit {
    let word = matches.get_one::<OsString>("service").cloned().unwrap_or_default();
    let name = match ServiceName::parse(&word) {
        Ok(name) => name,
        Err(error) => return failed(&value_error("name", &word, error)),
    };
    match act(&name) {
        Ok(text) => answer(&text, 0),
        Err(error) => failed(&error),
    }
}
