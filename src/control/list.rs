//! The services of this user, and of root.

use svcadapt_spec::{AbsPath, ServiceName};

use super::{ServiceRef, Status, status};
use crate::registry;

/// The status of every service that has left a record, sorted by name; those without a name are last, by their pid file.
pub fn list() -> Vec<(ServiceRef, Status)> {
    let (places, _) = registry::lock_directories();
    let records = places.into_iter().filter_map(|place| registry::records(&place.path, None).ok()).flatten();
    let mut all: Vec<ServiceRef> = records
        .filter_map(|(lock, record)| match registry::name_of(&lock) {
            Some(name) => ServiceName::parse(name.as_ref()).ok().map(ServiceRef::Name),
            None => AbsPath::parse(record.pid_file?.as_os_str()).ok().map(ServiceRef::PidFile),
        })
        .collect();
    let key = |target: &ServiceRef| (matches!(target, ServiceRef::PidFile(_)), target.to_string());
    all.sort_by_key(key);
    all.dedup();
    all.into_iter()
        .map(|target| {
            let found = status(&target);
            (target, found)
        })
        .collect()
}
