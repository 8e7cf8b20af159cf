//! `svcadapt run`: runs a service the way its host wants it.

use std::fmt::{Display, Write as _};

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use svcadapt::Plan;
use svcadapt::StepError;
use svcadapt::detect::{Detection, Mode, ModeOption};
use svcadapt::internal::{Ended, Outcome, StderrTail};
use svcadapt::internal::{Resolution, StartedBy, forwards_signals};
use svcadapt::{detect, internal};
use svcadapt_spec::{Field, Origin, ServiceSpec, SpecDraft};

use super::plain::{harmless, json_text};
use super::report::{print, report, report_all};
use super::spec_file::Loaded;
use super::{Exit, args, spec_file};

/// What clap must know.
pub(crate) fn command() -> Command {
    Command::new("run").about("Runs a service the way its host wants it").defer(options)
}

fn options(command: Command) -> Command {
    let flag = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    args::spec_options(
        command
            .arg(args::mode("How to be a service here, instead of what the evidence says"))
            .arg(flag("strict", "Start nothing if the file says what cannot be had here"))
            .arg(flag("dry-run", "Print every step in its order and who does it, and do none"))
            .arg(flag("json", "With --dry-run: print the plan as a JSON object").requires("dry-run")),
    )
}

/// Runs the service, or explains what would be done.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let mut loaded = match spec_file::given(matches) {
        Ok(loaded) => loaded,
        Err(errors) => return refuse(&errors),
    };
    let not_started = loaded.not_started();
    let Loaded { draft, warnings, kept, elsewhere, .. } = loaded;
    let asked = args::asked(matches);
    let notes: Vec<StepError> =
        warnings.into_iter().chain(kept).chain(elsewhere).chain(not_honoured(&draft, asked)).collect();
    report_all(&notes);
    if !not_started.is_empty() {
        return refuse(&not_started);
    }
    if matches.get_flag("strict") && !notes.is_empty() {
        return refuse(&[too_strict()]);
    }
    prepared(draft, asked, matches.get_flag("strict"), |spec, detection, plan, resolved| {
        if matches.get_flag("dry-run") {
            return explain(plan, detection, matches.get_flag("json"));
        }
        start(spec, plan, resolved)
    })
}

/// Runs the service.
pub(crate) fn run_quick(draft: SpecDraft, asked: ModeOption) -> Exit {
    not_honoured(&draft, asked).iter().for_each(report);
    prepared(draft, asked, false, |spec, _, plan, resolved| start(spec, plan, resolved))
}

/// What needs somebody who stays with the program: a host does it, and `run` does not, unless signals reach the
/// program through it.
fn not_honoured(draft: &SpecDraft, asked: ModeOption) -> Vec<StepError> {
    let fields = [Field::Restart, Field::RestartSec, Field::ReloadSignal];
    let said = fields.into_iter().filter_map(|field| Some((field, draft.last(field)?)));
    let mut stages: Vec<String> = said
        .filter(|(field, (value, _))| *field != Field::Restart || *value != "no")
        .filter(|(field, _)| *field != Field::ReloadSignal || !forwards_signals(&detect::decide(asked)))
        .map(|(field, (_, origin))| {
            let name = origin.name(field);
            match origin {
                Origin::File { path, spot: Some(spot), .. } => {
                    format!("{}:{}: {name}", path.display(), spot.line)
                }
                Origin::File { path, spot: None, .. } => format!("{}: {name}", path.display()),
                Origin::Option => name,
            }
        })
        .collect();
    // One key of a property list can say two of them.
    stages.dedup();
    let cause = "not honoured here: it is for the host that the service is generated for";
    stages.into_iter().map(|stage| StepError::new(stage, cause)).collect()
}

fn too_strict() -> StepError {
    StepError::new("strict", "not everything that the file says can be had here; nothing was started")
}

fn prepared(
    draft: SpecDraft,
    asked: ModeOption,
    strict: bool,
    act: impl FnOnce(&ServiceSpec, &Detection, &Plan, &Resolution) -> Exit,
) -> Exit {
    let spec = match draft.finish() {
        Ok(spec) => spec,
        Err(problems) => return refuse(&problems),
    };
    let detection = detect::decide(asked);
    let mut resolved = match internal::resolve(&spec, StartedBy::of(&detection), detect::variables()) {
        Ok(resolved) => resolved,
        Err(failures) => {
            let status = failures.first().map_or(svcadapt::USAGE, |failure| failure.status);
            report_all(failures);
            return Exit::Status(status);
        }
    };
    let softened = !resolved.notes.is_empty();
    if detection.mode == Mode::Supervised {
        internal::do_without_state(&spec, &mut resolved);
    }
    report_all(resolved.notes.iter().map(StepError::from));
    if strict && softened {
        return refuse(&[too_strict()]);
    }
    let plan = Plan::new(&spec, &resolved, &detection);
    if let Err(failure) = internal::check(&plan) {
        let status = failure.status;
        report(&failure);
        return Exit::Status(status);
    }
    act(&spec, &detection, &plan, &resolved)
}

fn refuse(problems: &[impl Display]) -> Exit {
    report_all(problems);
    Exit::Status(svcadapt::USAGE)
}

fn start(spec: &ServiceSpec, plan: &Plan, resolved: &Resolution) -> Exit {
    match internal::start(spec, plan, resolved) {
        Outcome::Ready | Outcome::Ended(Ended::Exited(0)) => Exit::Status(0),
        Outcome::Ended(Ended::Exited(status)) => Exit::Status(status),
        Outcome::Ended(Ended::Killed(signal)) | Outcome::Interrupted(signal) => Exit::Signal(signal),
        Outcome::Failed { failure, stderr_tail, signal } => {
            let status = failure.status;
            report(&with_stderr_tail(failure, stderr_tail));
            signal.map_or(Exit::Status(status), Exit::Signal)
        }
    }
}

/// What the program said belongs to the error, not to a log that somebody has to find.
fn with_stderr_tail(error: StepError, stderr_tail: StderrTail) -> StepError {
    match stderr_tail {
        StderrTail::None => error,
        StderrTail::Lost => {
            error.hint("what it wrote went to the null device; --standard-error append:PATH keeps it")
        }
        StderrTail::Lines(lines) => StepError { output: lines, ..error },
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
        .map(|planned| {
            json!({
                "step": planned.step.stage(),
                "object": planned.step.object(),
                "by": planned.by.name(),
                "process": planned.by.process(),
                "exit_status": planned.step.status(),
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
    for (number, planned) in (1..).zip(&plan.steps) {
        let object = planned.step.object().unwrap_or_default();
        let (by, process) = (planned.by.name(), planned.by.process().unwrap_or_default());
        let line = format!(
            "{number:>3}  {by:<7}  {process:<8}  {:<20}  {}",
            planned.step.stage(),
            harmless(&object)
        );
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
