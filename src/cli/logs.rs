//! `svcadapt logs`: what a service has written.

use std::io;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use svcadapt::control::ServiceRef;
use svcadapt::internal::{self, FileQuery, LogQuery, LogSource, error_text, escape_control};
use svcadapt::{StepError, control};
use svcadapt_spec::{Principal, ServiceSpec};

use super::owner::{Owner, owner};
use super::text::{printable, printable_path};
use super::{Exit, report, which};

/// Exit status: the log cannot be read (LSB, "generic or unspecified error").
const UNREADABLE: u8 = 1;
/// Exit status: permission denied (LSB, "user had insufficient privilege").
const DENIED: u8 = 4;
/// Exit status: there is no log (LSB, "program is not installed").
const NO_LOG: u8 = 5;

/// The clap command.
pub(crate) fn command() -> Command {
    which::options(Command::new("logs"))
        .about("Prints what a service has written: its log file, or its lines in the journal")
        .long_about(
            "Prints the standard output of a service from where `run` sends it. Without --standard-output that is the \
             journal if one listens, else a log file: /var/log/svcadapt/NAME.log of root, \
             $XDG_STATE_HOME/svcadapt/NAME.log (~/.local/state) of a user, Library/Logs/svcadapt on macOS. Old files, \
             also compressed ones, are read as far as -n, --since or --until reach. LineCount in the journal are those of the service's user under its \
             name, and journalctl(1) prints them.\n\n\
             Exit status: 0 printed, 1 the log cannot be read, 4 permission denied, 5 the output goes to no log or nothing \
             was ever written; else that of journalctl.",
        )
        .arg(
            Arg::new("follow")
                .short('f')
                .long("follow")
                .action(ArgAction::SetTrue)
                .help("Go on with what is written from now on"),
        )
        .arg(
            Arg::new("lines")
                .short('n')
                .long("lines")
                .value_name("N")
                .value_parser(lines)
                .help("Print the last N lines, or all [10; with --since or --until: all]"),
        )
        .arg(
            Arg::new("since")
                .long("since")
                .value_name("TIME")
                .help("Only lines since TIME: '2026-11-30 13:00', 'today', '-1h'; in a file only with --log-timestamps"),
        )
        .arg(
            Arg::new("until")
                .long("until")
                .value_name("TIME")
                .conflicts_with("follow")
                .help("Only lines until TIME"),
        )
}

/// A number of lines.
#[derive(Debug, Clone, Copy)]
struct LineCount(Option<u64>);

fn lines(word: &str) -> Result<LineCount, String> {
    match word {
        "all" => Ok(LineCount(None)),
        _ => word
            .parse()
            .map(|number| LineCount(Some(number)))
            .map_err(|_| "not a number, and not all".to_owned()),
    }
}

/// Prints the log.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let target = match which::target(matches) {
        Ok(target) => target,
        Err(error) => return report::failed(&error),
    };
    let query = LogQuery {
        lines: match matches.get_one::<LineCount>("lines") {
            Some(lines) => lines.0,
            None => (!matches.contains_id("since") && !matches.contains_id("until")).then_some(10),
        },
        until: matches.get_one::<String>("until").cloned(),
        since: matches.get_one::<String>("since").cloned(),
        follow: matches.get_flag("follow"),
    };
    let found = control::status(&target);
    let stored = found.lock.as_deref().and_then(|lock| internal::stored_spec(lock).ok().flatten());
    let spec = stored.and_then(|stored| stored.draft.finish().ok());
    let error = |status, cause: String| StepError::new("logs", cause).of(target.to_string()).status(status);
    if spec.is_none()
        && let Ok(Owner::Manager(managed)) = owner(&target, &found)
        && let Some(mut command) = managed.log_command(&query)
    {
        return report::failed(&error(UNREADABLE, format!("{managed}: {}", error_text(&command.exec()))));
    }
    match source(&target, spec.as_ref()) {
        Some(LogSource::File(path)) => {
            let asked = |spec: &ServiceSpec| spec.log_file.timestamps == Some(true);
            let has_times = spec.as_ref().map_or_else(|| internal::has_times(&path), asked);
            if (query.since.is_some() || query.until.is_some()) && !has_times {
                let cause = format!("it is in {}, whose lines have no times", printable_path(&path));
                let hint = "leave out --since and --until, or start the service with --log-timestamps";
                return report::failed(&error(svcadapt::USAGE, cause).hint(hint));
            }
            let query = match in_file(&query) {
                Ok(query) => query,
                Err(failure) => return report::failed(&failure),
            };
            from_file(&path, &query).unwrap_or_else(|cause| {
                let text = format!("{}: {}", printable_path(&path), error_text(&cause));
                let status = match cause.kind() {
                    io::ErrorKind::PermissionDenied => DENIED,
                    io::ErrorKind::NotFound => NO_LOG,
                    _ => UNREADABLE,
                };
                report::failed(&error(status, text))
            })
        }
        Some(LogSource::Journal(identifier)) => {
            let user = spec.as_ref().and_then(user).unwrap_or_else(internal::effective_user);
            let cause = internal::journal_command(&identifier, user, &query).exec();
            report::failed(
                &error(UNREADABLE, format!("journalctl: {}", error_text(&cause)))
                    .hint("its lines are in the journal, and journalctl(1) is not there to print them"),
            )
        }
        Some(LogSource::Elsewhere(output)) => {
            let cause = format!("its output goes to no log: --standard-output is {}", printable(output));
            let hint = "start it without --standard-output, or with append:PATH";
            report::failed(&error(NO_LOG, cause).hint(hint))
        }
        None => {
            let hint = "`svcadapt list` shows the services; only a service with a name has a log file";
            report::failed(&error(NO_LOG, "no log of it is known".to_owned()).hint(hint))
        }
    }
}

/// The same for a file, whose times are read here.
fn in_file(query: &LogQuery) -> Result<FileQuery, StepError> {
    let time = |option: &str, word: &Option<String>| match word {
        None => Ok(None),
        Some(word) => internal::log_time(word).map(Some).ok_or_else(|| {
            let hint = "write '2026-11-30 13:00', 13:00:05, today, yesterday, -1h, '5min ago' or @SECONDS";
            StepError::new(option, "not a time").of(word).hint(hint)
        }),
    };
    let (since, until) = (time("since", &query.since)?, time("until", &query.until)?);
    Ok(FileQuery { lines: query.lines, since, until, follow: query.follow })
}

/// Where the log of a service is: as it was started, else where a service of this name would have one.
fn source(target: &ServiceRef, spec: Option<&ServiceSpec>) -> Option<LogSource> {
    if let Some(spec) = spec {
        return Some(LogSource::of(spec));
    }
    let ServiceRef::Name(name) = target else { return None };
    let file = internal::own_log(Some(name)).filter(|path| path.exists());
    let journal = || internal::journal_listens().then(|| LogSource::Journal(name.to_string()));
    file.map(LogSource::File).or_else(journal)
}

/// The user of a service, as a number.
pub(super) fn user(spec: &ServiceSpec) -> Option<u32> {
    match spec.user.as_ref()? {
        Principal::Id(id) => Some(*id),
        Principal::Name(name) => Some(internal::accounts::user(name).ok()??.uid),
    }
}

/// Prints lines of a file: as they are, or harmless on a terminal.
fn from_file(path: &Path, query: &FileQuery) -> io::Result<Exit> {
    let mut stdout = io::stdout().lock();
    let terminal = stdout.is_terminal();
    let mut rest = Vec::new();
    let mut exit = Exit::Status(0);
    internal::file_lines(path, query, |piece| {
        let written = if terminal {
            rest.extend_from_slice(piece);
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            // A line without an end is shown with the next piece, or when it is long.
            let whole = if rest.len() - whole > 4096 { rest.len() } else { whole };
            harmless(&rest.drain(..whole).collect::<Vec<_>>(), &mut stdout)
        } else {
            stdout.write_all(piece)
        };
        match written.and_then(|()| stdout.flush()) {
            Ok(()) => true,
            Err(error) => {
                exit = report::unwritten(&error);
                false
            }
        }
    })?;
    if !rest.is_empty() {
        let _ = harmless(&rest, &mut stdout).and_then(|()| writeln!(stdout));
    }
    Ok(exit)
}

fn harmless(bytes: &[u8], stdout: &mut impl Write) -> io::Result<()> {
    let text = String::from_utf8_lossy(bytes);
    text.split_inclusive('\n').try_for_each(|line| match line.strip_suffix('\n') {
        Some(line) => writeln!(stdout, "{}", escape_control(&line.replace('\t', "        "))),
        None => write!(stdout, "{}", escape_control(line)),
    })
}
