//! JSON as a spec.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Error, Value};
use svcadapt_spec::{
    Arity, Command, FIELDS, Field, FieldKind as Kind, Native, ServiceSpec, SpecDraft, SpecError, ValueError,
};

use super::key::{BYTES, COMMAND, SCHEMA};
use super::malformed::malformed;
use super::object::{Members, offset};
use super::{key, native};
use crate::LARGEST;
use crate::directive::nearest_of;
use crate::divide::keep_alive;
use crate::lines::Lines;
use crate::unit::contradictions;

/// Reads the model; `path` is what the file is called in messages. Every key has to be known, and of its kind.
pub fn read(bytes: &[u8], path: &Path) -> Result<SpecDraft, Vec<SpecError>> {
    let cut = &bytes[..bytes.len().min(LARGEST + 1)];
    let mut reader = Reader {
        lines: Lines::new(path, cut),
        text: "",
        draft: SpecDraft::new(),
        native: Native::default(),
        systemd: None,
        launchd: None,
        problems: Vec::new(),
    };
    match std::str::from_utf8(bytes) {
        _ if bytes.len() > LARGEST => reader.problem(None, "larger than 1 MiB"),
        Err(error) => reader.problem(Some(error.valid_up_to()), "it is not UTF-8"),
        Ok(text) => {
            reader.text = text;
            match serde_json::from_str::<Members<'_>>(text) {
                Ok(members) => reader.members(members),
                Err(error) => reader.malformed(&error),
            }
        }
    }
    reader.draft.native(std::mem::take(&mut reader.native));
    reader.contradictions();
    if reader.problems.is_empty() { Ok(reader.draft) } else { Err(reader.problems) }
}

struct Reader<'a> {
    lines: Lines<'a>,
    text: &'a str,
    draft: SpecDraft,
    native: Native,
    /// Where the words of systemd stand.
    systemd: Option<usize>,
    /// Where those of launchd do.
    launchd: Option<usize>,
    problems: Vec<SpecError>,
}

impl<'a> Reader<'a> {
    fn members(&mut self, Members(members): Members<'a>) {
        let mut seen = BTreeSet::new();
        for (name, raw) in members {
            match key::field(&name) {
                _ if !seen.insert(name.clone()) => {
                    self.about(raw, format!("the key '{}' is there twice", name.escape_debug()));
                }
                Some(field) if field.arity() == Arity::Many => self.many(&name, field, raw),
                Some(field) => match value(field.kind(), raw) {
                    Ok(value) => self.assign(&name, field, value, raw),
                    Err(refusal) => self.about(raw, named(&name, refusal)),
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

    /// What is said twice, in our words and in systemd's, must be the same: who reads the file looks at one of them.
    fn contradictions(&mut self) {
        if self.systemd.is_none() && self.launchd.is_none() {
            return;
        }
        let Ok(spec) = self.draft.clone().finish_native() else { return };
        let mut all = Vec::new();
        if self.systemd.is_some() {
            all.extend(contradictions(&spec).into_iter().map(|name| (self.systemd, format!("{name}="))));
        }
        let kept_alive = spec.native.key("KeepAlive").and_then(keep_alive);
        if kept_alive.is_some() && spec.restart.is_some() && kept_alive != spec.restart {
            all.push((self.launchd, "KeepAlive".to_owned()));
        }
        if let Some(systemd) = self.systemd
            && hears_nothing(&spec)
        {
            let cause = "systemd refuses a unit with sockets that has no address to listen on";
            self.problem(Some(systemd), ValueError::hinted(cause, "listen_stream and its kin say one"));
        }
        for (at, name) in all {
            let cause = format!("{name} says something else than the key of its own does");
            self.problem(at, ValueError::hinted(cause, "say it once"));
        }
    }

    /// An empty list is said, too: it is the empty set.
    fn many(&mut self, name: &str, field: Field, raw: &'a RawValue) {
        let elements = match elements(raw) {
            Ok(elements) => elements,
            Err(refusal) => return self.about(raw, named(name, refusal)),
        };
        if elements.is_empty() {
            self.assign(name, field, OsString::new(), raw);
        }
        for raw in elements {
            match value(field.kind(), raw) {
                // To the model it would mean: forget those before.
                Ok(value) if value.is_empty() => {
                    self.about(raw, named(name, "an empty element says nothing".into()));
                }
                Ok(value) => self.assign(name, field, value, raw),
                Err(refusal) => self.about(raw, named(name, refusal)),
            }
        }
    }

    fn command(&mut self, raw: &'a RawValue) {
        let words = elements(raw).map_err(|refusal| {
            ValueError::hinted(refusal.cause, "the program and each argument: [\"/bin/program\", \"-x\"]")
        });
        let words = words.and_then(|words| words.into_iter().map(|word| value(Kind::Bytes, word)).collect());
        let checked = words.and_then(|words: Vec<_>| Command::new(words.clone()).map(|_| words));
        match checked {
            Ok(words) => self.draft.command(words),
            Err(refusal) => self.about(raw, named(COMMAND, refusal)),
        }
    }

    fn native(
        &mut self,
        name: &str,
        raw: &'a RawValue,
        put: impl FnOnce(&mut Native, &Value) -> Result<(), ValueError>,
    ) {
        let read =
            serde_json::from_str(raw.get()).map_err(|_| ValueError::from("too deep, or no text in Unicode"));
        if let Err(refusal) = read.and_then(|value: Value| put(&mut self.native, &value)) {
            self.about(raw, named(name, refusal));
        }
    }

    fn assign(&mut self, name: &str, field: Field, value: OsString, raw: &RawValue) {
        let origin = self.lines.origin_of(Some(name), Some(offset(self.text, raw)));
        self.draft.assign(field, value, origin);
    }

    fn about(&mut self, raw: &RawValue, refusal: impl Into<ValueError>) {
        self.problem(Some(offset(self.text, raw)), refusal);
    }

    fn malformed(&mut self, error: &Error) {
        let offset = self.lines.offset(error.line(), error.column());
        self.problem(offset, malformed(self.text, offset, error));
    }

    fn problem(&mut self, offset: Option<usize>, refusal: impl Into<ValueError>) {
        let origin = Some(self.lines.origin(offset));
        self.problems.push(SpecError { field: None, value: None, origin, refusal: refusal.into() });
    }
}

/// Whether there is a unit with sockets and none in it.
fn hears_nothing(spec: &ServiceSpec) -> bool {
    let lines = || spec.native.systemd.iter().flatten();
    let all = || lines().filter(|line| line.section().starts_with(Native::SOCKET_UNIT_PREFIX));
    let none = spec.sockets.listen.is_empty() && !all().any(|line| line.name().starts_with("Listen"));
    none && all().next().is_some()
}

fn named(name: &str, refusal: ValueError) -> ValueError {
    ValueError { cause: format!("{name}: {}", refusal.cause), ..refusal }
}

fn unknown(name: &str) -> ValueError {
    let meant = FIELDS.iter().find(|row| row.option == name || row.directive.eq_ignore_ascii_case(name));
    let near = || {
        let option = name.replace('_', "-");
        let options = FIELDS.iter().map(|row| row.option).chain([COMMAND, native::SYSTEMD, native::LAUNCHD]);
        nearest_of(options, &option).map(|option| option.replace('-', "_"))
    };
    let hint = match meant.map(|row| key(row.field)).or_else(near) {
        Some(meant) => format!("'{meant}' is one"),
        None => "svcadapt show --schema tells them all".to_owned(),
    };
    ValueError::hinted(format!("'{}' is no key of a service", name.escape_debug()), hint)
}

fn elements(raw: &RawValue) -> Result<Vec<&RawValue>, ValueError> {
    serde_json::from_str(raw.get()).map_err(|_| "an array has to stand here".into())
}

/// The value as an option would have it.
fn value(kind: Kind, raw: &RawValue) -> Result<OsString, ValueError> {
    let value: Value =
        serde_json::from_str(raw.get()).map_err(|_| ValueError::from("too deep, or no text in Unicode"))?;
    match (kind, &value) {
        (Kind::Boolean, Value::Bool(truth)) => Ok((if *truth { "yes" } else { "no" }).into()),
        (Kind::Boolean | Kind::Integer(..), Value::String(_)) => Err(wanted(kind)),
        (Kind::Integer(..), Value::Number(number)) if number.is_i64() => Ok(number.to_string().into()),
        (Kind::Limit | Kind::Time, Value::Number(number)) if number.is_u64() => Ok(number.to_string().into()),
        (_, Value::String(text)) => Ok(text.into()),
        (Kind::Bytes, Value::Object(_)) => bytes(raw).ok_or_else(|| wanted(kind)),
        _ => Err(wanted(kind)),
    }
}

fn wanted(kind: Kind) -> ValueError {
    match kind {
        Kind::Boolean => "true or false has to stand here".into(),
        Kind::Integer(..) => "a whole number has to stand here".into(),
        Kind::Octal(_) => ValueError::hinted(
            "a string of octal digits has to stand here",
            "JSON has no octal numbers: write \"0027\"",
        ),
        Kind::Limit => "a whole number or a string has to stand here".into(),
        Kind::Time => "a whole number of seconds or a string has to stand here".into(),
        Kind::Type | Kind::Restart | Kind::String => "a string has to stand here".into(),
        Kind::Bytes => ValueError::hinted(
            "a string has to stand here",
            "what is not UTF-8 is written {\"bytes\": \"2fff\"}, in hexadecimal",
        ),
    }
}

/// `{"bytes": "2fff"}`
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
