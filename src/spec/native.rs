//! What one host alone understands, word for word.
//!
//! A unit or a property list says more than a spec has fields for. That is not lost: it stays with the spec as it was
//! written, the same host gets it back, and another one is told what it will not have.

use std::collections::BTreeMap;

use super::ValueError;

/// What a file says in the words of its own host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Native {
    /// Directives of a unit, in their order; none where the spec does not come from a unit. That matters where nothing
    /// is said: a unit leaves the rest to systemd's defaults, options leave it to ours.
    pub systemd: Option<Vec<Directive>>,
    /// Keys of a property list, in their order.
    pub launchd: Vec<(String, NativeValue)>,
}

/// One line of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    section: String,
    name: String,
    value: String,
}

/// A value of a property list.
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
    /// `<dict>`, in its order.
    Dict(Vec<(String, NativeValue)>),
}

impl Native {
    /// What a unit says. Lines of one section and of one name are brought together where the first of them stands:
    /// between names there is no order.
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

    /// What stands before the section of a line that is not the service's own, but stands in the unit with its sockets.
    pub const SOCKET_UNIT_PREFIX: &'static str = ".socket/";

    /// What a unit calls the command.
    pub const COMMAND: &'static str = "ExecStart";

    /// Drops what `[Service]` says under this name.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(lines) = &mut self.systemd {
            lines.retain(|line| line.section != "Service" || line.name != name);
        }
    }

    /// Whether `[Service]` says something under this name.
    pub fn says(&self, name: &str) -> bool {
        self.systemd.iter().flatten().any(|line| line.section == "Service" && line.name == name)
    }

    /// The value of a key of a property list.
    pub fn key(&self, name: &str) -> Option<&NativeValue> {
        self.launchd.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl Directive {
    /// A line; refused if it would not be read as this one line (systemd.syntax(7)).
    pub fn new(section: &str, name: &str, value: &str) -> Result<Self, ValueError> {
        let broken = |text: &str| text.chars().any(|letter| matches!(letter, '\n' | '\r' | '\0'));
        let trimmed = |text: &str| text == text.trim_matches([' ', '\t']);
        let slashes = value.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if section.is_empty() || section.chars().any(char::is_control) || section.contains(['[', ']']) {
            Err("this is no name of a section".into())
        } else if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            Err("this is no name of a directive".into())
        } else if broken(value) || !trimmed(value) || slashes % 2 == 1 {
            Err(ValueError::hinted(
                "this is not the value of one line",
                "a line has no line breaks, no blanks at its ends and no backslash at its end",
            ))
        } else {
            Ok(Self { section: section.into(), name: name.into(), value: value.into() })
        }
    }

    /// The line that a unit lacks.
    pub fn missing(section: &str, name: &str) -> Self {
        Self { section: section.into(), name: name.into(), value: String::new() }
    }

    /// The section that it stands in.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// What stands before the `=`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands behind it, as it is written: with its quotes and specifiers.
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_one_line_and_nothing_else() {
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
