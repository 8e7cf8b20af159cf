//! Facts as JSON, so that the facts of a host can be kept as a file.

use std::fmt;

use serde_json::{Map, Value, json};

use super::facts::{Activation, Ancestor, Facts, Platform, UnitAnswer};

/// The error of a JSON value that is not valid facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsError {
    /// The field that is missing or of the wrong type.
    pub field: &'static str,
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field '{}' is missing or of the wrong type", self.field)
    }
}

impl std::error::Error for FactsError {}

impl Facts {
    /// The facts as a JSON object.
    #[doc(hidden)]
    pub fn to_json(&self) -> Value {
        json!({
            "platform": name_of(PLATFORMS, &self.platform),
            "pid": self.pid,
            "ppid": self.ppid,
            "session": self.session,
            "process_group": self.process_group,
            "uid": self.uid,
            "controlling_terminal": self.controlling_terminal,
            "stdin_terminal": self.stdin_terminal,
            "environment": self.environment,
            "parent": self.parent.as_ref().map(process_to_json),
            "above": self.ancestors.iter().map(process_to_json).collect::<Vec<_>>(),
            "init": self.init,
            "cgroup": self.cgroup,
            "systemd_booted": self.systemd_booted,
            "stderr_is_journal": self.stderr_is_journal,
            "activation": name_of(ACTIVATIONS, &self.activation),
            "manager_answer": self.manager_answer.as_ref().map(answer_to_json),
        })
    }

    /// Reads the output of [`Facts::to_json`]. Unknown fields are ignored.
    ///
    /// # Errors
    ///
    /// The first field that is missing or of the wrong type.
    #[doc(hidden)]
    pub fn from_json(value: &Value) -> Result<Self, FactsError> {
        let field = JsonFields(value);
        Ok(Self {
            platform: field.read("platform", |value| named(PLATFORMS, value))?,
            pid: field.read("pid", number)?,
            ppid: field.read("ppid", number)?,
            session: field.read("session", number)?,
            process_group: field.read("process_group", number)?,
            uid: field.read("uid", number)?,
            controlling_terminal: field.read("controlling_terminal", Value::as_bool)?,
            stdin_terminal: field.read("stdin_terminal", Value::as_bool)?,
            environment: field.read("environment", |value| {
                let text = |(name, value): (&String, &Value)| Some((name.clone(), string(value)?));
                value.as_object()?.iter().map(text).collect()
            })?,
            parent: field.read_optional("parent", process)?,
            ancestors: field.read("above", |value| value.as_array()?.iter().map(process).collect())?,
            init: field.read_optional("init", string)?,
            cgroup: field.read_optional("cgroup", string)?,
            systemd_booted: field.read("systemd_booted", Value::as_bool)?,
            stderr_is_journal: field.read("stderr_is_journal", Value::as_bool)?,
            activation: field.read("activation", |value| named(ACTIVATIONS, value))?,
            manager_answer: field.read_optional("manager_answer", answer)?,
        })
    }
}

const PLATFORMS: &[(&str, Platform)] =
    &[("linux", Platform::Linux), ("macos", Platform::MacOs), ("other", Platform::Other)];

const ACTIVATIONS: &[(&str, Activation)] = &[
    ("not-asked", Activation::NotAsked),
    ("activated", Activation::Activated),
    ("no-such-socket", Activation::NoSuchSocket),
    ("already-activated", Activation::AlreadyActivated),
    ("not-managed", Activation::NotManaged),
    ("unknown", Activation::Unknown),
];

struct JsonFields<'a>(&'a Value);

impl JsonFields<'_> {
    fn read<T>(&self, field: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, FactsError> {
        self.0.get(field).and_then(read).ok_or(FactsError { field })
    }

    /// `null` means `None`; any other value must be valid.
    fn read_optional<T>(
        &self,
        field: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, FactsError> {
        match self.0.get(field) {
            Some(Value::Null) => Ok(None),
            _ => self.read(field, read).map(Some),
        }
    }
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], wanted: &T) -> Option<&'static str> {
    names.iter().find(|(_, value)| value == wanted).map(|&(name, _)| name)
}

fn named<T: Copy>(names: &[(&str, T)], value: &Value) -> Option<T> {
    let wanted = value.as_str()?;
    names.iter().find(|&&(name, _)| name == wanted).map(|&(_, value)| value)
}

fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    T::try_from(value.as_i64()?).ok()
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn process_to_json(process: &Ancestor) -> Value {
    json!({
        "pid": process.pid,
        "process_group": process.process_group,
        "comm": process.comm,
        "command_line": process.command_line,
    })
}

fn process(value: &Value) -> Option<Ancestor> {
    let object: &Map<String, Value> = value.as_object()?;
    let command_line = object.get("command_line")?.as_array()?.iter().map(string).collect::<Option<_>>()?;
    Some(Ancestor {
        pid: number(object.get("pid")?)?,
        process_group: number(object.get("process_group")?)?,
        comm: string(object.get("comm")?)?,
        command_line,
    })
}

fn answer_to_json(answer: &UnitAnswer) -> Value {
    json!({ "type": answer.service_type, "main_pid": answer.main_pid })
}

fn answer(value: &Value) -> Option<UnitAnswer> {
    Some(UnitAnswer { service_type: string(value.get("type")?)?, main_pid: number(value.get("main_pid")?)? })
}
