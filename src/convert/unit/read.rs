//! A unit with its drop-ins, read into a draft.

use std::ffi::OsString;

use svcadapt_spec::{FIELDS, Field, Native, Origin, SpecDraft, SpecError, literal};

use super::lex::{MOST_ASSIGNMENTS, TOO_MANY};
use super::verify::Verdict;
use super::{CommandLine, Kept, Line, Reason, UnitFile, UnitName, commands, fields, own};

/// What a unit says.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What a spec has a word for.
    pub draft: SpecDraft,
    /// All the rest, in its order.
    pub kept: Vec<Kept>,
    /// What systemd would warn of, and ignore.
    pub warnings: Vec<SpecError>,
}

impl Reading {
    /// What will be different where the draft alone is run.
    pub fn not_honoured(&self) -> Vec<&Kept> {
        super::kept::in_force(&self.kept)
    }
}

/// As many warnings as one line is given. It may have half a million words.
const WARNINGS: usize = 8;

/// The directives that hold command lines.
pub(super) const COMMANDS: [&str; 7] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"];

/// Reads a unit and then its drop-ins, in the order in which they are given, by the rules of systemd.service(5) and
/// systemd.exec(5): lists grow, an empty value forgets, else the last value wins.
///
/// What is no value is ignored and told, as systemd does it. What makes systemd refuse the unit is an error.
pub fn read(name: &UnitName, unit: &UnitFile, drop_ins: &[UnitFile]) -> Result<Reading, Vec<SpecError>> {
    if unit.empty {
        return Err(vec![SpecError::in_file(
            &unit.path,
            None,
            "the file is empty, and so the unit is masked",
        )]);
    }
    let mut reader = Reader {
        name,
        values: Vec::new(),
        own: Vec::new(),
        start: Vec::new(),
        started: Vec::new(),
        verdict: Verdict::default(),
        kept: Vec::new(),
        warnings: Vec::new(),
        faults: Vec::new(),
    };
    let files = || std::iter::once(unit).chain(drop_ins);
    if files().map(|file| file.lines.len() + file.warnings.len()).sum::<usize>() > MOST_ASSIGNMENTS {
        return Err(vec![SpecError::in_file(&unit.path, None, format!("with its drop-ins {TOO_MANY}"))]);
    }
    for file in files() {
        reader.warnings.extend(file.warnings.iter().cloned());
        for line in &file.lines {
            let origin = Origin::in_file(&file.path, Some(line.spot.clone()));
            reader.line(&Given { file, line, origin });
        }
    }
    reader.finish(unit)
}

/// One assignment, as it is met.
pub(super) struct Given<'a> {
    pub(super) file: &'a UnitFile,
    pub(super) line: &'a Line,
    pub(super) origin: Origin,
}

/// One value for the draft.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) field: Field,
    pub(super) value: OsString,
    pub(super) origin: Origin,
    /// How the directive was written, where that is needed again; else nothing.
    pub(super) written: String,
}

pub(super) struct Reader<'a> {
    pub(super) name: &'a UnitName,
    pub(super) values: Vec<Said>,
    /// What `[X-Svcadapt]` says.
    pub(super) own: Vec<Said>,
    start: Vec<CommandLine>,
    /// The lines that say what is started.
    started: Vec<Kept>,
    pub(super) verdict: Verdict,
    pub(super) kept: Vec<Kept>,
    warnings: Vec<SpecError>,
    faults: Vec<SpecError>,
}

impl Reader<'_> {
    fn line(&mut self, given: &Given) {
        let section = given.file.section(given.line);
        let row = FIELDS.iter().find(|row| row.directive == given.line.key);
        match (section, row.map(|row| row.field)) {
            ("X-Svcadapt", Some(field)) => own::assign(self, given, field),
            ("Unit", Some(field @ Field::Description)) => fields::assign(self, given, field),
            ("Service", Some(field)) if of_service(field) => {
                self.verdict.note(section, given);
                fields::assign(self, given, field);
            }
            ("Service", _) if COMMANDS.contains(&given.line.key.as_str()) => self.commands(given),
            ("Service", _) if given.line.key == "TimeoutSec" => {
                fields::assign(self, given, Field::TimeoutStartSec);
                fields::assign(self, given, Field::TimeoutStopSec);
            }
            ("X-Svcadapt", None) => {
                self.keep(given, Reason::NoField);
                self.warn(given, "svcadapt knows no such field");
            }
            (_, row) => {
                if row.is_some() && ["Unit", "Service", "Install"].contains(&section) {
                    self.warn(given, "systemd does not read this in this section");
                } else if !section.starts_with("X-") && !["Unit", "Service", "Install"].contains(&section) {
                    self.warn(given, "a service has no such section; systemd ignores it");
                }
                if section.starts_with(Native::SOCKET_UNIT_PREFIX) {
                    // A spec keeps under this name what stands in the unit of the sockets.
                    return self.keep(given, Reason::Ignored("a service has no such section".into()));
                }
                self.verdict.note(section, given);
                self.keep(given, Reason::NoField);
            }
        }
    }

    pub(super) fn keep(&mut self, given: &Given, reason: Reason) {
        self.kept.push(kept(given, reason));
    }

    /// Keeps a line of many words, however many of them want it kept.
    pub(super) fn keep_once(&mut self, given: &Given, reason: Reason) {
        if self.kept.last().is_none_or(|kept| kept.origin != given.origin) {
            self.keep(given, reason);
        }
    }

    pub(super) fn warn(&mut self, given: &Given, what: &str) {
        let told = self.warnings.len().checked_sub(WARNINGS).and_then(|at| self.warnings.get(at));
        if told
            .is_some_and(|fault| fault.place() == Some((given.file.path.as_path(), Some(&given.line.spot))))
        {
            return;
        }
        self.warnings.push(SpecError::at(&given.origin, format!("{}=: {what}", given.line.key)));
    }

    /// What systemd refuses the unit for.
    pub(super) fn refuse(&mut self, given: &Given, why: &str) {
        self.faults.push(SpecError::at(&given.origin, format!("{}=: {why}", given.line.key)));
    }

    /// Whether there is room for one value more. If not, the unit is refused.
    pub(super) fn has_room(&mut self, given: &Given) -> bool {
        let room = self.values.len() < MOST_ASSIGNMENTS;
        if !room && self.faults.is_empty() {
            self.refuse(given, &format!("with the words of lists {TOO_MANY}"));
        }
        room
    }

    /// Forgets what a field was given.
    pub(super) fn forget(&mut self, field: Field) {
        self.values.retain(|value| value.field != field);
    }

    fn commands(&mut self, given: &Given) {
        let line = given.line;
        let start = line.key == "ExecStart";
        self.verdict.note("Service", given);
        if !start {
            self.keep(given, Reason::NoField);
        }
        if line.value.is_empty() {
            self.verdict.commands.remove(&line.key);
            if start {
                self.start.clear();
                self.started.clear();
                self.verdict.unknown_start = false;
                self.kept.retain(|kept| kept.directive != "ExecStart");
            }
            return;
        }
        match commands(&line.value, self.name, &given.file.path) {
            Ok(read) => {
                read.warnings.iter().for_each(|warning| self.warn(given, warning));
                *self.verdict.commands.entry(line.key.clone()).or_default() += read.commands.len();
                if start {
                    if read.commands.is_empty() {
                        self.keep(given, Reason::Ignored("it is no command".into()));
                    } else {
                        self.started.push(kept(given, Reason::NoField));
                    }
                    self.start.extend(read.commands);
                }
            }
            // Only systemd can say what it would be; then it can be kept, but not run.
            Err(refused) if refused.of_the_host => {
                *self.verdict.commands.entry(line.key.clone()).or_default() += 1;
                if start {
                    self.verdict.unknown_start = true;
                    self.keep(given, Reason::Unusable(refused.cause));
                }
            }
            Err(refused) => self.refuse(given, &refused.cause),
        }
    }

    fn finish(mut self, unit: &UnitFile) -> Result<Reading, Vec<SpecError>> {
        let kind = self.values.iter().rev().find(|value| value.field == Field::Type);
        let kind = kind.map(|value| value.written.clone());
        let whole = |why: &str| SpecError::in_file(&unit.path, None, why);
        let faults = self.verdict.faults(kind.as_deref());
        self.faults
            .extend(faults.map(|(at, why)| at.map_or_else(|| whole(why), |at| SpecError::at(at, why))));
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut draft = SpecDraft::new();
        let file = Origin::in_file(&unit.path, None);
        draft.assign(Field::Name, self.name.stem(), file);
        fields::settle(&mut self);
        let words = self.command();
        own::settle(&mut self, words.as_ref().is_some_and(|words| words.adapted));
        for value in self.values.into_iter().chain(self.own) {
            draft.assign(value.field, value.value, value.origin);
        }
        if let Some(Program { words, variables, called, .. }) = words {
            if let Some((name, origin)) = called {
                draft.assign(Field::Argv0, name, origin);
            }
            if let Some(origin) = variables {
                draft.assign(Field::ExpandVariables, "yes", origin);
            }
            draft.command(words);
        }
        draft.native(Native { systemd: Some(super::kept::native(&self.kept)), launchd: Vec::new() });
        Ok(Reading { draft, kept: self.kept, warnings: self.warnings })
    }

    /// The one command of the spec. Of several none is it: to run just one of them would be something else.
    fn command(&mut self) -> Option<Program> {
        let started = std::mem::take(&mut self.started);
        if self.start.len() != 1 || self.verdict.unknown_start {
            let several = Reason::Unusable("one of several commands".into());
            self.kept.extend(started.into_iter().map(|kept| Kept { reason: several.clone(), ..kept }));
            return None;
        }
        let (command, whole) = (self.start.pop()?, started.into_iter().next_back()?);
        if command.prefixes.contains('|') {
            let reason = Reason::Unusable("the prefix '|' wants the user's shell".into());
            self.kept.push(Kept { reason, ..whole });
            return None;
        }
        // A name with a variable only systemd can know.
        let name = command.argv.first().filter(|_| command.prefixes.contains('@'));
        let name =
            name.and_then(|name| if command.has_variables() { literal(name) } else { Some(name.clone()) });
        let said = |sign: &char| *sign == ':' || *sign == '@' && name.is_some();
        let missing: String = command.prefixes.chars().filter(|sign| !said(sign)).collect();
        if !missing.is_empty() {
            let reason = Reason::Partly(format!("the prefix '{missing}'"));
            self.kept.push(Kept { reason, ..whole.clone() });
        }
        if let Some(words) = own::adapted(self, &command, &whole.origin) {
            return Some(Program { words, variables: None, called: None, adapted: true });
        }
        let said = self.own.iter().any(|value| value.field == Field::ExpandVariables);
        let arguments = &command.argv[1..];
        let named = self.own.iter().any(|value| value.field == Field::Argv0);
        let called = name.filter(|_| !named).map(|name| (name, whole.origin.clone()));
        let mut program =
            Program { words: vec![command.program.clone()], variables: None, called, adapted: false };
        if !command.has_variables() || said {
            program.words.extend(arguments.iter().cloned());
        } else if let Some(plain) = arguments.iter().map(|word| literal(word)).collect::<Option<Vec<_>>>() {
            program.words.extend(plain);
        } else {
            program.words.extend(arguments.iter().cloned());
            program.variables = Some(whole.origin);
        }
        Some(program)
    }
}

/// The spec's command.
struct Program {
    words: Vec<OsString>,
    /// Where variables stand in them.
    variables: Option<Origin>,
    /// What it is called by in place of its path.
    called: Option<(OsString, Origin)>,
    /// Whether they stood behind the adapter's.
    adapted: bool,
}

pub(super) fn kept(given: &Given, reason: Reason) -> Kept {
    Kept {
        section: given.file.section(given.line).to_owned(),
        directive: given.line.key.clone(),
        value: given.line.value.clone(),
        origin: given.origin.clone(),
        reason,
    }
}

/// Whether systemd knows the directive in `[Service]`.
fn of_service(field: Field) -> bool {
    !matches!(
        field,
        Field::Name
            | Field::Description
            | Field::CleanEnvironment
            | Field::ExpandVariables
            | Field::Argv0
            | Field::PreventCore
            | Field::FilesPreserve
            | Field::Ready
            | Field::NotificationFd
            | Field::LaunchdActivation
    ) && !field.is_socket_field()
}
