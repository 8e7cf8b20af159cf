//! `[X-Svcadapt]`: what systemd has no word for, and the adapter in front of the program. The inverse of what `write`
//! says of it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::{Arity, Field, Origin, Resource, literal};

use super::fields::trial;
use super::read::{Given, Reader, Said};
use super::specifiers::resolve;
use super::words::{Syntax, split};
use super::{CommandLine, Reason, reload};
use crate::adapter::{Unwrapped, unwrap_adapter};

/// A value is the rest of its line, or one word in quotes.
pub(super) fn assign(reader: &mut Reader, given: &Given, field: Field) {
    let text = &given.line.value;
    let bytes = if text.starts_with(['"', '\'']) {
        match split(text, Syntax::Command).as_deref() {
            Ok([word]) if !word.strange => word.bytes.clone(),
            _ => {
                reader.warn(given, "what begins with a quote has to be one word in quotes");
                return reader.keep(given, Reason::Unusable("not one word in quotes".into()));
            }
        }
    } else {
        text.as_bytes().to_vec()
    };
    let value = match resolve(&bytes, reader.name, &given.file.path) {
        Ok(value) => OsString::from_vec(value),
        Err(why) => {
            reader.warn(given, &why.to_string());
            return reader.keep(given, Reason::Unusable(why.to_string()));
        }
    };
    if value.is_empty() && field.arity() == Arity::One {
        return reader.own.retain(|value| value.field != field);
    }
    if !value.is_empty()
        && let Err(refusal) = trial(field, &value)
    {
        reader.warn(given, &refusal.cause);
        return reader.keep(given, Reason::Unusable(refusal.cause));
    }
    reader.own.push(Said { field, value, origin: given.origin.clone(), written: String::new() });
}

/// The program behind the adapter's `--`, if this is the adapter and can be taken apart. Where no `[X-Svcadapt]` says
/// what the adapter does, its options do.
pub(super) fn adapted(reader: &mut Reader, command: &CommandLine, origin: &Origin) -> Option<Vec<OsString>> {
    let plain = |word: &OsString| if command.has_variables() { literal(word) } else { Some(word.clone()) };
    // A word with a variable, before or behind the `--`, is nothing that the adapter's own line would have.
    let words = command.argv.iter().map(plain).collect::<Option<Vec<_>>>()?;
    let Unwrapped::Adapted { values, words } = unwrap_adapter(&words) else { return None };
    if reader.own.is_empty() {
        reader.own.extend(values.into_iter().map(|(field, value)| Said {
            field,
            value,
            origin: origin.clone(),
            written: String::new(),
        }));
    }
    Some(words).filter(|words| !words.is_empty())
}

/// Takes away what systemd's own sections say only because systemd cannot be told more exactly.
pub(super) fn settle(reader: &mut Reader, adapted: bool) {
    let said = |field: Field| reader.own.iter().any(|value| value.field == field);
    let (ready, core) = (said(Field::Ready), said(Field::PreventCore));
    if adapted && ready {
        // The adapter notifies, whatever the program does.
        let adapters = |value: &Said| {
            value.field == Field::Ready || value.field == Field::Type && value.value == "notify"
        };
        reader.values.retain(|value| !adapters(value));
    }
    if core {
        let limit = Field::Limit(Resource::Core);
        reader.values.retain(|value| value.field != limit || value.value != "1:1");
    }
    if said(Field::ReloadSignal) || said(Field::Type) {
        // The writer says so where there is no other way to reload.
        reader.kept.retain(|kept| kept.directive != "ExecReload" || !reload::is_generated(&kept.value));
    }
    let own: Vec<&str> = reader.own.iter().map(|value| value.field.directive()).collect();
    let both = |directive: &str| directive.starts_with("Standard") || directive == "PIDFile";
    reader.kept.retain(|kept| {
        kept.section != "Service" || !both(&kept.directive) || !own.contains(&kept.directive.as_str())
    });
    let stream = |field| matches!(field, Field::StandardInput | Field::StandardOutput | Field::StandardError);
    reader.values.retain(|value| !stream(value.field) || !own.contains(&value.field.directive()));
}
