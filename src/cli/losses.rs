//! Messages about losses, with the place and the text of the setting in the source file.

use svcadapt::internal::escape_control;
use svcadapt_convert::divide::{Loss, Subject};
use svcadapt_spec::{Origin, SpecDraft};

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
        weak.into_iter().chain(others).map(|loss| self.line(loss)).collect()
    }

    /// A line for each setting that is kept in the output although the host will ignore it.
    pub(crate) fn strange(&self, losses: &[Loss]) -> Vec<String> {
        losses
            .iter()
            .map(|loss| format!("{}: {}; the line is kept", self.place(loss), loss.kind.words()))
            .collect()
    }

    fn line(&self, loss: &Loss) -> String {
        format!("{}: {}", self.place(loss), loss.kind)
    }

    fn place(&self, loss: &Loss) -> String {
        let place = |origin: &Origin| match origin {
            Origin::File { path, spot: Some(spot), .. } => {
                Some(format!("{}:{}: ", path.display(), spot.line))
            }
            Origin::File { path, spot: None, .. } => Some(format!("{}: ", path.display())),
            Origin::Option => None,
        };
        let setting = match &loss.subject {
            Subject::Field(field) => self.draft.last(*field).and_then(|(value, origin)| {
                let name = origin.name(*field);
                // The value of a property list key has several lines, or differs from the field's value: omit it.
                let value = value.to_str().filter(|_| name.ends_with('='));
                Some(format!("{}{name}{}", place(origin)?, start(value.unwrap_or_default())))
            }),
            subject => {
                let found = self.places.iter().find(|(written, _)| written == subject);
                let value = match subject {
                    Subject::Directive(line) => line.value(),
                    _ => "",
                };
                found.and_then(|(_, origin)| Some(format!("{}{subject}{}", place(origin)?, start(value))))
            }
        };
        escape_control(&setting.unwrap_or_else(|| loss.subject.to_string()))
    }
}

/// The value, cut after [`MAX_VALUE_CHARS`].
fn start(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
