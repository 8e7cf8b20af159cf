//! Messages about losses, with the place and the text of the setting in the source file.

use std::ffi::OsStr;

use svcadapt::internal::escape_control;
use svcadapt_convert::divide::{Loss, Subject};
use svcadapt_spec::{Field, Origin, SpecDraft};

/// The settings as the user wrote them, with their places.
#[derive(Default)]
pub(crate) struct SourceText {
    draft: SpecDraft,
    places: Vec<(Subject, Origin)>,
}

/// The maximal length of a value in a message, in characters.
const MAX_VALUE_CHARS: usize = 60;

impl SourceText {
    /// `places` are those of the native lines and keys of the draft.
    pub(crate) fn of(draft: &SpecDraft, places: &[(Subject, Origin)]) -> Self {
        Self { draft: draft.clone(), places: places.to_vec() }
    }

    /// Each loss as a line: `web.service:7: Restart=on-watchdog: lost: why`. Losses that weaken security come first,
    /// because the list can be long.
    pub(crate) fn losses(&self, losses: &[Loss]) -> Vec<String> {
        let (weak, others): (Vec<_>, Vec<_>) = losses.iter().partition(|loss| loss.weakens_security());
        weak.into_iter().chain(others).flat_map(|loss| self.lines(loss, &loss.kind.to_string())).collect()
    }

    /// A line for each setting that is kept in the output although the host will ignore it.
    pub(crate) fn strange(&self, losses: &[Loss]) -> Vec<String> {
        let lines = |loss: &Loss| self.lines(loss, &format!("{}; the line is kept", loss.kind.words()));
        losses.iter().flat_map(lines).collect()
    }

    /// A line for each place of the setting.
    fn lines(&self, loss: &Loss, what: &str) -> Vec<String> {
        let mut places = match &loss.subject {
            Subject::Field(field) => {
                let last = || self.draft.last(*field).into_iter().collect();
                let values = Some(self.draft.in_force(*field)).filter(|all| !all.is_empty());
                let values = values.unwrap_or_else(last);
                values.into_iter().filter_map(|(value, origin)| of_field(*field, value, origin)).collect()
            }
            subject => self.of_native(subject).into_iter().collect::<Vec<_>>(),
        };
        places.dedup();
        if places.is_empty() {
            places.push(loss.subject.to_string());
        }
        places.into_iter().map(|place| format!("{}: {what}", escape_control(&place))).collect()
    }

    fn of_native(&self, subject: &Subject) -> Option<String> {
        let (_, origin) = self.places.iter().find(|(written, _)| written == subject)?;
        let value = match subject {
            Subject::Directive(line) => line.value(),
            _ => "",
        };
        Some(format!("{}{subject}{}", place(origin)?, start(value)))
    }
}

/// The place and the text of a field's value. `None` if it is not a file's.
fn of_field(field: Field, value: &OsStr, origin: &Origin) -> Option<String> {
    let name = origin.name(field);
    // The value of a property list key has several lines, or differs from the field's value: omit it.
    let value = value.to_str().filter(|_| name.ends_with('=')).unwrap_or_default();
    // The value of a condition begins with its kind, which is in the name.
    let value = match (matches!(field, Field::Condition | Field::Assert), value.split_once('=')) {
        (true, Some((_, rest))) if name != format!("{}=", field.directive()) => rest,
        _ => value,
    };
    Some(format!("{}{name}{}", place(origin)?, start(value)))
}

/// The start of a message about a setting in a file.
fn place(origin: &Origin) -> Option<String> {
    match origin {
        Origin::File { path, spot: Some(spot), .. } => Some(format!("{}:{}: ", path.display(), spot.line)),
        Origin::File { path, spot: None, .. } => Some(format!("{}: ", path.display())),
        Origin::Option => None,
    }
}

/// The value, cut after [`MAX_VALUE_CHARS`].
fn start(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
