//! `svcadapt run`: runs a service the way its host wants it.

use std::ffi::{OsStr, OsString};
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use svcadapt::detect::{Detection, Manager, Mode, ModeOption};
use svcadapt::internal::{Ended, Outcome, Resolution, StartedBy, StderrTail};
use svcadapt::{Plan, StepError, detect, internal};
use svcadapt_convert::divide::internal::{
    NO_OTHER, ignores_sigpipe_by_default, is_life_field, is_resource, is_undone_by_run,
};
use svcadapt_convert::load::Loaded;
use svcadapt_spec::{
    FIELDS, Field, Probe, ServiceName, ServiceSpec, ServiceType, SpecDraft, Timespan, boolean,
};

use super::message::spec_message;
use super::not_honoured::NotHonoured;
use super::onlooker::Onlooker;
use super::report::{failed, print, report, report_all};
use super::text::{json_text, printable};
use super::trace::{self, Trace};
use super::{Exit, args, implied_name, not_honoured, relative_words, spec_file, wait_for};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("run").about("Runs a service the way its host wants it").defer(options)
}

fn options(command: Command) -> Command {
    let flag = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    args::spec_options(
        command
            .arg(args::mode("Mode to use instead of the detected one"))
            .arg(wait_for::option())
            .arg(flag("strict", "Start nothing if the file has settings that svcadapt does not act on"))
            .arg(flag(
                "verbose",
                "Print each setting that is not honoured here with its line, not one message a reason",
            ))
            .arg(trace::option())
            .arg(flag("dry-run", "Print every step in order and who performs it, and perform none"))
            .arg(flag("json", "With --dry-run: print the plan as a JSON object").requires("dry-run")),
    )
}

/// Exit status: a service of this name runs already.
const ALREADY_RUNNING: u8 = 250;

/// How long a program without readiness has to run before a person at a terminal reads that it runs.
const UNTIL_BELIEVED: Duration = Duration::from_millis(300);

/// Runs the service, or prints the plan with `--dry-run`.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    let loaded = match spec_file::load_with_options(matches) {
        Ok(loaded) => loaded,
        Err(errors) => return usage_error(&errors),
    };
    let mode = args::mode_option(matches);
    let (draft, not_honoured, notes) = match with_notes(loaded, mode, matches.get_flag("verbose")) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    if matches.get_flag("strict") && !notes.is_empty() {
        return usage_error(&[strict_error()]);
    }
    let awaited = match wait_for::probes(matches) {
        Ok(awaited) => awaited,
        Err(errors) => return usage_error(&errors),
    };
    let notes = if matches.get_flag("strict") { Notes::Refused } else { Notes::Reported };
    let file = matches.get_one::<PathBuf>(args::SPEC).map(PathBuf::as_path);
    with_plan(draft, file, mode, notes, |prepared| {
        if matches.get_flag("dry-run") {
            let exit = explain(&prepared.plan, &prepared.detection, &not_honoured, matches.get_flag("json"));
            return Attempt::Done(exit);
        }
        if let Err(exit) = wait_for::wait(&awaited, &prepared.spec) {
            return Attempt::Done(exit);
        }
        match Trace::of(matches, &prepared.spec, prepared.detection.mode) {
            Ok(trace) => start(prepared, trace.as_ref()),
            Err(error) => Attempt::Done(failed(&error)),
        }
    })
}

/// The settings of a file. What in it is not honoured here is reported, and returned.
fn with_notes(
    mut loaded: Loaded,
    mode: ModeOption,
    verbose: bool,
) -> Result<(SpecDraft, Vec<NotHonoured>, Vec<StepError>), Exit> {
    let mut unsupported_commands = spec_file::unsupported_commands(&mut loaded);
    unsupported_commands.extend(further_commands(&loaded.draft, mode));
    let Loaded { draft, warnings, unsupported, elsewhere, .. } = loaded;
    let remarks = unsupported.into_iter().chain(elsewhere).map(NotHonoured::of_remark);
    let not_honoured: Vec<NotHonoured> = remarks.chain(fields_not_honoured(&draft, mode)).collect();
    let mut notes: Vec<StepError> = warnings.into_iter().map(spec_message).collect();
    notes.extend(not_honoured::messages(&not_honoured, verbose));
    report_all(&notes);
    if unsupported_commands.is_empty() {
        Ok((draft, not_honoured, notes))
    } else {
        Err(usage_error(&unsupported_commands))
    }
}

/// The settings of a file that can be started here. What is not honoured, or why it cannot, is reported.
pub(crate) fn startable(loaded: Loaded, mode: ModeOption) -> Result<SpecDraft, Exit> {
    let (draft, ..) = with_notes(loaded, mode, false)?;
    check_start(draft.clone(), mode)?;
    Ok(draft)
}

/// Starts the service of settings that [`startable`] has checked.
pub(crate) fn start_checked(draft: SpecDraft, mode: ModeOption) -> Exit {
    with_plan(draft, None, mode, Notes::Reported, |prepared| start(prepared, None))
}

/// Runs the service of a command line that [`super::quick`] has read.
pub(crate) fn run_quick(draft: SpecDraft, mode: ModeOption) -> Exit {
    not_honoured::messages(&fields_not_honoured(&draft, mode), false).iter().for_each(report);
    let unsupported = further_commands(&draft, mode);
    if !unsupported.is_empty() {
        return usage_error(&unsupported);
    }
    with_plan(draft, None, mode, Notes::Reported, |prepared| start(prepared, None))
}

/// Whether a spec can be started here. If not, the errors are reported.
pub(crate) fn check_start(draft: SpecDraft, mode: ModeOption) -> Result<(), Exit> {
    match with_plan(draft, None, mode, Notes::Omitted, |_| Attempt::Done(Exit::Status(0))) {
        Exit::Status(0) => Ok(()),
        exit => Err(exit),
    }
}

/// The fields that `run` does not act on, in the order of their places.
fn fields_not_honoured(draft: &SpecDraft, mode: ModeOption) -> Vec<NotHonoured> {
    // Below systemd the life of a service and its control group are systemd's.
    let is_systemds = |field: Field| is_life_field(field) || is_resource(field);
    let has_any = FIELDS.iter().any(|row| is_systemds(row.field) && draft.last(row.field).is_some());
    let by_systemd = has_any && is_below_systemd(mode);
    let is_undone = |field: Field| is_undone_by_run(field) || by_systemd && is_systemds(field);
    let undone = FIELDS.iter().map(|row| row.field);
    let undone = undone.filter(|field| *field != Field::ExecStart && is_undone(*field));
    let values = undone.flat_map(|field| draft.in_force(field).into_iter().map(move |given| (field, given)));
    let why = |field: Field| match field {
        Field::OnFailure | Field::OnSuccess if !by_systemd => {
            let units = draft.in_force(field).into_iter().map(|(value, _)| value.to_string_lossy());
            format!("{NO_OTHER}: {}", units.collect::<Vec<_>>().join(" "))
        }
        _ => "it takes effect only in a generated unit or property list".to_owned(),
    };
    let mut settings: Vec<NotHonoured> = values
        .filter(|(field, (value, _))| !is_default(*field, value))
        .map(|(field, (_, origin))| NotHonoured::of_field(field, origin, why(field)))
        .collect();
    settings.sort_by(|one, other| one.place().cmp(&other.place()));
    // One key of a property list can set two of the fields, and one line several commands.
    settings.dedup();
    settings
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

/// What is done with what this machine reduces or skips.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notes {
    /// The start that follows reports it.
    Omitted,
    Reported,
    /// Nothing is started.
    Refused,
}

/// A service that can be started here.
struct Prepared {
    spec: ServiceSpec,
    detection: Detection,
    plan: Plan,
    resolved: Resolution,
    name: NameOrigin,
}

/// Who has given the service its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameOrigin {
    /// The user, in a file or by an option; or it has none.
    Given,
    /// [`implied_name`]. A service that has the name already is no reason to refuse this one.
    Implied,
}

/// The result of a start.
enum Attempt {
    Done(Exit),
    /// Another service has the implied name since a moment ago.
    NameTaken,
}

/// Checks the spec, gives a daemon without a name one that is free, resolves it on this machine, and calls `act`. `file` is the
/// one that describes it.
fn with_plan(
    draft: SpecDraft,
    file: Option<&Path>,
    mode: ModeOption,
    use_of_notes: Notes,
    mut act: impl FnMut(&Prepared) -> Attempt,
) -> Exit {
    let mut spec = match draft.finish() {
        Ok(spec) => spec,
        Err(problems) => return usage_error(&problems),
    };
    // What the unit means under systemd.
    if ignores_sigpipe_by_default(&spec) {
        spec.process.ignore_sigpipe = Some(true);
    }
    let detection = detect::decide(mode);
    let started = internal::own_pid();
    let mut attempt =
        |spec, name| match prepare(spec, &detection, name, implied_name::variables(started), use_of_notes) {
            Ok(prepared) => act(&prepared),
            Err(exit) => Attempt::Done(exit),
        };
    // With a pid file, that is what the service is known by.
    if spec.name.is_some() || spec.pid_file.is_some() || !is_detached(&detection) {
        let Attempt::Done(exit) = attempt(spec, NameOrigin::Given) else {
            unreachable!("its name was given")
        };
        return exit;
    }
    let is_free = |name: &ServiceName| !svcadapt_hosts::is_active_unit(name) && !internal::is_running(name);
    for name in implied_name::candidates(&spec, file).filter(is_free) {
        let named = ServiceSpec { name: Some(name), ..spec.clone() };
        if let Attempt::Done(exit) = attempt(named, NameOrigin::Implied) {
            return exit;
        }
    }
    failed(&implied_name::exhausted(&spec))
}

/// Whether no manager is responsible for the service.
fn is_detached(detection: &Detection) -> bool {
    detection.mode == Mode::Classic && StartedBy::of(detection) == StartedBy::Nobody
}

/// Resolves a spec on this machine, and plans its start.
fn prepare(
    mut spec: ServiceSpec,
    detection: &Detection,
    name: NameOrigin,
    inherited: Vec<(OsString, OsString)>,
    use_of_notes: Notes,
) -> Result<Prepared, Exit> {
    let notes = internal::place(&mut spec, is_detached(detection));
    // A person at a terminal sees that a program ends at once.
    let may_wait = spec.ready.is_empty() && matches!(spec.service_type, None | Some(ServiceType::Exec));
    if may_wait && use_of_notes != Notes::Omitted && is_detached(detection) && Onlooker::is_there() {
        spec.ready.push(Probe::Alive(Timespan::Finite(UNTIL_BELIEVED)));
    }
    let mut resolved = internal::resolve(&spec, StartedBy::of(detection), inherited).map_err(|failures| {
        let status = failures.first().map_or(svcadapt::USAGE, |failure| failure.status);
        report_all(failures);
        Exit::Status(status)
    })?;
    resolved.notes.extend(notes);
    internal::find_control_group(&spec, detection, &mut resolved);
    let is_softened = !resolved.notes.is_empty();
    if detection.mode == Mode::Supervised || name == NameOrigin::Implied {
        internal::do_without_state(&spec, &mut resolved);
    }
    if use_of_notes != Notes::Omitted {
        report_all(resolved.notes.iter().map(StepError::from));
    }
    if use_of_notes == Notes::Refused && is_softened {
        return Err(usage_error(&[strict_error()]));
    }
    let plan = Plan::new(&spec, &resolved, detection);
    internal::check(&plan).map_err(|failure| failed(&failure))?;
    Ok(Prepared { spec, detection: detection.clone(), plan, resolved, name })
}

fn usage_error(problems: &[impl Display]) -> Exit {
    report_all(problems);
    Exit::Status(svcadapt::USAGE)
}

/// Continues a monitor, if the arguments are those of a monitor that executes this program again.
pub(crate) fn resume_monitor(arguments: &[OsString]) -> Option<Exit> {
    internal::resume_monitor(arguments).map(exit)
}

fn start(prepared: &Prepared, trace: Option<&Trace>) -> Attempt {
    let Prepared { spec, detection, plan, resolved, name } = prepared;
    if detection.mode == Mode::Classic
        && let Some(name) = &spec.name
        && svcadapt_hosts::is_active_unit(name)
    {
        let error = StepError::new("start", format!("systemd runs a service of this name, {name}.service"));
        let hint = format!("`svcadapt stop {name}` stops it; --name gives this one another name");
        return Attempt::Done(failed(&error.of(name.to_string()).hint(hint).status(ALREADY_RUNNING)));
    }
    let onlooker = (is_detached(detection) && Onlooker::is_there()).then(|| Onlooker::of(spec));
    let progress = |status: Option<&str>| {
        if let Some(onlooker) = &onlooker {
            onlooker.progress(status);
        }
        if let Some(trace) = trace {
            trace.look();
        }
    };
    let is_shown = onlooker.is_some() || trace.is_some();
    let outcome = internal::start(spec, plan, resolved, is_shown.then_some(&progress));
    // The service runs, or has failed for another reason: this changes neither.
    trace.and_then(|trace| trace.end(&outcome).err()).iter().for_each(report);
    if let Some(onlooker) = &onlooker {
        onlooker.end(&outcome);
    }
    match outcome {
        Outcome::Failed { failure, .. }
            if *name == NameOrigin::Implied && failure.status == ALREADY_RUNNING =>
        {
            Attempt::NameTaken
        }
        Outcome::Failed { mut failure, stderr_tail, signal } if is_detached(detection) => {
            failure.hint = failure.hint.or_else(|| relative_words::hint(spec));
            Attempt::Done(exit(Outcome::Failed { failure, stderr_tail, signal }))
        }
        outcome => Attempt::Done(exit(outcome)),
    }
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Ready | Outcome::Ended(Ended::Exited(0)) => Exit::Status(0),
        Outcome::Ended(Ended::Exited(status)) => Exit::Status(status),
        Outcome::Skipped(why) => {
            report(&why);
            Exit::Skipped
        }
        Outcome::Ended(Ended::Killed(signal) | Ended::Dumped(signal)) | Outcome::Interrupted(signal) => {
            Exit::Signal(signal)
        }
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

fn explain(plan: &Plan, detection: &Detection, not_honoured: &[NotHonoured], json: bool) -> Exit {
    let text =
        if json { json_text(&as_json(plan, detection, not_honoured)) } else { as_text(plan, detection) };
    print(&text).err().unwrap_or(Exit::Status(0))
}

fn as_json(plan: &Plan, detection: &Detection, not_honoured: &[NotHonoured]) -> Value {
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
    json!({
        "mode": detection.mode.name(),
        "manager": detection.manager.name(),
        "steps": steps,
        "not_honoured": not_honoured::as_json(not_honoured),
    })
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
