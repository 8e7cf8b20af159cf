//! The keys of a property list that a spec has fields for, by launchd's rules.

use std::ffi::OsString;

use svcadapt_spec::{Command, FIELDS, Field, Resource, Restart, ServiceName, ValueError};

use super::read::JobReader;
use super::tree::{Integer, Node, Value};
use super::umask::umask;
use super::{exit_timeout, keys, sockets};
use crate::adapter::{Unwrapped, unwrap_adapter};
use crate::divide::{needs_staying_adapter, resource_key};

/// The warning for a job that launchd starts on demand. It applies only to `run`; a written file keeps the demand.
pub const ON_DEMAND_ONLY: &str = "launchd starts this job on demand only; svcadapt starts it at once";

/// No limit on macOS (`RLIM_INFINITY`, getrlimit(2)); larger numbers mean no limit too.
const NO_LIMIT: i128 = i64::MAX as i128;

impl JobReader<'_> {
    /// Assigns the collected keys to fields of the spec. `root` is the offset of the job's dictionary.
    pub(super) fn fields(&mut self, root: Option<usize>) {
        self.name(root);
        if let Some((offset, text)) = self.text(keys::SERVICE_DESCRIPTION) {
            self.assign(Field::Description, text, offset);
        }
        self.identity();
        self.umask();
        for (key, field) in
            [(keys::WORKING_DIRECTORY, Field::WorkingDirectory), (keys::ROOT_DIRECTORY, Field::RootDirectory)]
        {
            if let Some((offset, path)) = self.text(key) {
                self.assign(field, path, offset);
            }
        }
        for (key, field, kind) in [
            (keys::STANDARD_IN_PATH, Field::StandardInput, "file:"),
            (keys::STANDARD_OUT_PATH, Field::StandardOutput, "append:"),
            (keys::STANDARD_ERROR_PATH, Field::StandardError, "append:"),
        ] {
            if let Some((offset, path)) = self.text(key) {
                if !path.starts_with('/') {
                    let cause = format!("{key} must be an absolute path, not '{}'", path.escape_debug());
                    self.problem(offset, ValueError::hinted(cause, "a path starts with '/'"));
                    continue;
                }
                let value = if path == "/dev/null" { "null".to_owned() } else { kind.to_owned() + &path };
                self.assign(field, value, offset);
            }
        }
        self.limits();
        self.numbers();
        let searched = self.environment();
        let has_addresses = self.program(searched);
        self.sockets(has_addresses);
        self.exit_time_out();
        self.start(root);
    }

    /// The label is the name of the service too, unless it has characters that a name cannot have.
    fn name(&mut self, root: Option<usize>) {
        match self.text(keys::LABEL) {
            Some((offset, label)) => {
                match ServiceName::parse(label.as_ref()) {
                    Ok(_) => self.assign(Field::Name, label.clone(), offset),
                    Err(error) => {
                        let cause = format!("the label is not a valid name of a service: {}", error.cause);
                        self.warn(offset, ValueError::hinted(cause, "set a name with --name NAME"));
                    }
                }
                self.label(label);
            }
            None => self.warn(root, "Label is missing; launchd rejects the job"),
        }
    }

    fn identity(&mut self) {
        let user = self.text(keys::USER_NAME);
        let group = self.text(keys::GROUP_NAME);
        let named = user.is_some();
        for (value, field) in [(user, Field::User), (group, Field::Group)] {
            let Some((offset, name)) = value else { continue };
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
                let cause = format!("launchd looks '{name}' up as a name; svcadapt uses it as a numeric ID");
                self.warn(offset, cause);
            }
            self.assign(field, name, offset);
        }
        if let Some((offset, false)) = self.truth(keys::INIT_GROUPS)
            && named
        {
            let node = Node { offset, value: Value::Boolean(false) };
            self.keep(keys::INIT_GROUPS, &node);
        }
    }

    fn umask(&mut self) {
        let Some(node) = self.take(keys::UMASK) else { return };
        match umask(&node.value) {
            Ok(mask) => {
                if let Some(doubt) = mask.doubt {
                    self.warn(node.offset, doubt);
                }
                self.assign(Field::Umask, mask.octal, node.offset);
            }
            Err(error) => self.problem(node.offset, error),
        }
    }

    fn numbers(&mut self) {
        if let Some((offset, level)) = self.number(keys::NICE) {
            match level {
                -20..=19 => self.assign(Field::Nice, level.to_string(), offset),
                20 => {
                    self.warn(offset, "svcadapt uses the nice level 19, the largest on this host");
                    self.assign(Field::Nice, "19", offset);
                }
                _ => self.problem(offset, "a nice level is between -20 and 20; launchd ignores others"),
            }
        }
    }

    /// `ExitTimeOut`, unless the adapter's options set the timeout.
    fn exit_time_out(&mut self) {
        let Some((offset, seconds)) = self.number(keys::EXIT_TIME_OUT) else { return };
        let draft = self.draft();
        let set = FIELDS.iter().map(|row| row.field).filter(|field| draft.last(*field).is_some());
        let stays = set.into_iter().any(needs_staying_adapter);
        let is_set = draft.last(Field::TimeoutStopSec).is_some();
        match seconds {
            _ if is_set || stays && exit_timeout::is_adapter_default(seconds) => {}
            0 => self.assign(Field::TimeoutStopSec, "infinity", offset),
            1.. => self.assign(Field::TimeoutStopSec, seconds.to_string(), offset),
            _ => self.problem(offset, "a time must not be negative"),
        }
    }

    fn limits(&mut self) {
        let soft = self.take(keys::SOFT_RESOURCE_LIMITS);
        let hard = self.take(keys::HARD_RESOURCE_LIMITS);
        for resource in Resource::ALL {
            let values = resource_key(resource).map(|key| {
                let of = |limits: &Option<Node>| limits.as_ref().and_then(|limits| limit(limits, key));
                (key, of(&soft), of(&hard))
            });
            let Some((key, soft, hard)) = values else { continue };
            let Some((offset, _)) = soft.or(hard) else { continue };
            if soft.is_none() || hard.is_none() {
                let (this, other) = if soft.is_some() { ("soft", "hard") } else { ("hard", "soft") };
                self.warn(offset, format!("the {this} limit {key} is also used as the {other} limit"));
            }
            let mut numbers = [soft, hard].into_iter().flatten().map(|(_, number)| number);
            if numbers.any(|number| number < 0) {
                self.problem(offset, format!("the limit {key} must not be negative"));
                continue;
            }
            let text = |limit: Option<(Option<usize>, i128)>| match limit {
                Some((_, NO_LIMIT..)) => "infinity".to_owned(),
                Some((_, number)) => number.to_string(),
                None => String::new(),
            };
            let value = format!("{}:{}", text(soft.or(hard)), text(hard.or(soft)));
            self.assign(Field::Limit(resource), value, offset);
        }
    }

    /// Assigns the variables. Returns whether the job sets `PATH`.
    fn environment(&mut self) -> bool {
        let Some(Node { value: Value::Dictionary(entries), .. }) = self.take(keys::ENVIRONMENT_VARIABLES)
        else {
            return false;
        };
        let path = entries.iter().any(|entry| entry.key == "PATH");
        for entry in entries {
            match entry.node.value {
                Value::String(value) => {
                    self.assign(Field::Environment, format!("{}={value}", entry.key), entry.node.offset);
                }
                other => {
                    let cause = format!("the variable '{}' is {}", entry.key.escape_debug(), other.kind());
                    let hint = "launchd silently ignores it, and so does svcadapt";
                    self.warn(entry.node.offset, ValueError::hinted(cause, hint));
                }
            }
        }
        path
    }

    /// Assigns the command: `Program` is the file to execute and `ProgramArguments` are `argv`; without `Program` the
    /// first argument is executed.
    ///
    /// Returns whether the job starts svcadapt with the addresses to listen on.
    fn program(&mut self, searched: bool) -> bool {
        let program = self.text(keys::PROGRAM);
        let (offset, words) = match self.take(keys::PROGRAM_ARGUMENTS) {
            Some(Node { value: Value::Array(nodes), offset }) => (offset, nodes),
            _ => (None, Vec::new()),
        };
        let mut words: Vec<OsString> = words.into_iter().filter_map(word).collect();
        let offset = program.as_ref().map_or(offset, |(offset, _)| *offset);
        let mut argv0 = None;
        if let Some((_, program)) = program {
            if !program.starts_with('/') {
                self.problem(offset, "Program must be an absolute path");
                return false;
            }
            match words.first_mut() {
                Some(name) => {
                    let name = std::mem::replace(name, program.into());
                    argv0 = Some(name).filter(|name| *name != words[0]);
                }
                None => words.push(program.into()),
            }
        }
        if words.is_empty() {
            return false;
        }
        let mut has_addresses = false;
        if searched && !words[0].as_encoded_bytes().contains(&b'/') {
            self.warn(offset, "launchd searches for the program in its own PATH, not in the PATH of the job");
        }
        let words = match unwrap_adapter(&words) {
            Unwrapped::Plain => {
                if let Some(name) = argv0 {
                    self.assign_as(keys::PROGRAM_ARGUMENTS, Field::Argv0, name, offset);
                }
                words
            }
            Unwrapped::Adapted { values, words } => {
                for (field, value) in values {
                    has_addresses |= sockets::listens(field);
                    self.assign_as(keys::PROGRAM_ARGUMENTS, field, value, offset);
                }
                words
            }
            Unwrapped::Opaque(cause) => {
                self.warn(offset, cause);
                words
            }
        };
        match Command::new(words.clone()) {
            Ok(_) => self.command(words),
            Err(error) => self.problem(offset, error),
        }
        has_addresses
    }

    /// `RunAtLoad`. A job without it waits for a demand, which svcadapt does not support.
    fn start(&mut self, root: Option<usize>) {
        let run_at_load = self.truth(keys::RUN_AT_LOAD);
        let kept_alive = self.restart();
        let offset = run_at_load.map_or(root, |(offset, _)| offset);
        let off = Node { offset, value: Value::Boolean(false) };
        match run_at_load {
            Some((_, true)) => {}
            // KeepAlive starts it anyway.
            Some((_, false)) if kept_alive => self.keep_with_field(keys::RUN_AT_LOAD, &off),
            None if kept_alive => {}
            // The first client starts it here, too.
            None if self.has_inetd() => {}
            _ => {
                self.warn(offset, ON_DEMAND_ONLY);
                self.keep(keys::RUN_AT_LOAD, &off);
            }
        }
    }

    /// `KeepAlive` and `ThrottleInterval`; launchd's default interval between two starts is ten seconds.
    /// Returns whether the job is kept alive, which also starts it at once.
    fn restart(&mut self) -> bool {
        let throttle = self.take(keys::THROTTLE_INTERVAL);
        let keep_alive = self.keep_alive().map(|node| (node.restart(), node));
        let Some((restart, node)) = keep_alive.filter(|(restart, _)| *restart != Some(Restart::No)) else {
            // There is no restart, but the interval also limits starts on demand.
            if let Some(node) = throttle {
                self.keep(keys::THROTTLE_INTERVAL, &node);
            }
            return false;
        };
        let Some(restart) = restart else {
            self.keep(keys::KEEP_ALIVE, &node);
            if let Some(throttle) = throttle {
                self.keep(keys::THROTTLE_INTERVAL, &throttle);
            }
            return node.starts_at_once();
        };
        self.assign(Field::Restart, restart.to_string(), node.offset);
        self.keep_with_field(keys::KEEP_ALIVE, &node);
        match throttle {
            Some(Node { offset, value: Value::Integer(Integer { number, .. }) }) => {
                self.throttle(keys::THROTTLE_INTERVAL, offset, number);
            }
            // launchd's default.
            _ => self.throttle(keys::KEEP_ALIVE, node.offset, 10),
        }
        true
    }

    /// The value of `KeepAlive`, or of its predecessor `OnDemand` with the opposite meaning (launchd.plist(5)).
    fn keep_alive(&mut self) -> Option<Node> {
        let keep_alive = self.take(keys::KEEP_ALIVE);
        match (self.truth(keys::ON_DEMAND), &keep_alive) {
            (Some((offset, _)), Some(_)) => {
                self.warn(offset, "OnDemand is ignored, because KeepAlive is set");
            }
            (Some((offset, false)), None) => return Some(Node { offset, value: Value::Boolean(true) }),
            (Some((_, true)) | None, _) => {}
        }
        keep_alive
    }

    fn throttle(&mut self, key: &str, offset: Option<usize>, seconds: i128) {
        if seconds < 0 {
            self.problem(offset, "a time must not be negative");
        } else {
            self.assign_as(key, Field::RestartSec, seconds.to_string(), offset);
        }
    }
}

fn word(node: Node) -> Option<OsString> {
    match node.value {
        Value::String(text) => Some(text.into()),
        _ => None,
    }
}

/// The limit of a key in a dictionary of limits, with its place.
fn limit(limits: &Node, key: &str) -> Option<(Option<usize>, i128)> {
    let Value::Dictionary(entries) = &limits.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == key)?;
    match entry.node.value {
        Value::Integer(Integer { number, .. }) => Some((entry.node.offset, number)),
        _ => None,
    }
}
