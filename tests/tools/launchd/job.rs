//! A job as described by its property list.

use std::collections::BTreeMap;

use nix::sys::resource::Resource;
use plist::{Dictionary, Value};

use super::keep_alive::KeepAlive;
use super::keys;
use super::keys::Ignored;

/// launchd.plist(5): 10 seconds between two starts.
const THROTTLE_INTERVAL: u64 = 10;

/// launchd.plist(5) does not define the default: it is 5 seconds since macOS 12 (842 had 20).
const EXIT_TIME_OUT: u64 = 5;

/// `PRIO_MIN` to `PRIO_MAX` of macOS (setpriority(2)).
const NICE: std::ops::RangeInclusive<i64> = -20..=20;

/// The umask of the system domain (launchctl(1), `config system umask`).
const UMASK: u32 = 0o022;

/// The names of `SoftResourceLimits` and `HardResourceLimits` in launchd.plist(5).
const LIMITS: [(&str, Resource); 9] = [
    ("Core", Resource::RLIMIT_CORE),
    ("CPU", Resource::RLIMIT_CPU),
    ("Data", Resource::RLIMIT_DATA),
    ("FileSize", Resource::RLIMIT_FSIZE),
    ("MemoryLock", Resource::RLIMIT_MEMLOCK),
    ("NumberOfFiles", Resource::RLIMIT_NOFILE),
    ("NumberOfProcesses", Resource::RLIMIT_NPROC),
    ("ResidentSetSize", Resource::RLIMIT_RSS),
    ("Stack", Resource::RLIMIT_STACK),
];

/// A job as described. Times are in seconds.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) label: String,
    pub(crate) program: Option<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) init_groups: bool,
    pub(crate) umask: u32,
    pub(crate) working_directory: Option<String>,
    pub(crate) root_directory: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) stdin: Option<String>,
    pub(crate) stdout: Option<String>,
    pub(crate) stderr: Option<String>,
    pub(crate) nice: Option<i32>,
    pub(crate) limits: Vec<(Resource, Bound, u64)>,
    pub(crate) run_at_load: bool,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) throttle_interval: u64,
    pub(crate) exit_time_out: u64,
    pub(crate) abandon_process_group: bool,
    pub(crate) sockets: Vec<(String, Vec<Dictionary>)>,
    /// The types of sessions that an agent is for.
    pub(crate) sessions: Vec<String>,
}

/// One of the two values of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Hard,
    Soft,
}

impl Job {
    /// Reads a property list. An error if launchd would not load it; keys that launchd ignores are added to `ignored`.
    pub(crate) fn read(found: Dictionary, ignored: &mut Vec<Ignored>) -> Result<Self, String> {
        let mut keys = Keys { found: keys::sift(found, keys::JOB, "", ignored), ignored };
        // launchd.plist(5): the key is required.
        let label = keys.text("Label").filter(|label| !label.is_empty()).ok_or("there is no Label")?;
        let program = keys.text("Program");
        // launchd.plist(5): an absolute path.
        if program.as_ref().is_some_and(|program| !program.starts_with('/')) {
            return Err("Program is not an absolute path".to_owned());
        }
        let arguments = keys.arguments()?;
        if program.is_none() && arguments.is_empty() {
            return Err("there is neither Program nor ProgramArguments".to_owned());
        }
        let keep_alive = KeepAlive::read(keys.found.remove("KeepAlive"), keys.ignored);
        // Hard limits first, so that a soft one may be as high as the new hard one.
        let mut limits = keys.limits("HardResourceLimits", Bound::Hard);
        limits.extend(keys.limits("SoftResourceLimits", Bound::Soft));
        Ok(Self {
            label,
            program,
            arguments,
            user: keys.text("UserName"),
            group: keys.text("GroupName"),
            init_groups: keys.truth("InitGroups").unwrap_or(true),
            umask: keys.umask().unwrap_or(UMASK),
            working_directory: keys.text("WorkingDirectory"),
            root_directory: keys.text("RootDirectory"),
            environment: keys.environment(),
            stdin: keys.text("StandardInPath"),
            stdout: keys.text("StandardOutPath"),
            stderr: keys.text("StandardErrorPath"),
            // setpriority(2); 842 ignores values out of its range.
            nice: keys
                .number("Nice")
                .filter(|nice| NICE.contains(nice))
                .and_then(|nice| i32::try_from(nice).ok()),
            limits,
            run_at_load: keys.truth("RunAtLoad").unwrap_or(false) || keep_alive.starts_at_load(),
            keep_alive,
            throttle_interval: keys.seconds("ThrottleInterval").unwrap_or(THROTTLE_INTERVAL),
            exit_time_out: keys.seconds("ExitTimeOut").unwrap_or(EXIT_TIME_OUT),
            abandon_process_group: keys.truth("AbandonProcessGroup").unwrap_or(false),
            sockets: keys.sockets(),
            sessions: keys.sessions(),
        })
    }
}

/// The keys that have not been read yet. Their types have been checked.
struct Keys<'a> {
    found: Dictionary,
    ignored: &'a mut Vec<Ignored>,
}

impl Keys<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        self.found.remove(key)?.into_string()
    }

    fn truth(&mut self, key: &str) -> Option<bool> {
        self.found.remove(key)?.as_boolean()
    }

    fn number(&mut self, key: &str) -> Option<i64> {
        self.found.remove(key)?.as_signed_integer()
    }

    /// 842 ignores a negative one.
    fn seconds(&mut self, key: &str) -> Option<u64> {
        let number = self.number(key)?;
        let seconds = u64::try_from(number).ok();
        if seconds.is_none() {
            self.ignored.push((key.to_owned(), "negative".to_owned()));
        }
        seconds
    }

    fn dictionary(&mut self, key: &str) -> Dictionary {
        self.found.remove(key).and_then(Value::into_dictionary).unwrap_or_default()
    }

    /// launchd.plist(5), `LimitLoadToSessionType`: by default `Aqua`.
    fn sessions(&mut self) -> Vec<String> {
        match self.found.remove("LimitLoadToSessionType") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.into_iter().filter_map(Value::into_string).collect(),
            _ => vec!["Aqua".to_owned()],
        }
    }

    fn arguments(&mut self) -> Result<Vec<String>, String> {
        let array = self.found.remove("ProgramArguments").and_then(Value::into_array).unwrap_or_default();
        let number = array.len();
        let words: Vec<String> = array.into_iter().filter_map(Value::into_string).collect();
        if words.len() == number { Ok(words) } else { Err("an argument is not a string".to_owned()) }
    }

    /// launchd.plist(5): an integer is the value, and a string is parsed by strtoul(3), where a leading 0 means octal.
    fn umask(&mut self) -> Option<u32> {
        let mask = match self.found.remove("Umask")? {
            Value::Integer(number) => number.as_unsigned()?,
            Value::String(text) => strtoul(&text),
            _ => return None,
        };
        u32::try_from(mask & 0o777).ok()
    }

    /// 842 ignores values that are not strings.
    fn environment(&mut self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for (name, value) in self.dictionary("EnvironmentVariables") {
            match value {
                Value::String(value) => drop(variables.insert(name, value)),
                _ => self.ignored.push((format!("EnvironmentVariables.{name}"), "wrong type".to_owned())),
            }
        }
        variables
    }

    fn limits(&mut self, key: &str, bound: Bound) -> Vec<(Resource, Bound, u64)> {
        let mut limits = Vec::new();
        for (name, value) in self.dictionary(key) {
            let resource = LIMITS.iter().find(|(known, _)| *known == name);
            match (resource, value.as_signed_integer().and_then(|number| u64::try_from(number).ok())) {
                (Some(&(_, resource)), Some(number)) => limits.push((resource, bound, number)),
                (None, _) => self.ignored.push((format!("{key}.{name}"), "unknown key".to_owned())),
                (_, None) => self.ignored.push((format!("{key}.{name}"), "wrong type".to_owned())),
            }
        }
        limits
    }

    /// launchd.plist(5): each name has a dictionary, or an array of dictionaries.
    fn sockets(&mut self) -> Vec<(String, Vec<Dictionary>)> {
        let mut sockets = Vec::new();
        for (name, value) in self.dictionary("Sockets") {
            let many = match value {
                Value::Array(many) => many,
                one => vec![one],
            };
            let within = format!("Sockets.{name}.");
            let mut described = Vec::new();
            for one in many {
                match one {
                    Value::Dictionary(one) => {
                        described.push(keys::sift(one, keys::SOCKET, &within, self.ignored));
                    }
                    _ => self.ignored.push((format!("Sockets.{name}"), "wrong type".to_owned())),
                }
            }
            sockets.push((name, described));
        }
        sockets
    }
}

/// strtoul(3) with base 0: blanks, then `0x` and hexadecimal, `0` and octal, or decimal digits, up to the first other
/// character.
fn strtoul(text: &str) -> u64 {
    let text = text.trim_start();
    let (digits, base) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    digits
        .chars()
        .map_while(|digit| digit.to_digit(base))
        .fold(0, |number: u64, digit| number.saturating_mul(base.into()).saturating_add(digit.into()))
}
