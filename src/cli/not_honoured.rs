//! The settings that `run` does not act on: a message for each reason, with `--verbose` and as JSON each setting.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt::internal::escape_control;
use svcadapt_convert::load::Remark;
use svcadapt_spec::{Field, Origin, SpecError};

/// A setting that `run` does not act on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotHonoured {
    file: Option<PathBuf>,
    line: Option<usize>,
    /// The setting as it is written: `After=`, `KeepAlive`, `--condition`.
    setting: String,
    why: String,
}

/// How many settings a message for a reason names.
const MAX_NAMES: usize = 6;

impl NotHonoured {
    /// A setting of a file that no field represents.
    pub(crate) fn of_remark(remark: Remark) -> Self {
        match remark {
            Remark::Line { line, cause } => Self::new(&line.origin, format!("{}=", line.directive), cause),
            Remark::Key(SpecError { field, value, origin, error }) => {
                let origin = origin.unwrap_or(Origin::Option);
                let setting = field.map(|field| origin.name(field)).or(value).unwrap_or_default();
                Self::new(&origin, setting, error.cause)
            }
        }
    }

    /// A field.
    pub(crate) fn of_field(field: Field, origin: &Origin, why: impl Into<String>) -> Self {
        Self::new(origin, origin.name(field), why.into())
    }

    fn new(origin: &Origin, setting: String, why: String) -> Self {
        let (file, line) = match origin {
            Origin::File { path, spot, .. } => (Some(path.clone()), spot.as_ref().map(|spot| spot.line)),
            Origin::Option => (None, None),
        };
        Self { file, line, setting, why }
    }

    /// The place for the order of the messages: options first, then in the order of the file.
    pub(crate) fn place(&self) -> Option<(&Path, usize)> {
        Some((self.file.as_deref()?, self.line.unwrap_or(0)))
    }

    /// A message for the setting alone.
    pub(crate) fn message(&self) -> StepError {
        self.message_of(self.line, &self.setting)
    }

    fn message_of(&self, line: Option<usize>, settings: &str) -> StepError {
        let file = self.file.as_deref().map(Path::display);
        let settings = escape_control(settings);
        let stage = match (file, line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {settings}"),
            (Some(file), None) => format!("{file}: {settings}"),
            (None, _) => settings,
        };
        StepError::new(stage, format!("not honoured here: {}", self.why))
    }

    fn as_json(&self) -> Value {
        let file = self.file.as_ref().map(|file| file.to_string_lossy());
        let directive = self.setting.strip_suffix('=').unwrap_or(&self.setting);
        json!({ "directive": directive, "file": file, "line": self.line, "why": self.why })
    }
}

/// The messages: one for each reason in a file, or with `verbose` one for each setting.
pub(crate) fn messages(all: &[NotHonoured], verbose: bool) -> Vec<StepError> {
    if verbose {
        return all.iter().map(NotHonoured::message).collect();
    }
    let mut groups: Vec<Vec<&NotHonoured>> = Vec::new();
    for one in all {
        let is_kin =
            |group: &&mut Vec<&NotHonoured>| (&group[0].file, &group[0].why) == (&one.file, &one.why);
        match groups.iter_mut().find(is_kin) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let mut messages: Vec<StepError> = groups.iter().map(|group| of_group(group)).collect();
    let last = groups.iter().rposition(|group| group.len() > 1);
    if let Some(last) = last.and_then(|at| messages.get_mut(at)) {
        last.hint = Some("--verbose prints each with its line".to_owned());
    }
    messages
}

fn of_group(group: &[&NotHonoured]) -> StepError {
    let [first, _, ..] = group else { return group[0].message() };
    let mut names: Vec<&str> = Vec::new();
    for one in group {
        if !names.contains(&one.setting.as_str()) {
            names.push(&one.setting);
        }
    }
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let names = names.join(", ");
    let settings = if more > 0 { format!("{names} and {more} more") } else { names };
    first.message_of(None, &settings)
}

/// The JSON: `[{"directive": "After", "file": "/x.service", "line": 3, "why": "..."}]`.
pub(crate) fn as_json(all: &[NotHonoured]) -> Value {
    all.iter().map(NotHonoured::as_json).collect()
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::Spot;

    use super::*;

    fn setting(line: usize, setting: &str, why: &str) -> NotHonoured {
        let spot = Spot { line, column: 1, text: String::new() };
        let origin = Origin::in_file(Path::new("/a.service"), Some(spot));
        NotHonoured::new(&origin, format!("{setting}="), why.to_owned())
    }

    #[test]
    fn settings_with_the_same_reason_share_a_message() {
        let names = ["A", "B", "C", "D", "E", "F", "G", "H"];
        let mut all: Vec<_> =
            names.iter().zip(4..).map(|(name, line)| setting(line, name, "sandbox")).collect();
        all.insert(0, setting(2, "After", "order"));
        all.push(setting(20, "A", "sandbox"));
        let lines = |verbose| messages(&all, verbose).iter().map(StepError::to_string).collect::<Vec<_>>();
        assert_eq!(
            lines(false),
            [
                "/a.service:2: After=: not honoured here: order",
                "/a.service: A=, B=, C=, D=, E=, F= and 2 more: not honoured here: sandbox\n  \
                 hint: --verbose prints each with its line",
            ]
        );
        assert_eq!(lines(true).len(), 10);
        assert_eq!(
            as_json(&all)[0],
            json!({ "directive": "After", "file": "/a.service", "line": 2, "why": "order" })
        );
    }
}
