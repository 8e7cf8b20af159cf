//! A service directory of s6 (s6-supervise(8), "servicedir"), which is also a source directory of s6-rc.

use svcadapt_spec::{Field, Probe, SignalName};

use super::finish::{Words, finish};
use super::{ScriptFile, Service, runit};
use crate::WriteError;
use crate::divide::{NOTIFICATION_FD, hears_the_adapter, s6_kill_timeout};

/// The files that s6-supervise and s6-rc-compile read.
pub(super) const FILES: &[&str] =
    &["run", "finish", "type", "notification-fd", "timeout-kill", "down-signal"];

const WORDS: Words = Words { by_signal: "256", keep_down: "exit 125", exception: None };

pub(super) fn files(service: &Service<'_>) -> Result<Vec<ScriptFile>, Vec<WriteError>> {
    let spec = service.spec;
    let by_host = |field| service.division.host.contains(&field);
    let path = |file: &str| format!("{}/{file}", service.name);
    let mut files = vec![ScriptFile::program(path("run"), runit::run(service)?)];
    let mut value = |file: &str, value: String| files.push(ScriptFile::value(path(file), &value));
    value("type", "longrun".to_owned());
    let own = || spec.ready.iter().find_map(|probe| if let Probe::Fd(fd) = probe { Some(*fd) } else { None });
    let descriptor = if by_host(Field::Ready) {
        own()
    } else {
        hears_the_adapter(spec, service.division).then(|| spec.notification_fd.unwrap_or(NOTIFICATION_FD))
    };
    if let Some(descriptor) = descriptor {
        value("notification-fd", descriptor.to_string());
    }
    if let Some(limit) = s6_kill_timeout(spec).filter(|_| by_host(Field::TimeoutStopSec)) {
        value("timeout-kill", limit.to_string());
    }
    if let Some(signal) =
        spec.kill_signal.filter(|signal| by_host(Field::KillSignal) && *signal != SignalName::TERM)
    {
        value("down-signal", signal.to_string());
    }
    files.extend(finish(service, &WORDS).map(|text| ScriptFile::program(path("finish"), text.into_bytes())));
    Ok(files)
}
