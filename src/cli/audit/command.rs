//! `svcadapt audit PID|NAME`: prints the table of daemon(7) for any running process.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use svcadapt::control::{RunState, ServiceRef};
use svcadapt::{StepError, control};
use svcadapt_spec::ServiceName;

use crate::audit::{Audit, AuditError, StepVerdict};
use crate::{Exit, audit, report};

/// Exit status: a row has the verdict `no`.
const FINDINGS: u8 = 1;
/// Exit status: the process, or a part of it, could not be inspected.
const NOT_INSPECTED: u8 = 4;

pub(crate) fn command() -> Command {
    Command::new("audit")
        .about("Prints the daemon(7) table of any running process")
        .long_about(
            "Checks a running process against the steps of daemon(7). Everything is read from /proc: the process is \
             neither attached to nor signalled, and of its environment only names are printed.\n\n\
             Exit status: 0 no row has the verdict `no`, 1 a row has it, 4 the process, or a part of it, could not \
             be inspected.",
        )
        .arg(
            Arg::new("process")
                .value_name("PID|NAME")
                .required(true)
                .help("A process id, or the name of a service, whose main process is audited"),
        )
        .arg(
            Arg::new("pid-file")
                .long("pid-file")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("Check this PID file too"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print a JSON object"))
}

pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let word = matches.get_one::<String>("process").map_or("", String::as_str);
    let pid = match pid(word) {
        Ok(pid) => pid,
        Err(error) => {
            report::report(&error);
            return Exit::Status(error.status);
        }
    };
    let pid_file = matches.get_one::<PathBuf>("pid-file");
    let audit = match audit::audit(pid, pid_file.map(PathBuf::as_path)) {
        Ok(audit) => audit,
        Err(cause) => {
            let error = message(pid, &cause);
            report::report(&error);
            return Exit::Status(error.status);
        }
    };
    let text = if matches.get_flag("json") { format!("{:#}\n", as_json(&audit)) } else { as_table(&audit) };
    match report::print(&text) {
        Ok(()) => Exit::Status(status(audit.verdict())),
        Err(exit) => exit,
    }
}

/// The process that an argument names: a pid, or the name of a running service.
fn pid(word: &str) -> Result<i32, StepError> {
    if let Some(pid) = word.parse().ok().filter(|&pid: &i32| pid > 0) {
        return Ok(pid);
    }
    let error = |cause: String| StepError::new("audit", cause).of(word);
    let name = ServiceName::parse(word.as_ref())
        .map_err(|invalid| error(format!("neither a process id nor a service name: {}", invalid.cause)))?;
    match control::status(&ServiceRef::Name(name)).state {
        RunState::Running(pid, _) => Ok(pid),
        RunState::Unknown(doubt) => Err(error(doubt.to_string()).status(NOT_INSPECTED)),
        RunState::Dead(_) | RunState::NotRunning => {
            Err(error("no running service has this name".to_owned()).status(NOT_INSPECTED))
        }
    }
}

fn message(pid: i32, cause: &AuditError) -> StepError {
    let error = StepError::new("audit", cause.to_string()).of(pid.to_string()).status(NOT_INSPECTED);
    match cause.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn status(verdict: StepVerdict) -> u8 {
    match verdict {
        StepVerdict::Ok | StepVerdict::Note => 0,
        StepVerdict::Unknown => NOT_INSPECTED,
        StepVerdict::No => FINDINGS,
    }
}

/// One line per finding; step, name and verdict are printed only on the first line of a row.
fn as_table(audit: &Audit) -> String {
    let width = audit.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = format!("{} ({}): {}\n", audit.pid, audit.name, audit.verdict());
    let mut line = |step: &str, name: &str, verdict: &str, found: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{step:<4}  {name:<width$}  {verdict:<7}  {found}");
    };
    line("STEP", "WHAT", "VERDICT", "FOUND");
    for row in &audit.rows {
        let step = row.step.map_or_else(|| "-".to_owned(), |step| step.to_string());
        let mut found = row.found.iter();
        line(&step, row.name, row.verdict.word(), found.next().map_or("", String::as_str));
        for more in found {
            line("", "", "", more);
        }
    }
    text
}

fn as_json(audit: &Audit) -> Value {
    let rows: Vec<_> = audit
        .rows
        .iter()
        .map(|row| {
            json!({ "step": row.step, "name": row.name, "verdict": row.verdict.word(), "found": row.found })
        })
        .collect();
    json!({
        "pid": audit.pid,
        "name": audit.name,
        "start_time": audit.start_time,
        "verdict": audit.verdict().word(),
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Row;

    fn sample() -> Audit {
        let row = |step, name, verdict, found: &[&str]| Row {
            step,
            name,
            verdict,
            found: found.iter().map(|&text| text.to_owned()).collect(),
        };
        Audit {
            pid: 42,
            name: "httpd".to_owned(),
            start_time: 7,
            rows: vec![
                row(Some(1), "descriptors", StepVerdict::No, &["7 /etc/shadow", "8 socket:[9]"]),
                row(None, "nice", StepVerdict::Ok, &["0"]),
            ],
        }
    }

    #[test]
    fn table_columns_are_aligned() {
        let expected = "42 (httpd): no\n\
            STEP  WHAT         VERDICT  FOUND\n\
            1     descriptors  no       7 /etc/shadow\n\
            \x20                           8 socket:[9]\n\
            -     nice         ok       0\n";
        assert_eq!(as_table(&sample()), expected);
    }

    #[test]
    fn json_has_the_same_rows_as_the_table() {
        let expected = json!({
            "pid": 42, "name": "httpd", "start_time": 7, "verdict": "no",
            "rows": [
                { "step": 1, "name": "descriptors", "verdict": "no", "found": ["7 /etc/shadow", "8 socket:[9]"] },
                { "step": null, "name": "nice", "verdict": "ok", "found": ["0"] },
            ],
        });
        assert_eq!(as_json(&sample()), expected);
    }

    #[test]
    fn every_verdict_has_a_status() {
        let statuses =
            [StepVerdict::Ok, StepVerdict::Note, StepVerdict::Unknown, StepVerdict::No].map(status);
        assert_eq!(statuses, [0, 0, 4, 1]);
    }
}
