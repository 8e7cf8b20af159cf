//! Writes a service as a property list.

use std::ffi::OsStr;
use std::path::Path;

use plist::{Dictionary, Value};
use svcadapt_spec::{
    Field, Input, Limit, LimitValue, NativeValue as Native, Output, Resource, Restart, ServiceSpec, Timespan,
    values,
};

use super::write_sockets::sockets;
use super::xml_text::text;
use super::{Label, exit_timeout, keys};
use crate::divide::{Division, Place, command, never_written, resource_key, starts_at_load};
use crate::{QuoteError, Rendered, WriteError};

/// No limit on macOS (`RLIM_INFINITY`, getrlimit(2)).
const NO_LIMIT: u64 = i64::MAX as u64;

/// launchd's default, which is written to make it visible.
const THROTTLE_INTERVAL: u64 = 10;

/// Writes the property list of a `LaunchDaemon`, or of an agent if `division` is for a user. The job starts with the
/// system or the session, and again by `Restart=`. Native keys are kept.
///
/// Strings may have any length: a launchd that truncates strings at 4095 bytes is older than any macOS that Rust
/// programs run on. `adapter` is the path of svcadapt on the host; it is used only if the adapter has a part.
///
/// # Errors
/// Every value that a property list cannot represent.
pub fn write(
    spec: &ServiceSpec,
    division: &Division,
    label: &Label,
    adapter: &Path,
) -> Result<Rendered, Vec<WriteError>> {
    let root = job(spec, division, label, adapter)?;
    let mut text = Vec::new();
    let failed =
        |cause: String| vec![QuoteError::new(0, cause).in_value(Place::Adapter, adapter.as_os_str())];
    Value::Dictionary(root).to_writer_xml(&mut text).map_err(|error| failed(error.to_string()))?;
    let mut text = String::from_utf8(text).map_err(|error| failed(error.to_string()))?;
    text.push('\n');
    Ok(Rendered { text, losses: division.losses.clone() })
}

/// The keys and values of the property list.
pub(super) fn job(
    spec: &ServiceSpec,
    division: &Division,
    label: &Label,
    adapter: &Path,
) -> Result<Dictionary, Vec<WriteError>> {
    let mut job = JobWriter { spec, root: Dictionary::new(), errors: Vec::new() };
    job.root.insert(keys::LABEL.into(), label.as_str().into());
    job.root.insert(keys::RUN_AT_LOAD.into(), starts_at_load(spec).into());
    let stays = division.adapter_stays();
    // If the spec comes from a unit, systemd's default applies.
    let unit = spec.native.systemd.is_some() && !stays;
    let timeout = spec.timeout_stop.or(unit.then_some(exit_timeout::SYSTEMD_DEFAULT));
    let seconds = exit_timeout::exit_timeout(timeout, stays);
    job.root.insert(keys::EXIT_TIME_OUT.into(), seconds.into());
    job.command(division, adapter);
    for &field in &division.host {
        job.field(field);
    }
    job.errors.extend(sockets(spec, &mut job.root));
    job.native();
    job.root.sort_keys();
    if job.errors.is_empty() { Ok(job.root) } else { Err(job.errors) }
}

struct JobWriter<'a> {
    spec: &'a ServiceSpec,
    root: Dictionary,
    errors: Vec<WriteError>,
}

impl JobWriter<'_> {
    fn command(&mut self, division: &Division, adapter: &Path) {
        let mut words = Vec::new();
        for word in command(self.spec, division, adapter) {
            words.push(Value::String(self.text(word.place, &word.text)));
        }
        if let Some(name) = self.spec.argv0.as_ref().filter(|_| division.host.contains(&Field::Argv0)) {
            let name = Value::String(self.text(Place::Field(Field::Argv0), name));
            if let Some(program) = words.first_mut().map(|first| std::mem::replace(first, name)) {
                self.root.insert(keys::PROGRAM.into(), program);
            }
        }
        self.root.insert(keys::PROGRAM_ARGUMENTS.into(), words.into());
    }

    fn field(&mut self, field: Field) {
        let spec = self.spec;
        match field {
            Field::User => {
                self.string(field, keys::USER_NAME);
                self.root.insert(keys::INIT_GROUPS.into(), true.into());
            }
            Field::Group => self.string(field, keys::GROUP_NAME),
            Field::WorkingDirectory => self.string(field, keys::WORKING_DIRECTORY),
            // Every launchd accepts a decimal integer, but not a string.
            Field::Umask => self.number(keys::UMASK, spec.umask.map(|mode| i64::from(mode.bits()))),
            Field::Nice => self.number(keys::NICE, spec.nice.map(i64::from)),
            Field::Environment => self.environment(),
            Field::StandardInput => {
                if let Some(Input::File(file)) = &spec.standard_input {
                    self.path(field, keys::STANDARD_IN_PATH, file.as_path());
                }
            }
            Field::StandardOutput => {
                self.output(field, keys::STANDARD_OUT_PATH, spec.standard_output.as_ref());
            }
            Field::StandardError => {
                self.output(field, keys::STANDARD_ERROR_PATH, spec.standard_error.as_ref());
            }
            Field::Limit(resource) => {
                if let Some(&limit) = spec.limits.get(&resource) {
                    self.limit(resource, limit);
                }
            }
            // PreventCore comes after all limits in the order of fields, so it overrides the limit of core dumps.
            Field::PreventCore => {
                self.limit(Resource::Core, Limit { soft: LimitValue::At(0), hard: LimitValue::At(0) });
            }
            Field::Restart => self.restart(),
            Field::IoSchedulingClass => {
                self.root.insert("LowPriorityIO".into(), true.into());
            }
            Field::KillMode => {
                self.root.insert("AbandonProcessGroup".into(), true.into());
            }
            // Always written, or launchd's default. The label is the name.
            _ => (),
        }
    }

    fn environment(&mut self) {
        let mut variables = Dictionary::new();
        for set in &self.spec.environment.assignments {
            // Checked together with the name, so that an error shows which variable it is.
            let whole = [OsStr::new(set.name.as_str()), &set.value].join(OsStr::new("="));
            self.text(Place::Field(Field::Environment), &whole);
            let value = set.value.to_string_lossy().into_owned();
            variables.insert(set.name.as_str().to_owned(), value.into());
        }
        variables.sort_keys();
        self.root.insert(keys::ENVIRONMENT_VARIABLES.into(), variables.into());
    }

    /// An output file. `/dev/null` is launchd's default.
    fn output(&mut self, field: Field, key: &str, output: Option<&Output>) {
        if let Some(Output::File(_, file)) = output {
            self.path(field, key, file.as_path());
        }
    }

    fn limit(&mut self, resource: Resource, limit: Limit) {
        let Some(key) = resource_key(resource) else { return };
        for (kind, limit) in
            [(keys::SOFT_RESOURCE_LIMITS, limit.soft), (keys::HARD_RESOURCE_LIMITS, limit.hard)]
        {
            let number = match limit {
                LimitValue::Infinity => NO_LIMIT,
                LimitValue::At(number) => number,
            };
            if number > NO_LIMIT {
                let error = QuoteError::new(0, "the largest limit on macOS is 9223372036854775807");
                let error =
                    error.in_value(Place::Field(Field::Limit(resource)), OsStr::new(&number.to_string()));
                // The soft and the hard limit may be one number.
                if self.errors.last() != Some(&error) {
                    self.errors.push(error);
                }
            }
            if !self.root.contains_key(kind) {
                self.root.insert(kind.to_owned(), Dictionary::new().into());
            }
            if let Some(limits) = self.root.get_mut(kind).and_then(Value::as_dictionary_mut) {
                limits.insert(key.into(), number.into());
                limits.sort_keys();
            }
        }
    }

    /// Writes the conditions of a restart, and the interval.
    fn restart(&mut self) {
        let when = |key: &str, truth: bool| -> Value {
            [(key.to_owned(), Value::Boolean(truth))].into_iter().collect::<Dictionary>().into()
        };
        let keep_alive = match self.spec.restart {
            Some(Restart::Always) => true.into(),
            Some(Restart::OnFailure) => when("SuccessfulExit", false),
            Some(Restart::OnSuccess) => when("SuccessfulExit", true),
            Some(Restart::OnAbnormal | Restart::OnAbort) => when("Crashed", true),
            None | Some(Restart::No | Restart::OnWatchdog) => return,
        };
        self.root.insert(keys::KEEP_ALIVE.into(), keep_alive);
        self.throttle();
    }

    fn throttle(&mut self) {
        let seconds = match self.spec.restart_delay {
            Some(Timespan::Finite(span)) => exit_timeout::whole_seconds(span).max(1),
            Some(Timespan::Infinity) | None => THROTTLE_INTERVAL,
        };
        self.root.insert(keys::THROTTLE_INTERVAL.into(), seconds.into());
    }

    /// Writes the native keys, and keys that approximate directives of a unit.
    fn native(&mut self) {
        let native = &self.spec.native;
        let native_keys = native.launchd.iter().filter(|(key, _)| never_written(key).is_none());
        for (key, value) in native_keys {
            let value = self.value(key, value);
            self.root.insert(key.clone(), value);
        }
        // launchd's default, unless the file sets the interval.
        if native.key(keys::KEEP_ALIVE).is_some() && !self.root.contains_key(keys::THROTTLE_INTERVAL) {
            self.throttle();
        }
    }

    fn value(&mut self, key: &str, value: &Native) -> Value {
        match value {
            Native::Boolean(truth) => (*truth).into(),
            Native::Integer(number) => (*number).into(),
            Native::String(text) => self.own_text(key, text).into(),
            Native::Array(values) => {
                values.iter().map(|value| self.value(key, value)).collect::<Vec<_>>().into()
            }
            Native::Dict(entries) => {
                // launchd does not implement it any more.
                let entries = entries.iter().filter(|(name, _)| name != "NetworkState");
                let pairs = entries.map(|(name, value)| (self.own_text(key, name), self.value(key, value)));
                pairs.collect::<Dictionary>().into()
            }
        }
    }

    /// The text of a native key.
    fn own_text(&mut self, key: &str, value: &str) -> String {
        match text(value.as_ref()) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let place = Place::Key(
                    keys::ROWS.iter().map(|row| row.name).find(|name| *name == key).unwrap_or("key"),
                );
                self.errors.push(error.in_value(place, value.as_ref()));
                String::new()
            }
        }
    }

    fn number(&mut self, key: &str, number: Option<i64>) {
        self.root.extend(number.map(|number| (key.to_owned(), Value::from(number))));
    }

    fn string(&mut self, field: Field, key: &str) {
        for value in values(self.spec, field) {
            let text = self.text(Place::Field(field), &value);
            self.root.insert(key.into(), text.into());
        }
    }

    fn path(&mut self, field: Field, key: &str, path: &Path) {
        let text = self.text(Place::Field(field), path.as_os_str());
        self.root.insert(key.into(), text.into());
    }

    /// The value as text. A value that a property list cannot contain is added to the errors.
    fn text(&mut self, place: Place, value: &OsStr) -> String {
        match text(value) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                self.errors.push(error.in_value(place, value));
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use svcadapt_spec::{Origin, Scope, SpecDraft};

    use super::*;
    use crate::divide::{Target, divide};

    fn plist(words: &[&str], values: &[(Field, &str)]) -> Result<String, Vec<WriteError>> {
        let mut draft = SpecDraft::new();
        draft.command(words.iter().map(Into::into).collect());
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        let label = Label::parse(OsStr::new("org.example.web")).unwrap();
        write(
            &spec,
            &divide(&spec, Target::Launchd(Scope::System)),
            &label,
            Path::new("/usr/local/bin/svcadapt"),
        )
        .map(|rendered| rendered.text)
    }

    fn read(text: &str) -> Dictionary {
        Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap()
    }

    #[test]
    fn minimal_property_list_is_written_exactly() {
        assert_eq!(
            plist(&["/bin/web", "a&<b>"], &[]).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\">\n<dict>\n\
             \t<key>ExitTimeOut</key>\n\t<integer>30</integer>\n\
             \t<key>Label</key>\n\t<string>org.example.web</string>\n\
             \t<key>ProgramArguments</key>\n\t<array>\n\
             \t\t<string>/bin/web</string>\n\t\t<string>a&amp;&lt;b&gt;</string>\n\t</array>\n\
             \t<key>RunAtLoad</key>\n\t<true/>\n\
             </dict>\n</plist>\n"
        );
    }

    #[test]
    fn umask_is_written_as_decimal_integer() {
        assert_eq!(read(&plist(&["/x"], &[(Field::Umask, "027")]).unwrap())["Umask"], Value::from(23));
    }

    #[test]
    fn limits_are_written_as_soft_and_hard_dictionaries() {
        let values = [
            (Field::Limit(Resource::Core), "5M"),
            (Field::Limit(Resource::Data), "1:infinity"),
            (Field::PreventCore, "yes"),
        ];
        let job = read(&plist(&["/x"], &values).unwrap());
        let limit = |kind: &str, name: &str| job[kind].as_dictionary().unwrap()[name].as_unsigned_integer();
        assert_eq!(limit("SoftResourceLimits", "Core"), Some(0));
        assert_eq!(limit("SoftResourceLimits", "Data"), Some(1));
        assert_eq!(limit("HardResourceLimits", "Data"), Some(9_223_372_036_854_775_807));
    }

    #[test]
    fn field_without_launchd_key_is_an_option_of_the_adapter() {
        let values = [(Field::User, "www"), (Field::Umask, "077"), (Field::PidFile, "/var/run/x.pid")];
        let job = read(&plist(&["/bin/web", "--ready"], &values).unwrap());
        let words: Vec<_> =
            job["ProgramArguments"].as_array().unwrap().iter().filter_map(Value::as_string).collect();
        assert_eq!(
            words.join(" "),
            "/usr/local/bin/svcadapt run --mode launchd --user www --pid-file /var/run/x.pid -- /bin/web --ready"
        );
        assert!(!job.contains_key("UserName") && job.contains_key("Umask"));
    }

    #[test]
    fn characters_that_xml_cannot_contain_are_refused() {
        for (letter, legal) in [
            ("\t", true),
            ("\n", true),
            ("\u{7f}", true),
            ("\u{85}", true),
            ("\u{fdd0}", true),
            ("\u{1ffff}", true),
            ("\u{1}", false),
            ("\r", false),
            ("\u{1f}", false),
            ("\u{fffe}", false),
            ("\u{ffff}", false),
        ] {
            let word = format!("a {letter} ");
            match plist(&["/x", &word], &[]) {
                Ok(text) => {
                    let job = read(&text);
                    assert_eq!(
                        job["ProgramArguments"].as_array().unwrap()[1].as_string(),
                        Some(word.as_str())
                    );
                    assert!(legal, "{letter:?}");
                }
                Err(errors) => {
                    assert_eq!((errors[0].place, errors[0].offset), (Place::Argument(1), 2));
                    assert!(!legal, "{letter:?}");
                }
            }
        }
        let bytes = std::ffi::OsString::from_vec(b"ab\xff".to_vec());
        assert_eq!(text(&bytes).unwrap_err().offset, 2);
        let both = std::ffi::OsString::from_vec(b"a\x01\xff".to_vec());
        assert_eq!(text(&both).unwrap_err().offset, 1);
    }
}
