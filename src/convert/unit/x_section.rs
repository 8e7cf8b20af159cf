//! Reads `[X-Svcadapt]`, the section for fields that systemd has no directive for, and the options of an adapter in
//! `ExecStart=`. The inverse of `write/x_section.rs`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::{Arity, Field, Origin, Resource, literal};

use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::specifiers::resolve;
use super::value::check_value;
use super::{CommandLine, UnmappedReason, reload};
use crate::adapter::{Unwrapped, unwrap_adapter};
use svcadapt_spec::words::{Syntax, split};

/// Reads one value: the rest of its line, or one word in quotes.
pub(super) fn assign(reader: &mut UnitReader, site: &Site, field: Field) {
    let text = &site.line.value;
    let bytes = if text.starts_with(['"', '\'']) {
        match split(text, Syntax::Command).as_deref() {
            Ok([word]) if !word.invalid_escape => word.bytes.clone(),
            _ => {
                reader.warn(
                    site,
                    "a value that begins with a quote must be one quoted word; svcadapt ignores it",
                );
                return reader.keep(site, UnmappedReason::Unusable("not one quoted word".into()));
            }
        }
    } else {
        text.as_bytes().to_vec()
    };
    let value = match resolve(&bytes, reader.name, &site.file.path) {
        Ok(value) => OsString::from_vec(value),
        Err(error) => {
            reader.warn(site, &error.to_string());
            return reader.keep(site, UnmappedReason::Unusable(error.to_string()));
        }
    };
    if value.is_empty() && field.arity() == Arity::One {
        return reader.own.retain(|value| value.field != field);
    }
    if !value.is_empty()
        && let Err(error) = check_value(field, &value)
    {
        reader.warn(site, &error.cause);
        return reader.keep(site, UnmappedReason::Unusable(error.cause));
    }
    reader.own.push(UnitValue { field, value, origin: site.origin.clone(), written: String::new() });
}

/// The program and its arguments after the `--` of `svcadapt run`; `None` if the command does not start svcadapt, or
/// has options that no spec represents. The options are used if there is no `[X-Svcadapt]`.
pub(super) fn unwrap_command(
    reader: &mut UnitReader,
    command: &CommandLine,
    origin: &Origin,
) -> Option<Vec<OsString>> {
    let plain = |word: &OsString| if command.has_variables() { literal(word) } else { Some(word.clone()) };
    // The writer produces no variables in the line of an adapter.
    let words = command.argv.iter().map(plain).collect::<Option<Vec<_>>>()?;
    let Unwrapped::Adapted { values, words } = unwrap_adapter(&words) else { return None };
    if reader.own.is_empty() {
        reader.own.extend(values.into_iter().map(|(field, value)| UnitValue {
            field,
            value,
            origin: origin.clone(),
            written: String::new(),
        }));
    }
    Some(words).filter(|words| !words.is_empty())
}

/// Removes the lines of systemd's sections that approximate a value of `[X-Svcadapt]`.
pub(super) fn finish(reader: &mut UnitReader, behind_adapter: bool) {
    let is_set = |field: Field| reader.own.iter().any(|value| value.field == field);
    let (ready, core) = (is_set(Field::Ready), is_set(Field::PreventCore));
    if behind_adapter && ready {
        // The adapter sends READY=1; the program need not.
        let adapters = |value: &UnitValue| {
            value.field == Field::Ready || value.field == Field::Type && value.value == "notify"
        };
        reader.values.retain(|value| !adapters(value));
    }
    if core {
        let limit = Field::Limit(Resource::Core);
        reader.values.retain(|value| value.field != limit || value.value != "1:1");
    }
    if is_set(Field::ReloadSignal) || is_set(Field::Type) {
        // The writer generates ExecReload= where systemd has no other way to reload.
        let is_generated = |value: &UnitValue| {
            value.field == Field::ExecReload && value.value.to_str().is_some_and(reload::is_generated)
        };
        reader.values.retain(|value| !is_generated(value));
    }
    let own: Vec<&str> = reader.own.iter().map(|value| value.field.directive()).collect();
    let both = |directive: &str| directive.starts_with("Standard") || directive == "PIDFile";
    reader.unmapped.retain(|line| {
        line.section != "Service" || !both(&line.directive) || !own.contains(&line.directive.as_str())
    });
    if own.contains(&Field::PidFile.directive()) {
        reader.values.retain(|value| value.field != Field::RemovePidFile);
    }
    let stream = |field| matches!(field, Field::StandardInput | Field::StandardOutput | Field::StandardError);
    reader.values.retain(|value| !stream(value.field) || !own.contains(&value.field.directive()));
}
