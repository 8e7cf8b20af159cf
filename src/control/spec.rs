//! The spec by which a service is stopped and reloaded.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use svcadapt_spec::{Field, Origin, ServiceSpec, SpecDraft};

use crate::registry;
use crate::registry::Record;

/// The mode in which this machine has no other manager for the service.
const CLASSIC: &str = "classic";

/// The stored spec of a service. `None` if no valid one is stored, or the caller may not read it.
pub(super) fn of(lock: &Path) -> Option<ServiceSpec> {
    registry::stored_spec::read(lock).ok().flatten()?.draft.finish().ok()
}

/// The stored spec of a daemon with which no process stays: what it says about a stop and a reload is done here. `None`
/// for a service of a manager, which does it, and if no spec is stored.
pub(super) fn of_unattended(lock: &Path, record: &Record) -> Option<ServiceSpec> {
    // Without the right to read it, the caller may not signal the service either.
    let stored = registry::stored_spec::read(lock).ok().flatten()?;
    (stored.mode == CLASSIC && record.monitor.is_none()).then(|| stored.draft.finish().ok())?
}

/// What the record says about a stop: a signal and a timeout.
pub(super) fn of_record(record: &Record) -> io::Result<ServiceSpec> {
    let mut draft = SpecDraft::new();
    // It is not started.
    draft.command(vec![OsString::from("/bin/true")]);
    if let Some(signal) = &record.stop_signal {
        draft.assign(Field::KillSignal, signal, Origin::Option);
    }
    let timeout = record.stop_timeout.map_or("infinity".to_owned(), |micros| format!("{micros}us"));
    draft.assign(Field::TimeoutStopSec, timeout, Origin::Option);
    draft.finish().map_err(|_| io::Error::other("its record has no valid stop signal"))
}
