//! Reads JSON into a draft.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Error, Value};
use svcadapt_spec::{
    Arity, Command, FIELDS, Field, FieldKind as JsonKind, Native, ServiceSpec, SpecDraft, SpecError,
    ValueError,
};

use super::key::{BYTES, COMMAND, SCHEMA};
use super::object::{Members, offset};
use super::{key, native};
use crate::MAX_FILE_BYTES;
use crate::directive::nearest_of;
use crate::divide::keep_alive;
use crate::lines::LineIndex;
use crate::unit::contradictions;

/// Reads a spec; `path` is used in messages. An unknown key and a value of a wrong type are errors.
pub fn read(bytes: &[u8], path: &Path) -> Result<SpecDraft, Vec<SpecError>> {
    let cut = &bytes[..bytes.len().min(MAX_FILE_BYTES + 1)];
    let mut reader = JsonReader {
        lines: LineIndex::new(path, cut),
        text: "",
        draft: SpecDraft::new(),
        native: Native::default(),
        systemd: None,
        launchd: None,
        problems: Vec::new(),
    };
    match std::str::from_utf8(bytes) {
        _ if bytes.len() > MAX_FILE_BYTES => reader.problem(None, "larger than 1 MiB"),
        Err(error) => reader.problem(Some(error.valid_up_to()), "not UTF-8"),
        Ok(text) => {
            reader.text = text;
            match serde_json::from_str::<Members<'_>>(text) {
                Ok(members) => reader.members(members),
                Err(error) => reader.syntax_error(&error),
            }
        }
    }
    reader.draft.native(std::mem::take(&mut reader.native));
    reader.contradictions();
    if reader.problems.is_empty() { Ok(reader.draft) } else { Err(reader.problems) }
}

struct JsonReader<'a> {
    lines: LineIndex<'a>,
    text: &'a str,
    draft: SpecDraft,
    native: Native,
    /// The offset of the key `systemd`.
    systemd: Option<usize>,
    /// The offset of the key `launchd`.
    launchd: Option<usize>,
    problems: Vec<SpecError>,
}

impl<'a> JsonReader<'a> {
    fn members(&mut self, Members(members): Members<'a>) {
        let mut seen = BTreeSet::new();
        for (name, raw) in members {
            match key::field(&name) {
                _ if !seen.insert(name.clone()) => {
                    self.about(raw, format!("duplicate key '{}'", name.escape_debug()));
                }
                Some(field) if field.arity() == Arity::Many => self.many(&name, field, raw),
                Some(field) => match value(field.kind(), raw) {
                    Ok(value) => self.assign(&name, field, value, raw),
                    Err(error) => self.about(raw, named(&name, error)),
                },
                None if name == COMMAND => self.command(raw),
                None if name == native::SYSTEMD => {
                    self.systemd = Some(offset(self.text, raw));
                    self.native(&name, raw, |all, value| {
                        all.systemd = Some(native::systemd(value)?);
                        Ok(())
                    });
                }
                None if name == native::LAUNCHD => {
                    self.launchd = Some(offset(self.text, raw));
                    self.native(&name, raw, |all, value| {
                        all.launchd = native::launchd(value)?;
                        Ok(())
                    });
                }
                None if name == SCHEMA => (),
                None => self.about(raw, unknown(&name)),
            }
        }
    }

    /// Checks that native lines do not contradict the fields: each host would use another of the two.
    fn contradictions(&mut self) {
        if self.systemd.is_none() && self.launchd.is_none() {
            return;
        }
        let Ok(spec) = self.draft.clone().finish_native() else { return };
        let mut all = Vec::new();
        if self.systemd.is_some() {
            all.extend(contradictions(&spec).into_iter().map(|name| (self.systemd, format!("{name}="))));
        }
        let keep_alive = spec.native.key("KeepAlive").and_then(keep_alive);
        if keep_alive.is_some() && spec.restart.is_some() && keep_alive != spec.restart {
            all.push((self.launchd, "KeepAlive".to_owned()));
        }
        if let Some(systemd) = self.systemd
            && has_sockets_without_address(&spec)
        {
            let cause = "a socket unit needs an address to listen on; systemd refuses this one";
            self.problem(
                Some(systemd),
                ValueError::hinted(cause, "add listen_stream, listen_datagram or listen_sequential_packet"),
            );
        }
        for (at, name) in all {
            let cause = format!("{name} contradicts the top-level key of the field");
            self.problem(at, ValueError::hinted(cause, "set only one of the two"));
        }
    }

    /// Assigns the elements of an array. An empty array is the empty set.
    fn many(&mut self, name: &str, field: Field, raw: &'a RawValue) {
        let elements = match elements(raw) {
            Ok(elements) => elements,
            Err(error) => return self.about(raw, named(name, error)),
        };
        if elements.is_empty() {
            self.assign(name, field, OsString::new(), raw);
        }
        for raw in elements {
            match value(field.kind(), raw) {
                // In a draft an empty value would reset the elements before it.
                Ok(value) if value.is_empty() => {
                    self.about(raw, named(name, "an element must not be empty".into()));
                }
                Ok(value) => self.assign(name, field, value, raw),
                Err(error) => self.about(raw, named(name, error)),
            }
        }
    }

    fn command(&mut self, raw: &'a RawValue) {
        let words = elements(raw).map_err(|error| {
            ValueError::hinted(
                error.cause,
                "write the program and each argument as an element: [\"/bin/program\", \"-x\"]",
            )
        });
        let words =
            words.and_then(|words| words.into_iter().map(|word| value(JsonKind::Bytes, word)).collect());
        let checked = words.and_then(|words: Vec<_>| Command::new(words.clone()).map(|_| words));
        match checked {
            Ok(words) => self.draft.command(words),
            Err(error) => self.about(raw, named(COMMAND, error)),
        }
    }

    fn native(
        &mut self,
        name: &str,
        raw: &'a RawValue,
        put: impl FnOnce(&mut Native, &Value) -> Result<(), ValueError>,
    ) {
        let read = serde_json::from_str(raw.get())
            .map_err(|_| ValueError::from("nested too deep, or not valid Unicode"));
        if let Err(error) = read.and_then(|value: Value| put(&mut self.native, &value)) {
            self.about(raw, named(name, error));
        }
    }

    fn assign(&mut self, name: &str, field: Field, value: OsString, raw: &RawValue) {
        let origin = self.lines.origin_of(Some(name), Some(offset(self.text, raw)));
        self.draft.assign(field, value, origin);
    }

    fn about(&mut self, raw: &RawValue, error: impl Into<ValueError>) {
        self.problem(Some(offset(self.text, raw)), error);
    }

    fn syntax_error(&mut self, error: &Error) {
        let offset = self.lines.offset(error.line(), error.column());
        self.problem(offset, syntax_error(self.text, offset, error));
    }

    fn problem(&mut self, offset: Option<usize>, error: impl Into<ValueError>) {
        let origin = Some(self.lines.origin(offset));
        self.problems.push(SpecError { field: None, value: None, origin, error: error.into() });
    }
}

/// serde_json's message, with a hint for two frequent mistakes. The place is in the origin, so it is cut off.
fn syntax_error(text: &str, offset: Option<usize>, error: &Error) -> ValueError {
    if text.trim().is_empty() {
        return "the file is empty".into();
    }
    // A message about a wrong type quotes the value, which can be the whole file.
    if error.is_data() {
        return "expected an object: {\"command\": [\"/bin/program\"]}".into();
    }
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let cause = message.strip_suffix(&place).unwrap_or(&message);
    match offset.and_then(|offset| text.as_bytes().get(offset)) {
        Some(b'/' | b'#') => ValueError::hinted(cause, "JSON has no comments"),
        Some(b'\'') => ValueError::hinted(cause, "JSON strings are in double quotes"),
        _ => cause.into(),
    }
}

/// Whether the spec has native lines of a socket unit, but no address.
fn has_sockets_without_address(spec: &ServiceSpec) -> bool {
    let lines = || spec.native.systemd.iter().flatten();
    let all = || lines().filter(|line| line.section().starts_with(Native::SOCKET_UNIT_PREFIX));
    let no_address = spec.sockets.listen.is_empty() && !all().any(|line| line.name().starts_with("Listen"));
    no_address && all().next().is_some()
}

fn named(name: &str, error: ValueError) -> ValueError {
    ValueError { cause: format!("{name}: {}", error.cause), ..error }
}

fn unknown(name: &str) -> ValueError {
    let meant = FIELDS.iter().find(|row| row.option == name || row.directive.eq_ignore_ascii_case(name));
    let near = || {
        let option = name.replace('_', "-");
        let options = FIELDS.iter().map(|row| row.option).chain([COMMAND, native::SYSTEMD, native::LAUNCHD]);
        nearest_of(options, &option).map(|option| option.replace('-', "_"))
    };
    let hint = match meant.map(|row| key(row.field)).or_else(near) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => "svcadapt show --schema lists all keys".to_owned(),
    };
    ValueError::hinted(format!("unknown key '{}'", name.escape_debug()), hint)
}

fn elements(raw: &RawValue) -> Result<Vec<&RawValue>, ValueError> {
    serde_json::from_str(raw.get()).map_err(|_| "expected an array".into())
}

/// The value in the syntax of the option.
fn value(kind: JsonKind, raw: &RawValue) -> Result<OsString, ValueError> {
    let value: Value = serde_json::from_str(raw.get())
        .map_err(|_| ValueError::from("nested too deep, or not valid Unicode"))?;
    match (kind, &value) {
        (JsonKind::Boolean, Value::Bool(truth)) => Ok((if *truth { "yes" } else { "no" }).into()),
        (JsonKind::Boolean | JsonKind::Integer(..), Value::String(_)) => Err(type_error(kind)),
        (JsonKind::Integer(..), Value::Number(number)) if number.is_i64() => Ok(number.to_string().into()),
        (JsonKind::Limit | JsonKind::Time, Value::Number(number)) if number.is_u64() => {
            Ok(number.to_string().into())
        }
        (_, Value::String(text)) => Ok(text.into()),
        (JsonKind::Bytes, Value::Object(_)) => bytes(raw).ok_or_else(|| type_error(kind)),
        _ => Err(type_error(kind)),
    }
}

fn type_error(kind: JsonKind) -> ValueError {
    match kind {
        JsonKind::Boolean => "expected true or false".into(),
        JsonKind::Integer(..) => "expected an integer".into(),
        JsonKind::Octal(_) => ValueError::hinted(
            "expected a string of octal digits",
            "JSON has no octal numbers; write \"0027\"",
        ),
        JsonKind::Limit => "expected an integer or a string".into(),
        JsonKind::Time => "expected an integer (seconds) or a string".into(),
        JsonKind::Type | JsonKind::Restart | JsonKind::Choice(_) | JsonKind::String => {
            "expected a string".into()
        }
        JsonKind::Bytes => ValueError::hinted(
            "expected a string",
            "write a value that is not UTF-8 in hexadecimal: {\"bytes\": \"2fff\"}",
        ),
    }
}

/// The value of `{"bytes": "2fff"}`.
fn bytes(raw: &RawValue) -> Option<OsString> {
    let Members(members) = serde_json::from_str(raw.get()).ok()?;
    let [(name, digits)] = &members[..] else { return None };
    let digits: String = serde_json::from_str(digits.get()).ok().filter(|_| name == BYTES)?;
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    });
    Some(OsString::from_vec(pairs.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (String, Option<String>) {
        let ValueError { cause, hint } =
            read(text.as_bytes(), Path::new("x")).unwrap_err().swap_remove(0).error;
        (cause, hint)
    }

    #[test]
    fn syntax_error_has_no_place_in_its_text() {
        for (text, cause) in [
            (" \n", "the file is empty"),
            ("[1]", "expected an object: {\"command\": [\"/bin/program\"]}"),
            ("{\"a\":1 \"b\":2}", "expected `,` or `}`"),
            ("{\"a\"", "EOF while parsing an object"),
        ] {
            assert_eq!(error(text), (cause.to_owned(), None), "{text}");
        }
    }

    #[test]
    fn comment_and_single_quote_have_a_hint() {
        for (text, hint) in [
            ("// x\n{}", "JSON has no comments"),
            ("{\n# x\n}", "JSON has no comments"),
            ("{'a': 1}", "JSON strings are in double quotes"),
            ("{\"a\": 'b'}", "JSON strings are in double quotes"),
        ] {
            assert_eq!(error(text).1.as_deref(), Some(hint), "{text}");
        }
    }
}
