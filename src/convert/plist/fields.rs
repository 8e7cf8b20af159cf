//! The keys of a property list that a spec has fields for, with launchd's own rules for each.

use std::ffi::OsString;

use svcadapt_spec::{Command, Field, Resource, Restart, ServiceName, ValueError};

use super::read::Job;
use super::tree::{Integer, Node, Value};
use super::umask::umask;
use super::{exit_time_out, keys, sockets};
use crate::adapter::{Unwrapped, unwrap_adapter};
use crate::divide::resource_key;

/// What only a program that is run at once needs to be warned of: a file for another host keeps it.
pub const ON_DEMAND_ONLY: &str = "launchd starts this job on demand only; here it is started at once";

/// What macOS takes for no limit (`RLIM_INFINITY`, getrlimit(2)); what is larger cannot be less of one.
const NO_LIMIT: i128 = i64::MAX as i128;

impl Job<'_> {
    /// Makes values of the spec of what was laid aside; the job itself begins at `root`.
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
                    let cause =
                        format!("{key} takes an absolute path, and '{}' is none", path.escape_debug());
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
        let told = self.program(searched);
        self.sockets(told);
        self.exit_time_out();
        self.start(root);
    }

    /// A label is a name of a service too, unless it has characters that no file of ours can be called by.
    fn name(&mut self, root: Option<usize>) {
        match self.text(keys::LABEL) {
            Some((offset, label)) => {
                match ServiceName::parse(label.as_ref()) {
                    Ok(_) => self.assign(Field::Name, label.clone(), offset),
                    Err(refusal) => {
                        let cause = format!("the label names no service here: {}", refusal.cause);
                        self.warn(offset, ValueError::hinted(cause, "say another name with --name NAME"));
                    }
                }
                self.label(label);
            }
            None => self.warn(root, "there is no Label, and launchd takes no job without"),
        }
    }

    fn identity(&mut self) {
        let user = self.text(keys::USER_NAME);
        let group = self.text(keys::GROUP_NAME);
        let named = user.is_some();
        for (said, field) in [(user, Field::User), (group, Field::Group)] {
            let Some((offset, name)) = said else { continue };
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
                let cause = format!("launchd takes '{name}' for a name, and svcadapt for a number");
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
            Err(refusal) => self.problem(node.offset, refusal),
        }
    }

    fn numbers(&mut self) {
        if let Some((offset, level)) = self.number(keys::NICE) {
            match level {
                -20..=19 => self.assign(Field::Nice, level.to_string(), offset),
                20 => {
                    self.warn(offset, "the last nice level is 19 here");
                    self.assign(Field::Nice, "19", offset);
                }
                _ => self.problem(offset, "a nice level is between -20 and 20; launchd passes over others"),
            }
        }
    }

    /// What an adapter was told itself counts more, and launchd comes after it.
    fn exit_time_out(&mut self) {
        let Some((offset, seconds)) = self.number(keys::EXIT_TIME_OUT) else { return };
        let draft = self.draft();
        let stays = [Field::Type, Field::KillSignal, Field::ReloadSignal]
            .into_iter()
            .any(|field| draft.last(field).is_some());
        let told = draft.last(Field::TimeoutStopSec).is_some();
        match seconds {
            _ if told || stays && exit_time_out::is_unsaid_by_adapter(seconds) => {}
            0 => self.assign(Field::TimeoutStopSec, "infinity", offset),
            1.. => self.assign(Field::TimeoutStopSec, seconds.to_string(), offset),
            _ => self.problem(offset, "a time is not negative"),
        }
    }

    fn limits(&mut self) {
        let soft = self.take(keys::SOFT_RESOURCE_LIMITS);
        let hard = self.take(keys::HARD_RESOURCE_LIMITS);
        for resource in Resource::ALL {
            let said = resource_key(resource).map(|key| {
                let of = |limits: &Option<Node>| limits.as_ref().and_then(|limits| limit(limits, key));
                (key, of(&soft), of(&hard))
            });
            let Some((key, soft, hard)) = said else { continue };
            let Some((offset, _)) = soft.or(hard) else { continue };
            if soft.is_none() || hard.is_none() {
                let (this, other) = if soft.is_some() { ("soft", "hard") } else { ("hard", "soft") };
                self.warn(offset, format!("the {this} limit {key} is taken for the {other} one, too"));
            }
            let mut numbers = [soft, hard].into_iter().flatten().map(|(_, number)| number);
            if numbers.any(|number| number < 0) {
                self.problem(offset, format!("the limit {key} is negative"));
                continue;
            }
            let shown = |said: Option<(Option<usize>, i128)>| match said {
                Some((_, NO_LIMIT..)) => "infinity".to_owned(),
                Some((_, number)) => number.to_string(),
                None => String::new(),
            };
            let value = format!("{}:{}", shown(soft.or(hard)), shown(hard.or(soft)));
            self.assign(Field::Limit(resource), value, offset);
        }
    }

    /// Gives whether the job has a `PATH` of its own.
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
                    let hint = "launchd drops it in silence, and so it is dropped here";
                    self.warn(entry.node.offset, ValueError::hinted(cause, hint));
                }
            }
        }
        path
    }

    /// `Program` is executed and `ProgramArguments` are its words, the first being what it is called by; without
    /// `Program` the first is executed.
    ///
    /// Gives whether svcadapt stands in front of it, and is told where to listen.
    fn program(&mut self, searched: bool) -> bool {
        let program = self.text(keys::PROGRAM);
        let (offset, words) = match self.take(keys::PROGRAM_ARGUMENTS) {
            Some(Node { value: Value::Array(nodes), offset }) => (offset, nodes),
            _ => (None, Vec::new()),
        };
        let mut words: Vec<OsString> = words.into_iter().filter_map(word).collect();
        let offset = program.as_ref().map_or(offset, |(offset, _)| *offset);
        let mut called = None;
        if let Some((_, program)) = program {
            if !program.starts_with('/') {
                self.problem(offset, "Program takes the absolute path of the program");
                return false;
            }
            match words.first_mut() {
                Some(name) => {
                    let name = std::mem::replace(name, program.into());
                    called = Some(name).filter(|name| *name != words[0]);
                }
                None => words.push(program.into()),
            }
        }
        if words.is_empty() {
            return false;
        }
        let mut told = false;
        if searched && !words[0].as_encoded_bytes().contains(&b'/') {
            self.warn(offset, "launchd searches the program in its own path, not in the PATH of the job");
        }
        let words = match unwrap_adapter(&words) {
            Unwrapped::Plain => {
                if let Some(name) = called {
                    self.assign_as(keys::PROGRAM_ARGUMENTS, Field::Argv0, name, offset);
                }
                words
            }
            Unwrapped::Adapted { values, words } => {
                for (field, value) in values {
                    told |= sockets::listens(field);
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
            Err(refusal) => self.problem(offset, refusal),
        }
        told
    }

    /// A job that nothing starts at once waits for a demand, and svcadapt knows none.
    fn start(&mut self, root: Option<usize>) {
        let said = self.truth(keys::RUN_AT_LOAD);
        let kept = self.restart();
        let offset = said.map_or(root, |(offset, _)| offset);
        let off = Node { offset, value: Value::Boolean(false) };
        match said {
            Some((_, true)) => {}
            // KeepAlive starts it all the same.
            Some((_, false)) if kept => self.mean(keys::RUN_AT_LOAD, &off),
            None if kept => {}
            _ => {
                self.warn(offset, ON_DEMAND_ONLY);
                self.keep(keys::RUN_AT_LOAD, &off);
            }
        }
    }

    /// When it is started again, and how soon: launchd keeps ten seconds between two starts unless told otherwise.
    /// Gives whether it is kept alive, which also starts it at once.
    fn restart(&mut self) -> bool {
        let throttle = self.take(keys::THROTTLE_INTERVAL);
        let kept = self.kept_alive().map(|node| (node.restart(), node));
        let Some((restart, node)) = kept.filter(|(restart, _)| *restart != Some(Restart::No)) else {
            // Nobody starts it again; it may still be asked for too often.
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
        self.mean(keys::KEEP_ALIVE, &node);
        match throttle {
            Some(Node { offset, value: Value::Integer(Integer { number, .. }) }) => {
                self.throttle(keys::THROTTLE_INTERVAL, offset, number);
            }
            // launchd's own time, which nobody has written.
            _ => self.throttle(keys::KEEP_ALIVE, node.offset, 10),
        }
        true
    }

    /// What `KeepAlive` says, or before it was there the opposite key (launchd.plist(5), `OnDemand`).
    fn kept_alive(&mut self) -> Option<Node> {
        let kept = self.take(keys::KEEP_ALIVE);
        match (self.truth(keys::ON_DEMAND), &kept) {
            (Some((offset, _)), Some(_)) => {
                self.warn(offset, "KeepAlive has taken its place, and is there too");
            }
            (Some((offset, false)), None) => return Some(Node { offset, value: Value::Boolean(true) }),
            (Some((_, true)) | None, _) => {}
        }
        kept
    }

    fn throttle(&mut self, key: &str, offset: Option<usize>, seconds: i128) {
        if seconds < 0 {
            self.problem(offset, "a time is not negative");
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

/// One limit out of a dictionary of them, with its place.
fn limit(limits: &Node, key: &str) -> Option<(Option<usize>, i128)> {
    let Value::Dictionary(entries) = &limits.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == key)?;
    match entry.node.value {
        Value::Integer(Integer { number, .. }) => Some((entry.node.offset, number)),
        _ => None,
    }
}
