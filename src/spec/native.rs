//! Settings that only one host understands, kept verbatim.
//!
//! A unit or a property list has more settings than a spec has fields. They are kept as they were written: the same host
//! gets them back, and for another host each is reported as a loss.

use std::collections::BTreeMap;

use super::ValueError;

/// The host-specific settings of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Native {
    /// Directives of a unit, in order. `None` if the spec does not come from a unit. The difference matters for unset
    /// fields: in a unit they mean systemd's defaults, else svcadapt's.
    pub systemd: Option<Vec<Directive>>,
    /// Keys of a property list, in order.
    pub launchd: Vec<(String, NativeValue)>,
}

/// A directive of a unit: `Name=value` in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    section: String,
    name: String,
    value: String,
}

/// A value of a property list (launchd.plist(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NativeValue {
    /// `<true/>` or `<false/>`.
    Boolean(bool),
    /// `<integer>`
    Integer(i64),
    /// `<string>`
    String(String),
    /// `<array>`
    Array(Vec<NativeValue>),
    /// `<dict>`, in order.
    Dict(Vec<(String, NativeValue)>),
}

impl Native {
    /// Groups directives by section and name, each at the place of its first occurrence. The order of different names
    /// has no meaning in a unit.
    #[doc(hidden)]
    pub fn group_directives(lines: Vec<Directive>) -> Vec<Directive> {
        let (mut sections, mut names) = (BTreeMap::new(), BTreeMap::new());
        for line in &lines {
            let next = sections.len();
            sections.entry(line.section.clone()).or_insert(next);
            let next = names.len();
            names.entry((line.section.clone(), line.name.clone())).or_insert(next);
        }
        let mut sorted = lines;
        sorted.sort_by_cached_key(|line| {
            let name = (line.section.clone(), line.name.clone());
            (sections.get(&line.section).copied(), names.get(&name).copied())
        });
        sorted
    }

    /// The prefix of a section name that marks a directive of the `.socket` unit.
    #[doc(hidden)]
    pub const SOCKET_UNIT_PREFIX: &'static str = ".socket/";

    /// The directive that holds the command.
    #[doc(hidden)]
    pub const COMMAND: &'static str = "ExecStart";

    /// Removes the directives of this name from `[Service]`.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(lines) = &mut self.systemd {
            lines.retain(|line| line.section != "Service" || line.name != name);
        }
    }

    /// Whether `[Service]` has a directive of this name.
    #[doc(hidden)]
    pub fn has_directive(&self, name: &str) -> bool {
        self.systemd.iter().flatten().any(|line| line.section == "Service" && line.name == name)
    }

    /// The value of a key of a property list.
    #[doc(hidden)]
    pub fn key(&self, name: &str) -> Option<&NativeValue> {
        self.launchd.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl Directive {
    /// A directive. Refused if systemd would not read it back as this one line (systemd.syntax(7)).
    #[doc(hidden)]
    pub fn new(section: &str, name: &str, value: &str) -> Result<Self, ValueError> {
        let broken = |text: &str| text.chars().any(|letter| matches!(letter, '\n' | '\r' | '\0'));
        let trimmed = |text: &str| text == text.trim_matches([' ', '\t']);
        let slashes = value.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if section.is_empty() || section.chars().any(char::is_control) || section.contains(['[', ']']) {
            Err("invalid section name".into())
        } else if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            Err("invalid directive name".into())
        } else if broken(value) || !trimmed(value) || slashes % 2 == 1 {
            Err(ValueError::hinted(
                "the value does not fit on one line",
                "remove line breaks, blanks at both ends and a backslash at the end",
            ))
        } else {
            Ok(Self { section: section.into(), name: name.into(), value: value.into() })
        }
    }

    /// A directive that a unit lacks; its value is empty.
    #[doc(hidden)]
    pub fn missing(section: &str, name: &str) -> Self {
        Self { section: section.into(), name: name.into(), value: String::new() }
    }

    /// The section.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// The name, before the `=`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, after the `=`, verbatim: quotes and specifiers included.
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directive_of_more_than_one_line_is_refused() {
        assert!(Directive::new("Service", "ExecReload", "/bin/kill -HUP $MAINPID").is_ok());
        assert!(Directive::new("X-Other", "X-Key", "").is_ok());
        for (section, name, value) in [
            ("", "A", ""),
            ("A]\n[B", "A", ""),
            ("A", "", ""),
            ("A", "A=1\nB", ""),
            ("A", "#A", ""),
            ("A", "A", "a\nB=1"),
            ("A", "A", "a\rb"),
            ("A", "A", "a\\"),
            ("A", "A", " a"),
            ("A", "A", "a\0"),
        ] {
            assert!(Directive::new(section, name, value).is_err(), "{section:?} {name:?} {value:?}");
        }
        assert!(Directive::new("A", "A", "a\\\\").is_ok());
    }
}
