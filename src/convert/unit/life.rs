//! The directives of `[Unit]` about the life of a service: conditions, assertions and the limit of starts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use svcadapt_spec::{ConditionKind, Field};

use super::UnmappedReason;
use super::fields;
use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::specifiers::resolve;
use super::value::check_value;

/// Reads an assignment if it is of these directives; returns whether it is.
pub(super) fn assign(reader: &mut UnitReader, site: &Site, section: &str) -> bool {
    let key = site.line.key.as_str();
    let condition =
        |prefix: &str| key.strip_prefix(prefix).filter(|_| section == "Unit").and_then(ConditionKind::of);
    let (field, prefix) = match (section, key) {
        ("Unit", "StartLimitIntervalSec") | (_, "StartLimitInterval") => (Field::StartLimitIntervalSec, ""),
        ("Unit", "OnFailure" | "OnSuccess") => return units(reader, site),
        (_, "StartLimitBurst") => (Field::StartLimitBurst, ""),
        _ if condition("Condition").is_some() => (Field::Condition, "Condition"),
        _ if condition("Assert").is_some() => (Field::Assert, "Assert"),
        _ => return false,
    };
    match condition(prefix).filter(|_| !prefix.is_empty()) {
        Some(kind) => self::condition(reader, site, field, prefix, kind),
        None => fields::assign(reader, site, field),
    }
    true
}

/// Units that follow. An empty value resets nothing (systemd.unit(5)).
fn units(reader: &mut UnitReader, site: &Site) -> bool {
    let field = if site.line.key == "OnFailure" { Field::OnFailure } else { Field::OnSuccess };
    for word in site.line.value.split_ascii_whitespace() {
        if !reader.has_room(site) {
            break;
        }
        match resolve(word.as_bytes(), reader.name, &site.file.path).map(OsString::from_vec) {
            Ok(value) if check_value(field, &value).is_ok() => {
                let origin = site.origin.clone();
                reader.values.push(UnitValue { field, value, origin, written: String::new() });
            }
            Ok(_) | Err(_) => reader.keep_once(site, UnmappedReason::NoField),
        }
    }
    true
}

/// One condition. An empty value resets the conditions of every kind (systemd.unit(5), "Conditions and Asserts").
fn condition(reader: &mut UnitReader, site: &Site, field: Field, prefix: &str, kind: ConditionKind) {
    let text = site.line.value.as_str();
    if text.is_empty() {
        reader.forget(field);
        reader.unmapped.retain(|kept| kept.section != "Unit" || !kept.directive.starts_with(prefix));
        return;
    }
    let signs = text.len() - text.trim_start_matches(['|', '!', ' ', '\t']).len();
    let signs = sign_count(&text[..signs]);
    let parameter = match resolve(&text.as_bytes()[signs..], reader.name, &site.file.path) {
        Ok(parameter) => OsString::from_vec(parameter),
        Err(error) if error.is_unknown_here() => {
            return reader.keep(site, UnmappedReason::Unusable(error.to_string()));
        }
        Err(error) => {
            reader.warn(site, &error.to_string());
            return reader.keep(site, UnmappedReason::Ignored(error.to_string()));
        }
    };
    let mut value = OsString::from(format!("{}={}", kind.name(), &text[..signs]));
    value.push(parameter);
    match check_value(field, &value) {
        Ok(()) => {
            let origin = site.origin.with_key(format!("{}=", site.line.key));
            reader.values.push(UnitValue { field, value, origin, written: String::new() });
        }
        Err(refusal) => {
            reader.warn(site, &refusal.cause);
            reader.keep(site, UnmappedReason::Ignored(refusal.cause));
        }
    }
}

/// The length of `|` and `!` with the blanks after them: each at most once, in this order.
fn sign_count(text: &str) -> usize {
    let after = |text: &str, sign: char| {
        let rest = text.strip_prefix(sign)?;
        Some(text.len() - rest.trim_start().len())
    };
    let trigger = after(text, '|').unwrap_or(0);
    trigger + after(&text[trigger..], '!').unwrap_or(0)
}
