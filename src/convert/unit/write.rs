//! A service as a unit.

mod command;
mod install;
mod own;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use svcadapt_spec::{
    Arity, Capabilities, Directive, Field, Input, Native, Output, Resource, ServiceSpec, ServiceType, values,
};

use super::covered::covered;
use super::write_socket::{elsewhere, tied};
use super::{quote, reload, sandbox};
use crate::divide::{
    Division, Equivalent, NOTIFY_RELOAD, Place, Systemd, Target, accepted_value, clean_signals_directive,
    command, is_known, loss_on_systemd, restarts_without_limit, systemd_equivalent,
};
use crate::harden::Setting;
use crate::{Rendered, Unfit, WriteError};

/// Writes the `.service` file of a service for the systemd that it was divided for; [`super::write_socket`] the other.
///
/// What systemd has no word for stands in `[X-Svcadapt]`, which systemd does not read: one `Name=VALUE` a line, the
/// value as it stands or, where it cannot, as one word in quotes. So the unit is a complete spec. What only systemd
/// understands stands where it stood. `adapter` is the path of svcadapt on the host; it is written only if something
/// is left for it.
pub fn write(spec: &ServiceSpec, division: &Division, adapter: &Path) -> Result<Rendered, Vec<WriteError>> {
    write_hardened(spec, division, adapter, &[])
}

/// The same, with a sandbox around it ([`crate::harden::harden`]).
pub fn write_hardened(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
    settings: &[Setting],
) -> Result<Rendered, Vec<WriteError>> {
    let mut unit = Unit::new(spec, division);
    unit.all(adapter, settings);
    if unit.refused.is_empty() {
        Ok(Rendered { text: unit.text, losses: division.losses.clone() })
    } else {
        Err(unit.refused)
    }
}

/// The same of a unit as it was read, with the lines, too, that the systemd which it was divided for knows no more.
pub(super) fn write_unchanged(
    spec: &ServiceSpec,
    division: &Division,
    adapter: &Path,
) -> Result<String, Vec<WriteError>> {
    let mut unit = Unit { unchanged: true, ..Unit::new(spec, division) };
    unit.all(adapter, &[]);
    if unit.refused.is_empty() { Ok(unit.text) } else { Err(unit.refused) }
}

/// The section that systemd does not read, and we do.
const OWN: &str = "X-Svcadapt";

/// Since when a `:` before the program keeps its `$` as it is (systemd.service(5), "Special executable prefixes").
const NO_VARIABLES: u16 = 244;

/// Since when systemd waits for the program to be executed (systemd.service(5), `Type=exec`).
const EXEC: u16 = 240;

struct Unit<'a> {
    spec: &'a ServiceSpec,
    division: &'a Division,
    host: Systemd,
    /// Whether what only systemd understands is written whatever the host knows.
    unchanged: bool,
    text: String,
    refused: Vec<WriteError>,
}

impl<'a> Unit<'a> {
    fn new(spec: &'a ServiceSpec, division: &'a Division) -> Self {
        let host = match division.target {
            Target::Systemd(host) => host,
            Target::Launchd(_) | Target::Classic => Systemd::default(),
        };
        Self { spec, division, host, unchanged: false, text: String::new(), refused: Vec::new() }
    }

    fn all(&mut self, adapter: &Path, settings: &[Setting]) {
        self.about();
        self.section("Service");
        self.readiness();
        self.command(&command(self.spec, self.division, adapter));
        self.reload();
        if !self.was_unit() {
            // A classic daemon has SIGPIPE at its default; systemd would have it ignored, for the program's children too.
            self.put("IgnoreSIGPIPE", "no");
        }
        for &field in self.division.host.iter().filter(|field| **field != Field::Description) {
            self.field(field);
        }
        if self.division.adapter.contains(&Field::PidFile) {
            // systemd reads it for Type=forking alone, and removes it when the service stops, whatever its type.
            self.field(Field::PidFile);
        }
        self.native("Service");
        self.instead();
        if self.kind() != Some(ServiceType::Oneshot)
            && let Some((directive, value)) = clean_signals_directive(self.spec)
        {
            self.put(directive, &value);
        }
        self.text.push_str(&sandbox::lines(settings, &mut self.refused));
        self.install();
        self.own();
    }

    fn section(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.text.extend([gap, "[", name, "]\n"]);
    }

    fn put(&mut self, directive: &str, value: &str) {
        self.text.extend([directive, "=", value, "\n"]);
    }

    /// Whether the spec was a unit, so that what it does not say is left to systemd.
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

    /// Where the adapter stands before the program, it is started, and it tells.
    fn replaced(&self, line: &Directive) -> bool {
        line.section() == "Service"
            && match line.name() {
                Native::COMMAND => self.division.needs_adapter(),
                "Type" | "NotifyAccess" => self.division.adapter_watches(),
                "PIDFile" => self.division.adapter.contains(&Field::PidFile),
                _ => false,
            }
    }

    /// What only systemd understands.
    fn native(&mut self, section: &str) {
        for line in self.natives(section) {
            let value = if self.unchanged { line.value() } else { accepted_value(&line, self.host) };
            self.put(line.name(), value);
        }
    }

    fn about(&mut self) {
        let described = self.division.host.contains(&Field::Description);
        let socket = tied(self.spec);
        let patient = restarts_without_limit(self.spec);
        if described || socket.is_some() || patient || !self.natives("Unit").is_empty() {
            self.section("Unit");
            if described {
                self.field(Field::Description);
            }
            if let Some(socket) = &socket {
                self.put("Requires", socket);
            }
            if patient {
                self.put("StartLimitIntervalSec", "0");
            }
            self.native("Unit");
        }
    }

    /// What the unit says that the service is; none is systemd's own default.
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
            said => said,
        }
    }

    /// When the service counts as started.
    fn readiness(&mut self) {
        let kind = self.kind();
        if self.natives("Service").iter().all(|line| line.name() != "Type")
            && let Some(kind) = kind
        {
            self.put("Type", &kind.to_string());
        }
        let said = self.natives("Service").iter().any(|line| line.name() == "NotifyAccess");
        if kind.is_some_and(ServiceType::notifies) && !said {
            // The adapter tells readiness from a short-lived process beside the program, which is the main one; and
            // a reload is begun by a control process.
            let whom = if self.division.adapter_watches() {
                Some("all")
            } else if kind != self.spec.service_type
                && self.spec.service_type == Some(ServiceType::NotifyReload)
            {
                Some("exec")
            } else {
                (!self.was_unit()).then_some("main")
            };
            if let Some(whom) = whom {
                self.put("NotifyAccess", whom);
            }
        }
    }

    /// How it is made to read its configuration again.
    fn reload(&mut self) {
        if self.kind() == Some(ServiceType::NotifyReload) {
            return;
        }
        if self.natives("Service").iter().all(|line| line.name() != "ExecReload") {
            for command in reload::commands(self.spec) {
                self.put("ExecReload", &command);
            }
        }
    }

    /// What is nearly what a property list said.
    fn instead(&mut self) {
        for (key, value) in &self.spec.native.launchd {
            if let Some(Equivalent { setting: Some((directive, value)), .. }) = systemd_equivalent(key, value)
            {
                self.put(directive, value);
            }
        }
    }

    /// One directive, or one for each value.
    fn field(&mut self, field: Field) {
        let spec = self.spec;
        if field.arity() == Arity::One && self.spec.native.has_directive(field.directive()) {
            return;
        }
        let quote = match field {
            // The name is the file's, the next two stand at the top of the section, a clean environment is what every
            // service gets, and the command itself says what it is called by and whether it has variables.
            Field::Name
            | Field::Type
            | Field::Ready
            | Field::CleanEnvironment
            | Field::ExpandVariables
            | Field::Argv0 => return,
            _ if elsewhere(field) => return,
            Field::Limit(Resource::Core) if spec.prevent_core => return,
            Field::PreventCore => return self.put(Field::Limit(Resource::Core).directive(), "1:1"),
            // Before that there is only ExecReload=.
            Field::ReloadSignal if self.kind() != Some(ServiceType::NotifyReload) => return,
            // All that there are, also those that the reader knows and we do not.
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
            // What systemd gives a service of its own accord. Its "inherit" is something else: the input again.
            Field::StandardOutput if is_starters(spec.standard_output.as_ref()) => {
                return self.put(field.directive(), "journal");
            }
            Field::StandardError if is_starters(spec.standard_error.as_ref()) => {
                return self.put(field.directive(), "journal");
            }
            Field::Limit(Resource::Nice) => quote::nice_limit,
            Field::Environment => quote::environment,
            Field::EnvironmentFile => quote::environment_file,
            Field::SupplementaryGroups => quote::group,
            Field::Directory(_) => quote::directory,
            Field::WorkingDirectory
            | Field::RootDirectory
            | Field::PidFile
            | Field::StandardInput
            | Field::StandardOutput
            | Field::StandardError => quote::raw_path,
            _ => quote::raw,
        };
        self.lines(field, quote);
    }

    fn lines(&mut self, field: Field, quote: fn(&OsStr) -> Result<String, Unfit>) {
        let mut covered = covered(self.spec, field);
        for value in values(self.spec, field) {
            if let Some(times) = covered.get_mut(&value).filter(|times| **times > 0) {
                *times -= 1;
                continue;
            }
            match quote(&value) {
                Ok(text) if field.directive().len() + 1 + text.len() > quote::LONGEST_LINE => {
                    self.refused.push(too_long(Place::Field(field), &value));
                }
                Ok(text) => self.put(field.directive(), &text),
                Err(unfit) => self.refused.push(unfit.of(Place::Field(field), &value)),
            }
        }
    }
}

fn too_long(place: Place, value: &OsString) -> WriteError {
    Unfit::at(quote::LONGEST_LINE, "systemd reads no line that is longer than 1048575 bytes").of(place, value)
}

/// Whether an output is what the starter has.
fn is_starters(output: Option<&Output>) -> bool {
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
    fn the_smallest_unit() {
        assert_eq!(
            unit(&["/bin/web", "-p", "100%"], &[]).unwrap().text,
            "[Service]\nType=exec\nExecStart=/bin/web -p \"100%%\"\nIgnoreSIGPIPE=no\n\n\
             [Install]\nWantedBy=multi-user.target\n"
        );
    }

    #[test]
    fn a_program_that_tells_its_own_readiness_is_started_itself() {
        let text = unit(&["/bin/web"], &[(Field::Ready, "notify")]).unwrap().text;
        assert!(text.contains("Type=notify\nNotifyAccess=main\nExecStart=/bin/web\n"), "{text}");
        assert!(!text.contains("X-Svcadapt"), "{text}");
    }

    #[test]
    fn a_probe_is_the_adapters_and_stands_in_its_own_section() {
        let said = [(Field::Description, "Web"), (Field::User, "web"), (Field::Ready, "exec:a\nb")];
        assert_eq!(
            unit(&["/bin/web", "$x"], &said).unwrap().text,
            "[Unit]\nDescription=Web\n\n\
             [Service]\nType=notify\nNotifyAccess=all\n\
             ExecStart=/usr/bin/svcadapt run --mode systemd --ready \"exec:a\\nb\" -- /bin/web \"$$x\"\n\
             IgnoreSIGPIPE=no\nUser=web\n\n\
             [Install]\nWantedBy=multi-user.target\n\n\
             [X-Svcadapt]\nReady=\"exec:a\\nb\"\n"
        );
    }

    #[test]
    fn a_core_dump_that_must_not_be_needs_one_line_and_stays_readable() {
        let said = [(Field::Limit(Resource::Core), "5M"), (Field::PreventCore, "yes")];
        let text = unit(&["/bin/web"], &said).unwrap().text;
        assert_eq!(text.matches("LimitCORE=").count(), 2);
        assert!(
            text.contains("LimitCORE=1:1\n")
                && text.ends_with("[X-Svcadapt]\nLimitCORE=5242880\nPreventCore=yes\n"),
            "{text}"
        );
    }

    #[test]
    fn everything_that_cannot_be_written_is_told_at_once() {
        let refused = unit(&["/bin/a*", "\u{ffff}"], &[(Field::WorkingDirectory, "/a\rb")]).unwrap_err();
        let told: Vec<_> = refused.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "program '/bin/a*': byte 6: a character of patterns cannot stand in the path of a program",
                "argument 1 '\\u{ffff}': byte 0: U+FFFF is no character, and systemd refuses it",
                "--working-directory '/a\\rb': byte 2: a line break ends the line",
            ]
        );
    }

    #[test]
    fn a_line_that_takes_the_unit_with_it_is_refused() {
        let long = "x".repeat(131_071);
        let words: Vec<&str> =
            std::iter::once("/bin/x").chain(std::iter::repeat_n(long.as_str(), 8)).collect();
        assert_eq!(unit(&words, &[]).unwrap_err().len(), 1);
        assert!(unit(&words[..8], &[]).is_ok());
    }
}
