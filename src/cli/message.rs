//! What the loader found, as messages of the command.

use svcadapt::StepError;
use svcadapt::internal::error_text;
use svcadapt_convert::load::{LoadError, Remark};
use svcadapt_spec::{Origin, SpecError};

/// The message for an error in a spec, with its place and the source line.
pub(crate) fn spec_message(problem: SpecError) -> StepError {
    let SpecError { field, value, origin, error } = problem;
    let mut stage = origin.as_ref().map_or_else(|| "spec".to_owned(), place);
    if let (Some(field), Some(origin)) = (field, &origin) {
        stage = format!("{stage}: {}", origin.name(field));
    }
    let mut message = StepError::new(stage, error.cause);
    (message.object, message.hint) = (value, error.hint);
    match &origin {
        Some(origin) => with_line(message, origin),
        None => message,
    }
}

/// The message for a file that cannot be loaded.
pub(crate) fn load_message(error: LoadError) -> StepError {
    match error {
        LoadError::Unreadable(path, error) => {
            StepError::new("spec", error_text(&error)).of(path.display().to_string())
        }
        LoadError::Invalid(error) => spec_message(error),
    }
}

/// The message for a remark.
pub(crate) fn remark_message(remark: Remark) -> StepError {
    match remark {
        Remark::Line { line, cause } => StepError::new(line.place(), cause),
        Remark::Key(problem) => spec_message(problem),
    }
}

fn place(origin: &Origin) -> String {
    match origin {
        Origin::Option => "options".to_owned(),
        Origin::File { path, spot: None, .. } => path.display().to_string(),
        Origin::File { path, spot: Some(spot), .. } => {
            format!("{}:{}:{}", path.display(), spot.line, spot.column)
        }
    }
}

/// Adds the source line, and a caret below the place.
fn with_line(mut error: StepError, origin: &Origin) -> StepError {
    if let Origin::File { spot: Some(spot), .. } = origin {
        // Strip the prefix of quoted lines.
        let text = spot.to_string();
        error.output = text.lines().filter_map(|line| line.strip_prefix("  | ")).map(str::to_owned).collect();
    }
    error
}
