//! The services of this user, and of root.

use svcadapt_spec::{AbsPath, ServiceName};

use super::{ServiceRef, Status, status};
use crate::registry;

/// The status of every service that has left a record, sorted by name; those without a name are last, by their pid file.
pub fn list() -> Vec<(ServiceRef, Status)> {
    let mut all = recorded();
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

/// The names of these services, without a look at their processes.
pub fn recorded_names() -> Vec<ServiceName> {
    let names = recorded().into_iter().filter_map(|target| match target {
        ServiceRef::Name(name) => Some(name),
        ServiceRef::PidFile(_) => None,
    });
    names.collect()
}

fn recorded() -> Vec<ServiceRef> {
    let (places, _) = registry::lock_directories();
    let records = places.into_iter().filter_map(|place| registry::records(&place.path, None).ok()).flatten();
    records
        .filter_map(|(lock, record)| match registry::name_of(&lock) {
            Some(name) => ServiceName::parse(name.as_ref()).ok().map(ServiceRef::Name),
            None => AbsPath::parse(record.pid_file?.as_os_str()).ok().map(ServiceRef::PidFile),
        })
        .collect()
}
