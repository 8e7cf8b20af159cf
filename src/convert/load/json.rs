//! Loads a JSON file.

use std::path::Path;

use svcadapt_spec::{Directive, Native, NativeValue, Origin, SpecError};

use super::loaded::{LoadError, Loaded, Remark};
use super::plist::is_off;
use super::read::{ReadFile, spec_text};
use crate::divide::{Subject, has_no_effect, keep_alive, reason_without_launchd, reason_without_systemd};
use crate::json;
use crate::unit::{Unmapped, UnmappedReason};

/// Loads the spec. The file has the settings of every host.
pub(super) fn load(path: &Path, read: ReadFile) -> Result<Loaded, Vec<LoadError>> {
    let bytes = spec_text(path, read).map_err(|error| vec![error])?;
    let draft = json::read(&bytes, path)
        .map_err(|errors| errors.into_iter().map(LoadError::from).collect::<Vec<_>>())?;
    let unsupported = native(draft.native_part(), path);
    let places = places(draft.native_part(), path);
    Ok(Loaded { draft, unsupported, places, ..Loaded::default() })
}

/// Remarks about the native lines and keys, worded as those about the host's own files.
fn native(native: &Native, path: &Path) -> Vec<Remark> {
    let line = |line: &Directive| Remark::Line {
        line: Unmapped {
            section: line.section().to_owned(),
            directive: line.name().to_owned(),
            value: line.value().to_owned(),
            origin: Origin::in_file(path, None),
            reason: UnmappedReason::NoField,
        },
        cause: reason_without_systemd(line).into_owned(),
    };
    let key = |key: &String, value: &NativeValue| {
        let error = reason_without_launchd(key, value).into_owned().into();
        let origin = Some(Origin::in_file(path, None));
        Remark::Key(SpecError { field: None, value: Some(key.clone()), origin, error })
    };
    let lines = native.systemd.iter().flatten().filter(|line| !has_no_effect(line)).map(line);
    let keys = native.launchd.iter().filter(|(name, value)| !is_off(value) && !is_restart(name, value));
    lines.chain(keys.map(|(name, value)| key(name, value))).collect()
}

/// Whether the key is expressed by the field `restart` too, which has its own message.
fn is_restart(key: &str, value: &NativeValue) -> bool {
    key == "KeepAlive" && keep_alive(value).is_some()
}

/// The places of the native lines and keys: only the file, without line numbers.
fn places(native: &Native, path: &Path) -> Vec<(Subject, Origin)> {
    let lines = native.systemd.iter().flatten().map(|line| Subject::Directive(line.clone()));
    let keys = native.launchd.iter().map(|(key, _)| Subject::Key(key.clone()));
    lines.chain(keys).map(|subject| (subject, Origin::in_file(path, None))).collect()
}
