//! One value of a directive: checked, taken, or kept as it is written.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use svcadapt_spec::{
    Assignment, EnvName, FIELDS, Field, Field as F, FileMode, Origin, Principal, RelPath, SpecDraft,
    ValueError,
};

use super::reader::{UnitReader, UnitValue};
use super::site::Site;
use super::specifiers::resolve;
use super::{Unmapped, UnmappedReason};

/// Checks whether a value is valid for the field.
pub(super) fn check_value(field: Field, value: &OsStr) -> Result<(), ValueError> {
    // In a list each word is one value, even if the option would split it into several.
    match field {
        F::Environment => return Assignment::parse(value).map(drop),
        F::PassEnvironment | F::UnsetEnvironment => return EnvName::parse(value).map(drop),
        F::SupplementaryGroups => return Principal::parse(value).map(drop),
        F::Directory(_) => return RelPath::parse(value).map(drop),
        _ => {}
    }
    let mut draft = SpecDraft::new();
    draft.command(vec!["x".into()]);
    draft.assign(field, value, Origin::Option);
    // A setting of sockets is valid only with a socket.
    if field.needs_socket() {
        draft.assign(F::ListenStream, "1", Origin::Option);
    }
    if field == F::AmbientCapabilities {
        draft.assign(F::CapabilityBoundingSet, "~", Origin::Option);
    }
    match draft.finish() {
        Ok(_) => Ok(()),
        Err(mut problems) => Err(problems.swap_remove(0).error),
    }
}

pub(super) fn put(reader: &mut UnitReader, site: &Site, field: Field, value: OsString) {
    let value = permission_bits(field, value);
    match check_value(field, &value) {
        Ok(()) => reader.values.push(UnitValue {
            field,
            value,
            origin: site.origin.clone(),
            written: if may_be_rejected_later(field) { site.line.value.clone() } else { String::new() },
        }),
        Err(error) if fatal(field, &value) => reader.refuse(site, &error.cause),
        Err(error) if systemd_accepts(field) => {
            reader.warn(site, &error.cause);
            reader.keep_once(site, UnmappedReason::Unusable(error.cause));
        }
        Err(error) => unusable(reader, site, error.cause),
    }
}

/// Whether systemd accepts values that svcadapt rejects.
fn systemd_accepts(field: Field) -> bool {
    matches!(field, F::User | F::Group | F::SupplementaryGroups | F::Description)
}

/// Whether systemd refuses the whole unit for a value that svcadapt rejects. It ignores most invalid values.
fn fatal(field: Field, value: &OsStr) -> bool {
    match field {
        F::RootDirectory | F::WorkingDirectory => true,
        // Other blanks and signs are accepted: directory services have such names (systemd.exec(5)).
        F::User | F::Group | F::SupplementaryGroups => {
            let name = value.as_bytes();
            let digits = name.strip_prefix(b"-").unwrap_or(name).iter().all(u8::is_ascii_digit);
            let sign = name.iter().any(|byte| byte.is_ascii_control() || matches!(byte, b':' | b'/'));
            let blank = name.starts_with(b" ") || name.ends_with(b" ");
            digits || sign || blank || matches!(name, b"." | b"..")
        }
        _ => false,
    }
}

/// Whether a later line can make the value unusable for the draft.
fn may_be_rejected_later(field: Field) -> bool {
    matches!(field, F::PidFile | F::StandardInput | F::StandardOutput | F::StandardError)
}

pub(super) fn unusable(reader: &mut UnitReader, site: &Site, cause: String) {
    reader.warn(site, &cause);
    reader.keep_once(site, UnmappedReason::Ignored(cause));
}

/// The value with only the permission bits of a mode: systemd accepts modes up to 7777 for every field.
pub(super) fn permission_bits(field: Field, value: OsString) -> OsString {
    match FileMode::parse_mode(&value) {
        Ok(mode) if matches!(field, F::Umask | F::SocketMode) && mode != mode.permissions() => {
            mode.permissions().to_string().into()
        }
        _ => value,
    }
}

/// The text with its specifiers replaced. If that is not possible the assignment is kept.
pub(super) fn resolved(reader: &mut UnitReader, site: &Site, text: &[u8]) -> Option<OsString> {
    match resolve(text, reader.name, &site.file.path) {
        Ok(bytes) => Some(OsString::from_vec(bytes)),
        Err(error) => {
            let field = FIELDS.iter().find(|row| row.directive == site.line.key).map(|row| row.field);
            if error.is_unknown_here() {
                reader.keep_once(site, UnmappedReason::Unusable(error.to_string()));
            } else if field.is_some_and(|field| fatal(field, OsStr::new(":"))) {
                reader.refuse(site, &error.to_string());
            } else {
                unusable(reader, site, error.to_string());
            }
            None
        }
    }
}

/// Discards the kept lines of a directive that a later line overrides.
pub(super) fn discard_unmapped(reader: &mut UnitReader, site: &Site) {
    reader.unmapped.retain(|line| line.section != "Service" || line.directive != site.line.key);
}

/// The last value of a field.
pub(super) fn last(reader: &UnitReader, field: Field) -> Option<UnitValue> {
    reader.values.iter().rev().find(|value| value.field == field).cloned()
}

/// Keeps a value as it was written.
pub(super) fn keep(reader: &mut UnitReader, value: UnitValue, section: &str, reason: UnmappedReason) {
    let UnitValue { field, origin, written, .. } = value;
    let (section, directive) = (section.to_owned(), field.directive().to_owned());
    reader.unmapped.push(Unmapped { section, directive, value: written, origin, reason });
}
