//! A spec as it was written, not validated yet.

use std::ffi::{OsStr, OsString};

use super::{
    Arity, Capabilities, Command, Field, Native, Origin, Probe, ServiceSpec, ServiceType, SpecError,
    ValueError,
};

/// A spec as it was written: values in order, each with its origin.
///
/// Later values override earlier ones as in systemd.syntax(7): of a single-valued field the last value counts; of a list
/// all values count, and an empty value resets it.
#[derive(Debug, Clone, Default)]
pub struct SpecDraft {
    values: Vec<FieldValue>,
    command: Option<Vec<OsString>>,
    native: Native,
}

#[derive(Debug, Clone)]
pub(super) struct FieldValue {
    pub(super) field: Field,
    pub(super) value: OsString,
    origin: Origin,
}

impl SpecDraft {
    /// An empty draft.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field. An option on the command line overrides the same setting in the file's host-specific part.
    pub fn assign(&mut self, field: Field, value: impl Into<OsString>, origin: Origin) {
        if origin == Origin::Option && field.arity() == Arity::One {
            self.native.remove(field.directive());
            if field == Field::Restart {
                self.native.launchd.retain(|(key, _)| key != "KeepAlive");
            }
        }
        self.values.push(FieldValue { field, value: value.into(), origin });
    }

    /// Replaces the command. What a file set for the previous command is dropped with it: `ExpandVariables`, `Argv0`, its
    /// prefixes, and the commands that follow it.
    pub fn command(&mut self, words: Vec<OsString>) {
        if self.command.is_some() {
            let gone = |given: &FieldValue| {
                let of_words = matches!(
                    given.field,
                    Field::ExpandVariables | Field::Argv0 | Field::ExecPrefix | Field::ExecStart
                );
                of_words && matches!(given.origin, Origin::File { .. })
            };
            self.values.retain(|given| !gone(given));
        }
        self.native.remove(Native::COMMAND);
        self.command = Some(words);
    }

    /// Sets the host-specific part of a file.
    #[doc(hidden)]
    pub fn native(&mut self, native: Native) {
        self.native = native;
    }

    /// The host-specific part of a file.
    #[doc(hidden)]
    pub fn native_part(&self) -> &Native {
        &self.native
    }

    /// The last value of a field, as it was written, with its origin. `None` if the field is not set.
    #[doc(hidden)]
    pub fn last(&self, field: Field) -> Option<(&OsStr, &Origin)> {
        let given = self.values.iter().rev().find(|given| given.field == field)?;
        Some((&given.value, &given.origin))
    }

    /// The values of a field that count, as they were written, each with its origin.
    #[doc(hidden)]
    pub fn in_force(&self, field: Field) -> Vec<(&OsStr, &Origin)> {
        effective(&self.values, field)
            .into_iter()
            .map(|given| (given.value.as_os_str(), &given.origin))
            .collect()
    }

    /// Validates the draft.
    ///
    /// # Errors
    ///
    /// Every error of the draft, not only the first.
    pub fn finish(self) -> Result<ServiceSpec, Vec<SpecError>> {
        self.build(None)
    }

    /// Validates the draft for the host that its host-specific part is for: the command may be in that part only. (A
    /// template has no instance; a oneshot service may have several commands or none.)
    ///
    /// # Errors
    ///
    /// Every error of the draft, not only the first.
    #[doc(hidden)]
    pub fn finish_native(self) -> Result<ServiceSpec, Vec<SpecError>> {
        let native = self.command.is_none() && self.native.systemd.is_some();
        self.build(native.then(Command::native))
    }

    fn build(self, known: Option<Command>) -> Result<ServiceSpec, Vec<SpecError>> {
        let mut reading = Pass { values: &self.values, native: &self.native, errors: Vec::new() };
        let command = known.unwrap_or_else(|| reading.command(self.command));
        let mut spec = reading.spec(command);
        // A probe that is given twice, by a unit and by the options of its command, is one.
        let mut given = Vec::new();
        for probe in std::mem::take(&mut spec.ready) {
            if !given.contains(&probe) {
                given.push(probe);
            }
        }
        spec.ready = given;
        if spec.service_type.is_some_and(ServiceType::notifies) && !spec.ready.contains(&Probe::Notify) {
            spec.ready.insert(0, Probe::Notify);
        }
        reading.check_combinations(&spec);
        if reading.errors.is_empty() { Ok(spec) } else { Err(reading.errors) }
    }
}

/// The maximum number of sockets of a service.
const MAX_SOCKETS: usize = 1000;

/// The effective values of a field: of a list those after the last empty one, else the last value.
fn effective(values: &[FieldValue], field: Field) -> Vec<&FieldValue> {
    let all: Vec<_> = values.iter().filter(|given| given.field == field).collect();
    let from = match field.arity() {
        Arity::Many => all.iter().rposition(|given| given.value.is_empty()).map_or(0, |at| at + 1),
        Arity::One => all.len().saturating_sub(1),
    };
    all[from..].to_vec()
}

/// One validation of a draft.
pub(super) struct Pass<'a> {
    pub(super) values: &'a [FieldValue],
    pub(super) native: &'a Native,
    errors: Vec<SpecError>,
}

impl<'a> Pass<'a> {
    fn command(&mut self, words: Option<Vec<OsString>>) -> Command {
        let first =
            words.as_ref().and_then(|words| words.first()).map(|word| word.to_string_lossy().into_owned());
        Command::new(words.unwrap_or_default()).unwrap_or_else(|mut error| {
            if first.is_none() {
                error.hint = Some("write it after '--'".into());
            }
            self.errors.push(SpecError { field: None, value: first, origin: None, error });
            Command { program: OsString::new(), arguments: Vec::new() }
        })
    }

    /// Checks fields that contradict each other.
    fn check_combinations(&mut self, spec: &ServiceSpec) {
        let bounding = spec.capability_bounding_set.unwrap_or(Capabilities::ALL);
        if !bounding.holds(spec.ambient_capabilities.unwrap_or_default()) {
            let cause = "the capability bounding set lacks one of these";
            self.conflict(Field::AmbientCapabilities, cause.into());
        }
        let mut numbers = spec.files_preserve.clone();
        numbers.extend(spec.ready.iter().filter_map(|probe| match probe {
            Probe::Fd(number) => Some(*number),
            _ => None,
        }));
        if spec.sockets.listen.len() > MAX_SOCKETS {
            let cause = format!("more than {MAX_SOCKETS} sockets");
            return self.conflict(Field::ListenStream, cause.into());
        }
        let all = &spec.sockets.listen;
        if let Some(twice) =
            all.iter().enumerate().find_map(|(at, one)| all[..at].contains(one).then_some(one))
        {
            let cause = format!("{twice} is listed twice");
            let field = twice.field();
            self.conflict(field, cause.into());
        }
        let sockets = spec.sockets.descriptors();
        if let Some(number) = numbers.iter().find(|number| sockets.contains(number)) {
            let cause = format!("a socket has descriptor {number}");
            let field =
                if spec.files_preserve.contains(number) { Field::FilesPreserve } else { Field::Ready };
            let hint = format!(
                "the sockets have descriptors 3 to {}; use {} or a higher number",
                sockets.end - 1,
                sockets.end
            );
            self.conflict(field, ValueError::hinted(cause, hint));
        }
        let without_socket = spec.sockets.listen.is_empty() && spec.sockets.has_settings();
        let setting = self.values.iter().rev().find(|given| given.field.needs_socket());
        if let (true, Some(given)) = (without_socket, setting) {
            let error = ValueError::hinted("there is no socket", "add one with --listen-stream ADDRESS");
            self.conflict(given.field, error);
        }
        numbers.sort_unstable();
        let distinct = numbers.chunk_by(PartialEq::eq);
        for number in distinct.filter_map(|run| if run.len() > 1 { run.first() } else { None }) {
            let cause = format!("descriptor {number} is listed twice");
            self.conflict(Field::FilesPreserve, cause.into());
        }
    }

    fn conflict(&mut self, field: Field, error: ValueError) {
        let given = self.values.iter().rev().find(|given| given.field == field);
        let origin = given.map(|given| given.origin.clone());
        self.errors.push(SpecError { field: Some(field), value: None, origin, error });
    }

    fn effective(&self, field: Field) -> Vec<&'a FieldValue> {
        effective(self.values, field)
    }

    pub(super) fn one<T>(
        &mut self,
        field: Field,
        read: impl Fn(&OsStr) -> Result<T, ValueError>,
    ) -> Option<T> {
        let given = *self.effective(field).last()?;
        self.value(given, read)
    }

    pub(super) fn many<T>(
        &mut self,
        field: Field,
        read: impl Fn(&OsStr) -> Result<Vec<T>, ValueError>,
    ) -> Vec<T> {
        let values = self.effective(field);
        values.into_iter().filter_map(|given| self.value(given, &read)).flatten().collect()
    }

    /// Merges sets: a set adds to those before it, an inverted one (`~`) subtracts; a first inverted one subtracts from all
    /// capabilities (systemd.exec(5)).
    pub(super) fn capabilities(&mut self, field: Field) -> Option<Capabilities> {
        let is_set = self.values.iter().any(|given| given.field == field);
        let mut sum: Option<Capabilities> = None;
        for given in self.effective(field) {
            let set = self.value(given, Capabilities::parse)?;
            sum = Some(match (sum, given.value.as_encoded_bytes().starts_with(b"~")) {
                (None, _) => set,
                (Some(sum), false) => sum | set,
                (Some(sum), true) => Capabilities::from_bits(sum.bits() & set.bits()),
            });
        }
        sum.or(is_set.then_some(Capabilities::EMPTY))
    }

    pub(super) fn value<T>(
        &mut self,
        given: &FieldValue,
        read: impl Fn(&OsStr) -> Result<T, ValueError>,
    ) -> Option<T> {
        read(&given.value)
            .map_err(|error| {
                self.errors.push(SpecError {
                    field: Some(given.field),
                    value: Some(given.value.to_string_lossy().into_owned()),
                    origin: Some(given.origin.clone()),
                    error,
                });
            })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(values: &[(Field, &str)]) -> SpecDraft {
        let mut draft = SpecDraft::new();
        draft.command(vec!["/bin/true".into()]);
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        draft
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let mut draft = draft(&[
            (Field::Umask, "0999"),
            (Field::User, "-1"),
            (Field::Ready, "tcp:http"),
            (Field::Nice, "20"),
        ]);
        draft.command = None;
        let errors: Vec<_> = draft.finish().unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), 5, "{errors:#?}");
        assert!(errors.iter().any(|p| p == "--umask '0999': not an octal number between 0 and 777"));
    }

    #[test]
    fn last_value_wins_and_empty_value_resets_a_list() {
        let spec = draft(&[
            (Field::Umask, "077"),
            (Field::Umask, "027"),
            (Field::Environment, "A=1"),
            (Field::Environment, ""),
            (Field::Environment, "B=2"),
            (Field::Environment, "C=3"),
        ])
        .finish()
        .unwrap();
        assert_eq!(spec.umask.unwrap().bits(), 0o27);
        let names: Vec<_> = spec.environment.assignments.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["B", "C"]);
    }

    #[test]
    fn new_command_drops_expand_variables_of_a_file() {
        let expands = |origin: Origin| {
            let mut draft = draft(&[]);
            draft.assign(Field::ExpandVariables, "yes", origin);
            draft.command(vec!["/bin/false".into(), "$A".into()]);
            draft.finish().unwrap().expand_variables
        };
        assert!(!expands(Origin::in_file("/x", None)));
        assert!(expands(Origin::Option));
    }

    #[test]
    fn bounding_sets_add_up_and_inverted_ones_subtract() {
        let spec = draft(&[
            (Field::CapabilityBoundingSet, "CAP_CHOWN CAP_KILL"),
            (Field::CapabilityBoundingSet, "CAP_FOWNER"),
            (Field::CapabilityBoundingSet, "~CAP_KILL"),
        ])
        .finish()
        .unwrap();
        assert_eq!(spec.capability_bounding_set.unwrap().to_string(), "CAP_CHOWN CAP_FOWNER");
        let none = draft(&[(Field::CapabilityBoundingSet, "")]).finish().unwrap();
        assert_eq!(none.capability_bounding_set, Some(Capabilities::EMPTY));
    }

    #[test]
    fn descriptor_listed_twice_is_refused() {
        let errors = draft(&[(Field::FilesPreserve, "3,4"), (Field::Ready, "fd:4")]).finish().unwrap_err();
        assert_eq!(errors[0].error.cause, "descriptor 4 is listed twice");
    }
}
