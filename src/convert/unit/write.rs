//! Writes a service as a unit.

mod command;
mod install;
mod pid_file;
mod unit_section;
mod x_section;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use svcadapt_spec::{
    Arity, Capabilities, Directive, Field, Input, Native, Output, Resource, ServiceSpec, ServiceType, values,
};

use super::native_values::covered_by_native;
use super::write_socket::belongs_to_socket_unit;
use super::{exec_fields, quote, reload, sandbox};
use crate::divide::{
    Division, Equivalent, NOTIFY_RELOAD, Place, SYSLOG_IS_JOURNAL, Systemd, Target, accepted_value,
    clean_signals_directive, command, is_known, is_resource, loss_on_systemd, section, systemd_equivalent,
};
use crate::harden::Setting;
use crate::{QuoteError, Rendered, WriteError};

/// Writes the `.service` file of a service for the systemd of `division`; [`super::write_socket`] writes the `.socket`.
///
/// Fields that systemd has no directive for are written to `[X-Svcadapt]`, which systemd ignores: one `Name=VALUE` a
/// line, quoted as one word if necessary. So the unit is a complete spec. Native lines keep their section. `adapter` is
/// the path of svcadapt on the host; it is used only if the adapter has a part.
///
/// # Errors
/// Every value that a unit cannot represent.
pub fn write(spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Vec<WriteError>> {
    write_hardened(spec, division, adapter, &[])
}

/// Writes the unit with a sandbox ([`crate::harden::harden`]); otherwise as [`write()`].
pub fn write_hardened(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
    settings: &[Setting],
) -> Result<Rendered, Vec<WriteError>> {
    let mut unit = UnitWriter::new(spec, division);
    unit.all(adapter, settings);
    if unit.errors.is_empty() {
        Ok(Rendered { text: unit.text, losses: division.losses.clone() })
    } else {
        Err(unit.errors)
    }
}

/// Writes a unit as it was read, including native lines that the systemd of `division` does not know.
pub(super) fn write_unchanged(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
) -> Result<String, Vec<WriteError>> {
    let mut unit = UnitWriter { unchanged: true, ..UnitWriter::new(spec, division) };
    unit.all(adapter, &[]);
    if unit.errors.is_empty() { Ok(unit.text) } else { Err(unit.errors) }
}

/// The section that systemd ignores and svcadapt reads.
const X_SECTION: &str = "X-Svcadapt";

/// The first version with the prefix `:` (systemd.service(5), "Special executable prefixes").
const NO_VARIABLES: u16 = 244;

/// The first version with `Type=exec` (systemd.service(5)).
const EXEC: u16 = 240;

struct UnitWriter<'a> {
    spec: &'a ServiceSpec,
    division: &'a Division,
    host: Systemd,
    /// Whether native lines are written even if the host does not know them.
    unchanged: bool,
    text: String,
    errors: Vec<WriteError>,
}

impl<'a> UnitWriter<'a> {
    fn new(spec: &'a ServiceSpec, division: &'a Division) -> Self {
        let host = match division.target {
            Target::Systemd(host) => host,
            _ => Systemd::default(),
        };
        Self { spec, division, host, unchanged: false, text: String::new(), errors: Vec::new() }
    }

    fn all(&mut self, adapter: &Path, settings: &[Setting]) {
        self.about();
        self.section("Service");
        self.readiness();
        self.command(&command(self.spec, self.division, adapter));
        self.reload();
        if !self.was_unit() && self.spec.process.ignore_sigpipe.is_none() {
            // By default systemd ignores SIGPIPE for the program and its children; a classic daemon has SIGPIPE at its
            // default.
            self.put("IgnoreSIGPIPE", "no");
        }
        let fields = self.division.host.iter().copied().filter(|field| section(*field) == "Service");
        // Commands of the spec follow those that are native.
        let (further, fields): (Vec<_>, Vec<_>) = fields.partition(|field| {
            exec_fields::FIELDS.contains(field) && self.spec.native.has_directive(field.directive())
        });
        for field in fields {
            self.field(field);
        }
        if self.division.adapter.contains(&Field::PidFile) {
            // systemd reads the pid file for Type=forking only, but removes it at the stop of a service of any type.
            self.field(Field::PidFile);
        }
        self.native("Service");
        for field in further {
            self.field(field);
        }
        self.equivalents();
        if self.kind() != Some(ServiceType::Oneshot)
            && self.spec.restarts.force.is_empty()
            && self.spec.restarts.prevent.is_empty()
            && let Some((directive, value)) = clean_signals_directive(self.spec)
        {
            self.put(directive, &value);
        }
        self.text.push_str(&sandbox::lines(settings, &mut self.errors));
        self.install();
        self.x_section();
    }

    fn section(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.text.extend([gap, "[", name, "]\n"]);
    }

    fn put(&mut self, directive: &str, value: &str) {
        self.text.extend([directive, "=", value, "\n"]);
    }

    /// Whether the spec comes from a unit: then systemd's defaults apply to unset fields.
    fn was_unit(&self) -> bool {
        self.spec.native.systemd.is_some()
    }

    fn natives(&self, section: &str) -> Vec<Directive> {
        let lines = self.spec.native.systemd.iter().flatten();
        let written = |line: &&Directive| {
            let known = if self.unchanged {
                is_known(line)
            } else {
                loss_on_systemd(&self.spec.native, line, self.host).is_none()
            };
            line.section() == section && !self.replaced(line) && known
        };
        lines.filter(written).cloned().collect()
    }

    /// Whether the adapter replaces a native line: the command, and the readiness if the adapter reports it.
    fn replaced(&self, line: &Directive) -> bool {
        line.section() == "Service"
            && match line.name() {
                Native::COMMAND => self.division.needs_adapter(),
                "Type" => self.division.adapter_watches(),
                "NotifyAccess" => self.division.adapter_notifies(),
                "PIDFile" => self.division.adapter.contains(&Field::PidFile),
                _ => false,
            }
    }

    /// Writes the native lines of a section.
    fn native(&mut self, section: &str) {
        for line in self.natives(section) {
            let value = if self.unchanged { line.value() } else { accepted_value(&line, self.host) };
            self.put(line.name(), value);
        }
    }

    /// The `Type=` of the unit; `None` is systemd's default.
    fn kind(&self) -> Option<ServiceType> {
        let watches = self.division.adapter_watches();
        match self.spec.service_type {
            Some(ServiceType::NotifyReload) if !watches && self.host.version.has(NOTIFY_RELOAD) => {
                Some(ServiceType::NotifyReload)
            }
            _ if watches || self.division.host.contains(&Field::Ready) => Some(ServiceType::Notify),
            None if self.was_unit() => None,
            None | Some(ServiceType::Exec) if !self.host.version.has(EXEC) => Some(ServiceType::Simple),
            None => Some(ServiceType::Exec),
            other => other,
        }
    }

    /// Writes `Type=` and `NotifyAccess=`.
    fn readiness(&mut self) {
        let kind = self.kind();
        if self.natives("Service").iter().all(|line| line.name() != "Type")
            && let Some(kind) = kind
        {
            self.put("Type", &kind.to_string());
        }
        let is_set = self.natives("Service").iter().any(|line| line.name() == "NotifyAccess");
        let notifies = kind.is_some_and(ServiceType::notifies) || self.division.adapter_notifies();
        if notifies && !is_set {
            // The adapter reports readiness from a short-lived process that is not the main process, and a control
            // process reports the begin of a reload.
            let senders = if self.division.adapter_notifies() {
                Some("all")
            } else if kind != self.spec.service_type
                && self.spec.service_type == Some(ServiceType::NotifyReload)
            {
                Some("exec")
            } else {
                (!self.was_unit()).then_some("main")
            };
            if let Some(senders) = senders {
                self.put("NotifyAccess", senders);
            }
        }
    }

    /// Writes `ExecReload=`.
    fn reload(&mut self) {
        if self.kind() == Some(ServiceType::NotifyReload) || !self.spec.commands.reload.is_empty() {
            return;
        }
        if self.natives("Service").iter().all(|line| line.name() != "ExecReload") {
            for command in reload::commands(self.spec) {
                self.put("ExecReload", &command);
            }
        }
    }

    /// Writes the directives that approximate keys of a property list.
    fn equivalents(&mut self) {
        for (key, value) in &self.spec.native.launchd {
            if let Some(Equivalent { setting: Some((directive, value)), .. }) = systemd_equivalent(key, value)
                && (directive != "KillMode" || self.spec.kill.mode.is_none())
                && (directive != "IOSchedulingClass" || self.spec.scheduling.io_class.is_none())
            {
                self.put(directive, value);
            }
        }
    }

    /// Writes the directives of a field, one for each value.
    fn field(&mut self, field: Field) {
        let spec = self.spec;
        let is_native = section(field) == "Service" && self.spec.native.has_directive(field.directive());
        if field.arity() == Arity::One && is_native {
            return;
        }
        if let Some(log) = self.log(field) {
            return self.put(field.directive(), &log);
        }
        let quote = match field {
            // The name is the file's; the next two were written first; the environment is always clean; the command
            // line has argv[0] and the variables.
            Field::Name
            | Field::Type
            | Field::Ready
            | Field::CleanEnvironment
            | Field::ExpandVariables
            | Field::Argv0
            | Field::ExecPrefix => return,
            Field::RemovePidFile => return self.removed_pid_file(),
            Field::Condition => return self.conditions(field, &spec.conditions),
            Field::Assert => return self.conditions(field, &spec.assertions),
            _ if belongs_to_socket_unit(field) => return,
            Field::Limit(Resource::Core) if spec.prevent_core => return,
            Field::PreventCore => return self.put(Field::Limit(Resource::Core).directive(), "1:1"),
            // Other types reload by ExecReload=.
            Field::ReloadSignal if self.kind() != Some(ServiceType::NotifyReload) => return,
            // "~" also has the capabilities that systemd knows and svcadapt does not.
            Field::CapabilityBoundingSet if spec.capability_bounding_set == Some(Capabilities::ALL) => {
                return self.put(field.directive(), "~");
            }
            Field::CapabilityBoundingSet if spec.capability_bounding_set == Some(Capabilities::EMPTY) => {
                return self.put(field.directive(), "");
            }
            Field::AmbientCapabilities if spec.ambient_capabilities == Some(Capabilities::EMPTY) => {
                return self.put(field.directive(), "");
            }
            Field::StandardInput if spec.standard_input == Some(Input::Inherit) => {
                return self.put(field.directive(), "null");
            }
            // systemd's default. Its "inherit" would duplicate standard input.
            Field::StandardOutput if is_inherited(spec.standard_output.as_ref()) => {
                return self.put(field.directive(), "journal");
            }
            Field::StandardError if is_inherited(spec.standard_error.as_ref()) => {
                return self.put(field.directive(), "journal");
            }
            Field::ExecCondition
            | Field::ExecStartPre
            | Field::ExecStart
            | Field::ExecStartPost
            | Field::ExecReload
            | Field::ExecStop
            | Field::ExecStopPost => quote::exec_command,
            Field::Limit(Resource::Nice) => quote::nice_limit,
            Field::SetCredential => quote::credential,
            Field::Environment => quote::environment,
            Field::EnvironmentFile => quote::environment_file,
            Field::SupplementaryGroups => quote::group,
            Field::Directory(_) => quote::directory,
            Field::WorkingDirectory
            | Field::RootDirectory
            | Field::PidFile
            | Field::TtyPath
            | Field::StandardInput
            | Field::StandardOutput
            | Field::StandardError => quote::raw_path,
            // Their percentages are no specifiers (systemd.resource-control(5)).
            _ if is_resource(field) => |value: &OsStr| quote::raw(value).map(|text| text.replace("%%", "%")),
            _ => quote::raw,
        };
        self.lines(field, quote);
    }

    /// The log of an output, by a name that this systemd accepts without a warning.
    fn log(&self, field: Field) -> Option<String> {
        let output = match field {
            Field::StandardOutput => self.spec.standard_output.as_ref(),
            Field::StandardError => self.spec.standard_error.as_ref(),
            _ => return None,
        };
        let Some(Output::Log(log)) = output else { return None };
        let old = self.unchanged || !self.host.version.has(SYSLOG_IS_JOURNAL);
        Some(if old { log.to_string() } else { log.current().to_string() })
    }

    fn lines(&mut self, field: Field, quote: fn(&OsStr) -> Result<String, QuoteError>) {
        let mut covered = covered_by_native(self.spec, field);
        for value in values(self.spec, field) {
            if let Some(times) = covered.get_mut(&value).filter(|times| **times > 0) {
                *times -= 1;
                continue;
            }
            match quote(&value) {
                Ok(text) if field.directive().len() + 1 + text.len() > quote::MAX_LINE_BYTES => {
                    self.errors.push(too_long(Place::Field(field), &value));
                }
                Ok(text) => self.put(field.directive(), &text),
                Err(error) => self.errors.push(error.in_value(Place::Field(field), &value)),
            }
        }
    }
}

fn too_long(place: Place, value: &OsString) -> WriteError {
    QuoteError::new(
        quote::MAX_LINE_BYTES,
        "the line would be longer than the 1048575 bytes that systemd reads",
    )
    .in_value(place, value)
}

/// Whether an output is inherited from the caller.
fn is_inherited(output: Option<&Output>) -> bool {
    matches!(output, Some(Output::Inherit | Output::Descriptor(_)))
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::{Origin, SpecDraft};

    use super::*;
    use crate::divide::{Target, divide};

    fn unit(words: &[&str], values: &[(Field, &str)]) -> Result<Rendered, Vec<WriteError>> {
        let mut draft = SpecDraft::new();
        draft.command(words.iter().map(Into::into).collect());
        for &(field, value) in values {
            draft.assign(field, value, Origin::Option);
        }
        let spec = draft.finish().unwrap();
        write(&spec, &divide(&spec, Target::Systemd(Systemd::default())), Path::new("/usr/bin/svcadapt"))
    }

    #[test]
    fn minimal_unit_is_written_exactly() {
        assert_eq!(
            unit(&["/bin/web", "-p", "100%"], &[]).unwrap().text,
            "[Service]\nType=exec\nExecStart=/bin/web -p \"100%%\"\nIgnoreSIGPIPE=no\n\n\
             [Install]\nWantedBy=multi-user.target\n"
        );
    }

    #[test]
    fn program_with_own_readiness_needs_no_adapter() {
        let text = unit(&["/bin/web"], &[(Field::Ready, "notify")]).unwrap().text;
        assert!(text.contains("Type=notify\nNotifyAccess=main\nExecStart=/bin/web\n"), "{text}");
        assert!(!text.contains("X-Svcadapt"), "{text}");
    }

    #[test]
    fn readiness_probe_is_written_to_the_x_section() {
        let values = [(Field::Description, "Web"), (Field::User, "web"), (Field::Ready, "exec:a\nb")];
        assert_eq!(
            unit(&["/bin/web", "$x"], &values).unwrap().text,
            "[Unit]\nDescription=Web\n\n\
             [Service]\nType=notify\nNotifyAccess=all\n\
             ExecStart=/usr/bin/svcadapt run --mode systemd --ready \"exec:a\\nb\" -- /bin/web \"$$x\"\n\
             IgnoreSIGPIPE=no\nUser=web\n\n\
             [Install]\nWantedBy=multi-user.target\n\n\
             [X-Svcadapt]\nReady=\"exec:a\\nb\"\n"
        );
    }

    #[test]
    fn prevented_core_dump_is_written_as_limit_and_kept_in_the_x_section() {
        let values = [(Field::Limit(Resource::Core), "5M"), (Field::PreventCore, "yes")];
        let text = unit(&["/bin/web"], &values).unwrap().text;
        assert_eq!(text.matches("LimitCORE=").count(), 2);
        assert!(
            text.contains("LimitCORE=1:1\n")
                && text.ends_with("[X-Svcadapt]\nLimitCORE=5242880\nPreventCore=yes\n"),
            "{text}"
        );
    }

    #[test]
    fn all_unwritable_values_are_reported_at_once() {
        let errors = unit(&["/bin/a*", "\u{ffff}"], &[(Field::WorkingDirectory, "/a\rb")]).unwrap_err();
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "program '/bin/a*': byte 6: the path of a program cannot contain a pattern character",
                "argument 1 '\\u{ffff}': byte 0: a unit cannot contain the noncharacter U+FFFF",
                "--working-directory '/a\\rb': byte 2: a value cannot contain a line break",
            ]
        );
    }

    #[test]
    fn line_longer_than_systemd_reads_is_refused() {
        let long = "x".repeat(131_071);
        let words: Vec<&str> =
            std::iter::once("/bin/x").chain(std::iter::repeat_n(long.as_str(), 8)).collect();
        assert_eq!(unit(&words, &[]).unwrap_err().len(), 1);
        assert!(unit(&words[..8], &[]).is_ok());
    }
}
