//! The directives of systemd and the words that they accept, with the versions that know them.
//!
//! The tables are data: one row per directive, one file per section or manual page, sorted by name. They are based on
//! systemd's own list of directives (`systemd --dump-configuration-items`; in its source
//! `src/core/load-fragment-gperf.gperf.in`) at versions 247, 252, 257 and 262. For the versions between, they use
//! "Added in version N" in the manual pages of 262, and NEWS where the pages give the version of a neighbour or of a
//! moved text. A directive that was removed from the manual without an entry in NEWS counts as gone with the first
//! version that may lack it.
//!
//! To refresh them for a new version, compare its dump with the rows: the test in `tests/it/directive.rs` does that
//! for the installed systemd and prints every difference in both directions.
//!
//! Parsing of values is not here. [`ValueKind`] only names the type of a value.

mod cgroup;
mod choices;
mod exec;
mod install;
mod service;
mod socket;
mod unit;
mod version;

use std::fmt;

pub use version::Version;

/// The first version in which a directive that needs a user namespace implies one in a user manager.
pub(super) const PRIVATE_USERS: u16 = 254;

/// Directives of `[Unit]` whose values are names of other units (systemd.unit(5)). An empty value resets none of them.
pub(crate) const NAMES_OF_UNITS: [&str; 16] = [
    "After",
    "Before",
    "BindsTo",
    "Conflicts",
    "JoinsNamespaceOf",
    "OnFailure",
    "OnSuccess",
    "PartOf",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReloadPropagatedFrom",
    "Requires",
    "Requisite",
    "StopPropagatedFrom",
    "Upholds",
    "Wants",
];

/// A section of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// `[Unit]`
    Unit,
    /// `[Service]`
    Service,
    /// `[Socket]`
    Socket,
    /// `[Install]`
    Install,
}

/// A directive of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct DirectiveRow {
    /// Its name.
    pub name: &'static str,
    /// The first version that knows it; 0 if all supported versions do.
    pub since: u16,
    /// The first version that ignores it. `None` if no version does.
    pub until: Option<u16>,
    /// The type of its value.
    pub kind: ValueKind,
    /// Whether the service would have more rights, or be more exposed, without it.
    pub security: bool,
    /// The first version whose user manager supports it, with only the rights of the user; 0 if all do. `None` if no
    /// version does.
    pub user_since: Option<u16>,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum ValueKind {
    /// A boolean, such as `yes` or `no`.
    Boolean,
    /// A boolean, or one of these words.
    BooleanOr(&'static [Choice]),
    /// One of these words.
    Enum(&'static [Choice]),
    /// A time span; a bare number is in seconds.
    Timespan,
    /// A time span; a bare number is in nanoseconds.
    Nanoseconds,
    /// A number of bytes, optionally with K, M, G or T.
    Size,
    /// A signal.
    Signal,
    /// A file mode or a mask.
    Octal,
    /// A number.
    Integer,
    /// A resource limit, `SOFT[:HARD]`.
    Limit,
    /// One path, up to the end of the line.
    Path,
    /// A command.
    CommandLine,
    /// Words; repeated assignments add up.
    Words,
    /// Text.
    Text,
    /// Another syntax.
    Other,
}

/// A word that can be a value, and the first version that knows it; 0 if all supported versions do. A word that ends in
/// a colon is the start of a value.
#[doc(hidden)]
pub type Choice = (&'static str, u16);

/// The directive of this name. `None` if no version has ever known it.
#[doc(hidden)]
pub fn directive(section: Section, name: &str) -> Option<&'static DirectiveRow> {
    tables(section).iter().find_map(|table| {
        let at = table.binary_search_by(|row| row.name.cmp(name)).ok()?;
        Some(&table[at])
    })
}

/// All directives of a section.
#[doc(hidden)]
pub fn directives(section: Section) -> impl Iterator<Item = &'static DirectiveRow> {
    tables(section).iter().copied().flatten()
}

/// The known directive that is most similar to an unknown name. `None` if no name is similar enough.
#[doc(hidden)]
pub fn nearest(section: Section, name: &str) -> Option<&'static str> {
    nearest_of(directives(section).map(|row| row.name), name)
}

/// The word that is most similar to a name. `None` if no word is similar enough.
#[doc(hidden)]
pub fn nearest_of<'a>(words: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    // At most a third of the letters may differ.
    let max_distance = (name.chars().count() / 3).min(3);
    // A cheap test first: a character has at most 4 bytes, so a greater difference in length is a greater distance.
    let can_match = |word: &&str| word.len().abs_diff(name.len()) <= 4 * max_distance;
    words
        .filter(can_match)
        .map(|word| (strsim::osa_distance(&word.to_ascii_lowercase(), &name.to_ascii_lowercase()), word))
        .filter(|(distance, _)| *distance <= max_distance)
        .min()
        .map(|(_, word)| word)
}

impl DirectiveRow {
    /// Whether this version knows the directive and does not ignore it.
    pub fn known_to(&self, version: Version) -> bool {
        let version = version.number();
        self.since <= version && self.until.is_none_or(|until| version < until)
    }

    /// Whether the user manager of this version supports it.
    pub fn user_manager(&self, version: Version) -> bool {
        self.user_since.is_some_and(|since| version.has(since))
    }

    /// Whether this version accepts the word as the value. Always true for a directive without a set of words.
    pub fn takes(&self, word: &str, version: Version) -> bool {
        let (ValueKind::Enum(choices) | ValueKind::BooleanOr(choices)) = self.kind else { return true };
        let boolean = matches!(self.kind, ValueKind::BooleanOr(_)) && svcadapt_spec::boolean(word).is_some();
        boolean
            || choices.iter().any(|(choice, since)| {
                let same = if choice.ends_with(':') { word.starts_with(choice) } else { *choice == word };
                same && *since <= version.number()
            })
    }

    const fn gone(mut self, until: u16) -> Self {
        self.until = Some(until);
        self
    }

    const fn guard(mut self) -> Self {
        self.security = true;
        self
    }

    const fn system(mut self) -> Self {
        self.user_since = None;
        self
    }

    /// It needs a namespace, which a user manager can create with `PrivateUsers=yes`. Since version [`PRIVATE_USERS`] that
    /// is implied (systemd.exec(5), "Sandboxing").
    const fn namespace(mut self) -> Self {
        self.user_since = Some(PRIVATE_USERS);
        self
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "Unit",
            Self::Service => "Service",
            Self::Socket => "Socket",
            Self::Install => "Install",
        })
    }
}

const fn d(name: &'static str, since: u16, kind: ValueKind) -> DirectiveRow {
    DirectiveRow { name, since, until: None, kind, security: false, user_since: Some(0) }
}

fn tables(section: Section) -> &'static [&'static [DirectiveRow]] {
    match section {
        Section::Unit => &[unit::UNIT],
        Section::Service => &[service::SERVICE, exec::EXEC, cgroup::CGROUP],
        Section::Socket => &[socket::SOCKET, exec::EXEC, cgroup::CGROUP],
        Section::Install => &[install::INSTALL],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: [Section; 4] = [Section::Unit, Section::Service, Section::Socket, Section::Install];

    fn version(number: u16) -> Version {
        Version::parse(number.to_string().as_ref()).unwrap()
    }

    #[test]
    fn tables_are_sorted_and_each_row_is_found() {
        for section in SECTIONS {
            for table in tables(section) {
                assert!(table.is_sorted_by(|one, next| one.name < next.name), "{section}");
            }
            for row in directives(section) {
                assert_eq!(directive(section, row.name), Some(row));
                let all = directives(section).filter(|other| other.name == row.name);
                assert_eq!(all.count(), 1, "{} is twice in [{section}]", row.name);
                assert!(row.since == 0 || row.since >= Version::OLDEST.number(), "{}", row.name);
                assert!(row.until.is_none_or(|until| row.since < until), "{}", row.name);
            }
        }
    }

    #[test]
    fn directive_is_known_between_its_versions() {
        let known =
            |name: &str, number: u16| directive(Section::Service, name).unwrap().known_to(version(number));
        assert!(!known("ProtectProc", 246) && known("ProtectProc", 247) && known("ProtectProc", 262));
        assert!(known("CPUShares", 257) && !known("CPUShares", 258));
        assert!(!known("Capabilities", 239));
        assert!(known("ExecStart", 239));
        assert_eq!(directive(Section::Unit, "ExecStart"), None);
        assert_eq!(directive(Section::Service, "execstart"), None);
        assert!(directive(Section::Socket, "User").is_some());
    }

    #[test]
    fn word_is_accepted_since_its_version() {
        let takes = |name: &str, word: &str, number: u16| {
            directive(Section::Service, name).unwrap().takes(word, version(number))
        };
        assert!(!takes("Type", "notify-reload", 252) && takes("Type", "notify-reload", 253));
        assert!(!takes("Type", "exec", 239) && takes("Type", "exec", 240));
        assert!(!takes("StandardOutput", "truncate:/x", 247) && takes("StandardOutput", "truncate:/x", 248));
        assert!(takes("ProtectSystem", "strict", 239) && takes("ProtectSystem", "Yes", 239));
        assert!(!takes("PrivateUsers", "identity", 252) && takes("PrivateUsers", "true", 252));
        assert!(!takes("Restart", "sometimes", 262));
        assert!(takes("User", "anything", 239));
    }

    #[test]
    fn misspelt_directive_is_guessed() {
        let guess = |name| nearest(Section::Service, name);
        assert_eq!(guess("ExecStrat"), Some("ExecStart"));
        assert_eq!(guess("execstart"), Some("ExecStart"));
        assert_eq!(guess("ProtectSytem"), Some("ProtectSystem"));
        assert_eq!(guess("Usr"), Some("User"));
        assert_eq!(guess("Foo"), None);
        assert_eq!(guess(""), None);
        assert_eq!(guess("CompletelyDifferent"), None);
    }

    #[test]
    fn security_and_user_manager_marks_are_set() {
        let row = |name| directive(Section::Service, name).unwrap();
        for name in ["NoNewPrivileges", "PrivateTmp", "ProtectSystem", "SystemCallFilter", "User"] {
            assert!(row(name).security, "{name}");
        }
        for name in ["Nice", "ExecStart", "ReadWritePaths", "Environment"] {
            assert!(!row(name).security, "{name}");
        }
        let user = |name, number| row(name).user_manager(version(number));
        for name in ["User", "CapabilityBoundingSet", "DynamicUser"] {
            assert!(!user(name, 262), "{name}");
        }
        for name in ["PrivateTmp", "PrivateDevices", "ProtectSystem", "ReadOnlyPaths", "RootDirectory"] {
            assert!(!user(name, 253) && user(name, 254), "{name}");
        }
        for name in ["NoNewPrivileges", "SystemCallFilter", "LimitNOFILE", "PrivateUsers"] {
            assert!(user(name, 239), "{name}");
        }
    }
}
