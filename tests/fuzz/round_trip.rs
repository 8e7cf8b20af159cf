//! `read(write(spec)) == spec`, for each format.
//!
//! A file says some things that a spec may leave open (what it is called; that a unit without `Type=` counts as
//! started when it is executed). So what is read the first time may say more than the spec, in the places that are
//! named here and in no other; and from then on nothing changes any more.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use svcadapt_convert::divide::{Systemd, Target, divide};
use svcadapt_convert::plist::Label;
use svcadapt_convert::unit::{UnitFile, UnitName};
use svcadapt_convert::{MAX_FILE_BYTES, json as model, plist as list, unit as systemd};
use svcadapt_spec::{
    FIELDS, Field, Native, Probe, Resource, Restart, Scope, ServiceName, ServiceSpec, Timespan, values,
};

use super::gists;

const ADAPTER: &str = "/usr/bin/svcadapt";

/// All three, of one spec.
pub(super) fn everywhere(spec: &ServiceSpec) -> String {
    [json(spec), unit(spec), plist(spec)].join("|")
}

pub(super) fn json(spec: &ServiceSpec) -> String {
    let text = model::write(spec);
    if text.len() > MAX_FILE_BYTES {
        return "large".to_owned();
    }
    let read = model::read(text.as_bytes(), Path::new("/x.json")).and_then(svcadapt_spec::SpecDraft::finish);
    // It has a list for each kind of socket.
    let mut expected = spec.clone();
    expected.sockets.listen.sort_by_key(|socket| socket.kind);
    assert_eq!(read, Ok(expected), "{text}");
    "json".to_owned()
}

pub(super) fn unit(spec: &ServiceSpec) -> String {
    if let Some(word) = unlike_others(spec) {
        return word.to_owned();
    }
    let division = divide(spec, Target::Systemd(Systemd::default()));
    let written = |spec: &ServiceSpec| {
        systemd::write(spec, &divide(spec, Target::Systemd(Systemd::default())), Path::new(ADAPTER))
            .map(|unit| unit.text)
    };
    let text = match written(spec) {
        Ok(text) if text.len() > MAX_FILE_BYTES => return "large".to_owned(),
        Ok(text) => text,
        Err(refused) => return gists(refused.iter().map(|refused| &refused.reason)),
    };
    if let Err(refused) = systemd::write_socket(spec, &division) {
        return gists(refused.iter().map(|refused| &refused.reason));
    }
    let read = read_unit(&text, spec);
    let again = written(&read).unwrap_or_else(|refused| panic!("{}\n{text}", refused[0]));
    assert_eq!(read_unit(&again, &read), read, "{again}");
    // Of a list that is partly kept, what is wholly understood comes first from now on.
    if spec.native != Native::default() {
        return "kept".to_owned();
    }
    let mut expected = spec.clone();
    expected.name = expected.name.or_else(name);
    expected.service_type = spec.service_type.or(read.service_type);
    // Where nothing is said of errors they go where the output goes.
    expected.standard_error = expected.standard_error.or_else(|| read.standard_error.clone());
    // Saying twice that the program notifies says it once.
    if expected.ready.iter().all(|probe| *probe == Probe::Notify) {
        expected.ready.truncate(1);
    }
    expected.directories.sort_by_key(|directory| directory.kind);
    // Lines that only systemd understands are kept as they stand.
    assert_eq!(ServiceSpec { native: expected.native.clone(), ..read.clone() }, expected, "{text}");
    format!("unit {:?}", division.adapter)
}

/// The spec of a unit that was written. Unless it has lines that svcadapt only keeps, it is all understood.
fn read_unit(text: &str, of: &ServiceSpec) -> ServiceSpec {
    let stem = of.name.as_ref().map_or("web", ServiceName::as_str);
    let name = UnitName::parse(&format!("{stem}.service")).unwrap();
    let broken = |faults: Vec<svcadapt_spec::SpecError>| -> UnitFile { panic!("{}\n{text}", faults[0]) };
    let file = UnitFile::parse(Path::new("/units/web.service"), text.as_bytes()).unwrap_or_else(broken);
    let mut reading =
        systemd::read(&name, &file, &[]).unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    let division = divide(of, Target::Systemd(Systemd::default()));
    if let Ok(Some(text)) = systemd::write_socket(of, &division) {
        let file = UnitFile::parse(Path::new("/units/web.socket"), text.as_bytes()).unwrap_or_else(broken);
        systemd::read_socket(&name, &file, &[], &mut reading)
            .unwrap_or_else(|faults| panic!("{}\n{text}", faults[0]));
    }
    if of.native == Native::default() {
        assert!(reading.warnings.is_empty(), "{}\n{text}", reading.warnings[0]);
        assert!(reading.not_honoured().is_empty(), "{:?}\n{text}", reading.not_honoured());
    }
    reading.draft.finish().unwrap_or_else(|problems| panic!("{}\n{text}", problems[0]))
}

pub(super) fn plist(spec: &ServiceSpec) -> String {
    // Some of what is said of sockets is so anyway there: tests/it/read_plist knows which.
    if !spec.sockets.listen.is_empty() {
        return "sockets".to_owned();
    }
    if let Some(word) = unlike_others(spec) {
        return word.to_owned();
    }
    let label = Label::parse("web".as_ref()).unwrap();
    // gen-plist calls a service after its label, unless it has another name; then only an adapter hears of that.
    let spec = &ServiceSpec { name: name(), ..spec.clone() };
    let written = |spec: &ServiceSpec| {
        list::write(spec, &divide(spec, Target::Launchd(Scope::System)), &label, Path::new(ADAPTER))
    };
    let first = match written(spec) {
        Ok(rendered) if rendered.text.len() > MAX_FILE_BYTES => return "large".to_owned(),
        Ok(rendered) => rendered,
        Err(refused) => return gists(refused.iter().map(|refused| &refused.reason)),
    };
    let read = read_plist(&first.text, spec);
    let again = written(&read).unwrap_or_else(|refused| panic!("{}\n{}", refused[0], first.text));
    assert_eq!(again.text, first.text);
    if !first.losses.is_empty() {
        return gists(first.losses);
    }
    let mut expected = spec.clone();
    // Two times are always written, for launchd has other defaults.
    expected.timeout_stop = expected.timeout_stop.or(read.timeout_stop);
    expected.restart_delay = expected.restart_delay.or(read.restart_delay);
    // launchd has one variable of a name, and no order.
    let last: BTreeMap<_, _> =
        expected.environment.assignments.into_iter().map(|set| (set.name.clone(), set)).collect();
    expected.environment.assignments = last.into_values().collect();
    assert_eq!(read.command, expected.command, "{}", first.text);
    for field in FIELDS.iter().map(|row| row.field) {
        let (said, found) = (values(&expected, field), values(&read, field));
        // What is never started again is what launchd does where nothing is said.
        let once = matches!(field, Field::Restart | Field::RestartSec)
            && spec.restart.is_none_or(|restart| restart == Restart::No);
        let anyway = found.is_empty() && (is_done_anyway(field) || once);
        // No core dump is a limit of no bytes.
        let limit = field == Field::Limit(Resource::Core) && spec.prevent_core;
        assert!(said == found || anyway || limit, "{field:?}: {said:?}, not {found:?}\n{}", first.text);
    }
    format!("plist {:?}", divide(spec, Target::Launchd(Scope::System)).adapter)
}

/// What launchd does for every job, or most: then the file need not say it.
fn is_done_anyway(field: Field) -> bool {
    matches!(
        field,
        Field::SyslogIdentifier
            | Field::SyslogFacility
            | Field::SyslogLevel
            | Field::SyslogLevelPrefix
            | Field::Type
            | Field::CleanEnvironment
            | Field::PassEnvironment
            | Field::StandardInput
            | Field::StandardOutput
            | Field::StandardError
            | Field::PreventCore
            | Field::KillSignal
            // Without a loss nothing remains, and starts are not counted.
            | Field::RemainAfterExit
            | Field::StartLimitIntervalSec
            // Another key has it.
            | Field::KillMode
            // What is said of these without a loss is that there is none.
            | Field::NoNewPrivileges
            | Field::DynamicUser
            | Field::AmbientCapabilities
            | Field::IgnoreSigpipe
    )
}

fn read_plist(text: &str, of: &ServiceSpec) -> ServiceSpec {
    let reading = list::read(text.as_bytes(), Path::new("/x.plist"))
        .unwrap_or_else(|problems| panic!("{}\n{text}", problems[0]));
    if of.native == Native::default() {
        assert!(reading.unmapped.is_empty(), "{:?}\n{text}", reading.unmapped);
    }
    reading.draft.finish().unwrap_or_else(|problems| panic!("{}\n{text}", problems[0]))
}

/// Specs that cannot come back as they were: a time of zero, which both hosts take for one without an end; and a
/// service that is svcadapt itself, for that is read as the service that it starts.
fn unlike_others(spec: &ServiceSpec) -> Option<&'static str> {
    let zero = Some(Timespan::Finite(Duration::ZERO));
    let program = Path::new(&spec.command.program);
    match program.file_name() {
        Some(name) if name == "svcadapt" => Some("itself"),
        _ => [spec.timeout_start, spec.timeout_stop].contains(&zero).then_some("no time"),
    }
}

fn name() -> Option<ServiceName> {
    ServiceName::parse("web".as_ref()).ok()
}
