//! Loads a property list.

use std::path::Path;

use svcadapt_spec::{NativeValue, Origin, SpecError};

use super::loaded::{LoadError, Loaded, Remark, Source};
use super::read::{ReadFile, text_of};
use super::script::{blanked, is_script};
use crate::divide::{Subject, reason_without_launchd};
use crate::plist;
use crate::plist::{ON_DEMAND_ONLY, OriginalJob, UnmappedKey};

/// Loads the job.
pub(super) fn load(path: &Path, read: ReadFile) -> Result<Loaded, Vec<LoadError>> {
    let bytes = text_of(path, read).map_err(|error| vec![error])?;
    let is_script = is_script(&bytes);
    let bytes = blanked(bytes);
    let reading = plist::read(&bytes, path)
        .map_err(|errors| errors.into_iter().map(LoadError::from).collect::<Vec<_>>())?;
    let place = |unmapped: &UnmappedKey| (Subject::Key(unmapped.key.clone()), unmapped.origin.clone());
    let places = reading.unmapped.iter().map(place).collect();
    let is_on = |unmapped: &UnmappedKey| !unmapped.value.as_ref().is_some_and(is_off);
    let unsupported = reading.unmapped.into_iter().filter(is_on).map(|unmapped| SpecError {
        field: None,
        error: match &unmapped.value {
            Some(value) => reason_without_launchd(&unmapped.key, value).into_owned().into(),
            None => "only launchd has this setting".into(),
        },
        value: Some(unmapped.key),
        origin: Some(unmapped.origin),
    });
    // Only `run` starts an on-demand job at once; a generated file keeps the start on demand.
    let is_on_demand = |problem: &SpecError| problem.error.cause == ON_DEMAND_ONLY;
    let (on_demand, warnings): (Vec<_>, Vec<_>) = reading.warnings.into_iter().partition(is_on_demand);
    let unsupported = in_order(unsupported.chain(on_demand).collect());
    Ok(Loaded {
        draft: reading.draft,
        warnings: in_order(warnings),
        unsupported: unsupported.into_iter().map(Remark::Key).collect(),
        places,
        // launchd reads no script, so that one is written anew.
        source: OriginalJob::new(path, bytes).filter(|_| !is_script).map(Source::Plist),
        ..Loaded::default()
    })
}

/// Whether the key is `false`, and so has no effect.
pub(super) fn is_off(value: &NativeValue) -> bool {
    *value == NativeValue::Boolean(false)
}

/// The errors in the order of their places in the file.
fn in_order(mut errors: Vec<SpecError>) -> Vec<SpecError> {
    errors.sort_by_key(|error| match &error.origin {
        Some(Origin::File { spot: Some(spot), .. }) => Some((spot.line, spot.column)),
        _ => None,
    });
    errors
}
