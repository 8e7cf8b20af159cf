//! `svcadapt run`: runs a service the way its host wants it.

use std::ffi::{OsStr, OsString};
use std::fmt::{Display, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use svcadapt::detect::{Detection, Manager, Mode, ModeOption};
use svcadapt::internal::{Ended, Outcome, Resolution, StartedBy, StderrTail};
use svcadapt::{Plan, StepError, detect, internal};
use svcadapt_convert::divide::internal::{is_life_field, is_undone_by_run};
use svcadapt_convert::load::Loaded;
use svcadapt_spec::{FIELDS, Field, Origin, ServiceSpec, SpecDraft, Timespan, boolean};

use super::message::{remark_message, spec_message};
use super::report::{print, report, report_all};
use super::spec_file::setting;
use super::text::{json_text, printable};
use super::{Exit, args, spec_file};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("run").about("Runs a service the way its host wants it").defer(options)
}

fn options(command: Command) -> Command {
    let flag = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    args::spec_options(
        command
            .arg(args::mode("Mode to use instead of the detected one"))
            .arg(flag("strict", "Start nothing if the file has settings that svcadapt does not act on"))
            .arg(flag("dry-run", "Print every step in order and who performs it, and perform none"))
            .arg(flag("json", "With --dry-run: print the plan as a JSON object").requires("dry-run")),
    )
}

/// Runs the service, or prints the plan with `--dry-run`.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let mut loaded = match spec_file::load_with_options(matches) {
        Ok(loaded) => loaded,
        Err(errors) => return usage_error(&errors),
    };
    let mut unsupported_commands = spec_file::unsupported_commands(&mut loaded);
    unsupported_commands.extend(further_commands(&loaded.draft, args::mode_option(matches)));
    let Loaded { draft, warnings, unsupported, elsewhere, .. } = loaded;
    let mode = args::mode_option(matches);
    let remarks = unsupported.into_iter().chain(elsewhere).map(remark_message);
    let notes: Vec<StepError> =
        warnings.into_iter().map(spec_message).chain(remarks).chain(not_honoured(&draft, mode)).collect();
    report_all(&notes);
    if !unsupported_commands.is_empty() {
        return usage_error(&unsupported_commands);
    }
    if matches.get_flag("strict") && !notes.is_empty() {
        return usage_error(&[strict_error()]);
    }
    with_plan(draft, mode, matches.get_flag("strict"), |spec, detection, plan, resolved| {
        if matches.get_flag("dry-run") {
            return explain(plan, detection, matches.get_flag("json"));
        }
        start(spec, plan, resolved)
    })
}

/// Runs the service of a command line that [`super::quick`] has read.
pub(crate) fn run_quick(draft: SpecDraft, mode: ModeOption) -> Exit {
    not_honoured(&draft, mode).iter().for_each(report);
    let unsupported = further_commands(&draft, mode);
    if !unsupported.is_empty() {
        return usage_error(&unsupported);
    }
    with_plan(draft, mode, false, |spec, _, plan, resolved| start(spec, plan, resolved))
}

/// Whether a spec can be started here. If not, the errors are reported.
pub(crate) fn check_start(draft: SpecDraft, mode: ModeOption) -> Result<(), Exit> {
    match with_plan(draft, mode, false, |_, _, _, _| Exit::Status(0)) {
        Exit::Status(0) => Ok(()),
        exit => Err(exit),
    }
}

/// A note for each setting that `run` does not act on. Most need a process that stays with the program: managers have
/// one, `run` has none, unless it stays to forward signals.
fn not_honoured(draft: &SpecDraft, mode: ModeOption) -> Vec<StepError> {
    // Below systemd the life of a service is systemd's.
    let has_life = FIELDS.iter().any(|row| is_life_field(row.field) && draft.last(row.field).is_some());
    let by_systemd = has_life && is_below_systemd(mode);
    let is_undone = |field: Field| is_undone_by_run(field) || by_systemd && is_life_field(field);
    let undone = FIELDS.iter().map(|row| row.field);
    let undone = undone.filter(|field| *field != Field::ExecStart && is_undone(*field));
    let values = undone.flat_map(|field| draft.in_force(field).into_iter().map(move |given| (field, given)));
    let mut settings: Vec<(Option<(PathBuf, usize)>, String)> = values
        .filter(|(field, (value, _))| !is_default(*field, value))
        .map(|(field, (_, origin))| match origin {
            Origin::File { path, spot, .. } => {
                let line = spot.as_ref().map_or(0, |spot| spot.line);
                (Some((path.clone(), line)), setting(field, origin))
            }
            Origin::Option => (None, setting(field, origin)),
        })
        .collect();
    // In the order of the file.
    settings.sort_by(|(one, _), (other, _)| one.cmp(other));
    // One key of a property list can set two of the fields, and one line several commands.
    settings.dedup();
    let cause = "not honoured here: it takes effect only in a generated unit or property list";
    settings.into_iter().map(|(_, setting)| StepError::new(setting, cause)).collect()
}

/// Whether the value is what `run` does anyway.
fn is_default(field: Field, value: &OsStr) -> bool {
    match field {
        Field::Restart => value == "no",
        Field::RemainAfterExit => value.to_str().and_then(boolean) == Some(false),
        Field::StartLimitIntervalSec => Timespan::parse(value) == Ok(Timespan::Finite(Duration::ZERO)),
        _ => false,
    }
}

/// The errors for commands after the program, below systemd: there only the program runs.
fn further_commands(draft: &SpecDraft, mode: ModeOption) -> Vec<StepError> {
    let errors = spec_file::further_commands(draft);
    if errors.is_empty() || !is_below_systemd(mode) { Vec::new() } else { errors }
}

/// Whether systemd has started this process: it does the life of a service itself.
fn is_below_systemd(mode: ModeOption) -> bool {
    let detection = detect::decide(mode);
    detection.mode == Mode::Supervised && detection.manager == Manager::Systemd
}

fn strict_error() -> StepError {
    StepError::new("strict", "not everything in the file is supported here; nothing was started")
}

/// Checks the spec, resolves it on this machine, and calls `act` with the plan.
fn with_plan(
    draft: SpecDraft,
    mode: ModeOption,
    strict: bool,
    act: impl FnOnce(&ServiceSpec, &Detection, &Plan, &Resolution) -> Exit,
) -> Exit {
    let spec = match draft.finish() {
        Ok(spec) => spec,
        Err(problems) => return usage_error(&problems),
    };
    let detection = detect::decide(mode);
    let mut resolved = match internal::resolve(&spec, StartedBy::of(&detection), detect::variables()) {
        Ok(resolved) => resolved,
        Err(failures) => {
            let status = failures.first().map_or(svcadapt::USAGE, |failure| failure.status);
            report_all(failures);
            return Exit::Status(status);
        }
    };
    let is_softened = !resolved.notes.is_empty();
    if detection.mode == Mode::Supervised {
        internal::do_without_state(&spec, &mut resolved);
    }
    report_all(resolved.notes.iter().map(StepError::from));
    if strict && is_softened {
        return usage_error(&[strict_error()]);
    }
    let plan = Plan::new(&spec, &resolved, &detection);
    if let Err(failure) = internal::check(&plan) {
        let status = failure.status;
        report(&failure);
        return Exit::Status(status);
    }
    act(&spec, &detection, &plan, &resolved)
}

fn usage_error(problems: &[impl Display]) -> Exit {
    report_all(problems);
    Exit::Status(svcadapt::USAGE)
}

/// Continues a monitor, if the arguments are those of a monitor that executes this program again.
pub(crate) fn resume_monitor(arguments: &[OsString]) -> Option<Exit> {
    internal::resume_monitor(arguments).map(exit)
}

fn start(spec: &ServiceSpec, plan: &Plan, resolved: &Resolution) -> Exit {
    exit(internal::start(spec, plan, resolved))
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Ready | Outcome::Ended(Ended::Exited(0)) => Exit::Status(0),
        Outcome::Ended(Ended::Exited(status)) => Exit::Status(status),
        Outcome::Skipped(why) => {
            report(&why);
            Exit::Skipped
        }
        Outcome::Ended(Ended::Killed(signal)) | Outcome::Interrupted(signal) => Exit::Signal(signal),
        Outcome::Failed { failure, stderr_tail, signal } => {
            let status = failure.status;
            report(&with_stderr_tail(failure, stderr_tail));
            signal.map_or(Exit::Status(status), Exit::Signal)
        }
    }
}

/// Adds the program's last lines of output to the error, so that they need not be looked up in a log.
fn with_stderr_tail(mut error: StepError, stderr_tail: StderrTail) -> StepError {
    match stderr_tail {
        StderrTail::None => error,
        StderrTail::Lost => error.hint("its output went to /dev/null; --standard-error append:PATH keeps it"),
        StderrTail::Lines(lines) => {
            error.output = lines;
            error
        }
    }
}

fn explain(plan: &Plan, detection: &Detection, json: bool) -> Exit {
    let text = if json { json_text(&as_json(plan, detection)) } else { as_text(plan, detection) };
    print(&text).err().unwrap_or(Exit::Status(0))
}

fn as_json(plan: &Plan, detection: &Detection) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let label = step.label();
            json!({
                "step": label.stage,
                "object": label.object,
                "by": step.by(),
                "process": step.process(),
                "exit_status": label.status,
            })
        })
        .collect();
    json!({ "mode": detection.mode.name(), "manager": detection.manager.name(), "steps": steps })
}

fn as_text(plan: &Plan, detection: &Detection) -> String {
    let by = match detection.mode {
        Mode::Classic => "a classic daemon",
        Mode::Supervised => "a supervised service",
    };
    let mut text = format!("{by}; manager: {}\n", detection.manager.name());
    for (number, step) in (1..).zip(&plan.steps) {
        let label = step.label();
        let object = label.object.unwrap_or_default();
        let (by, process) = (step.by(), step.process().unwrap_or_default());
        let line = format!("{number:>3}  {by:<7}  {process:<8}  {:<20}  {}", label.stage, printable(&object));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
