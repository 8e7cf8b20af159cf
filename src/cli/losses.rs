//! What is lost, called by the place and the words that it was written with.

use svcadapt::internal::escape_control;
use svcadapt_convert::divide::{Loss, Subject};
use svcadapt_spec::{Origin, SpecDraft};

/// What was said, and where.
#[derive(Default)]
pub(crate) struct Written {
    draft: SpecDraft,
    places: Vec<(Subject, Origin)>,
}

/// As much of a value as a line for people has room for, in characters.
const SHOWN: usize = 60;

impl Written {
    /// Of a draft, and of what it has in the words of one host.
    pub(crate) fn of(draft: &SpecDraft, places: &[(Subject, Origin)]) -> Self {
        Self { draft: draft.clone(), places: places.to_vec() }
    }

    /// Each loss as a line: `web.service:7: Restart=on-watchdog: lost: why`. Those that weaken security come first, for a
    /// list can be long.
    pub(crate) fn told(&self, losses: &[Loss]) -> Vec<String> {
        let (weak, others): (Vec<_>, Vec<_>) = losses.iter().partition(|loss| loss.weakens_security());
        weak.into_iter().chain(others).map(|loss| self.line(loss)).collect()
    }

    /// Lines that stay as they are, though the host will pass over them.
    pub(crate) fn strange(&self, losses: &[Loss]) -> Vec<String> {
        losses
            .iter()
            .map(|loss| format!("{}: {}; the line stays", self.place(loss), loss.kind.words()))
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
        let said = match &loss.subject {
            Subject::Field(field) => self.draft.last(*field).and_then(|(value, origin)| {
                let name = origin.name(*field);
                // A key of a property list has a value of several lines, or one that is another in our words.
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
        let said = said.unwrap_or_else(|| loss.subject.to_string());
        escape_control(&said)
    }
}

/// What there is room for.
fn start(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
