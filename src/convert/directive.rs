//! Which directive, and which word as its value, which version of systemd knows.
//!
//! The tables are data: one row a directive, one file for what is said in one place, sorted by name. They stand on
//! the list that systemd keeps of its own directives (`systemd --dump-configuration-items`; in its source
//! `src/core/load-fragment-gperf.gperf.in`) at versions 247, 252, 257 and 262, and for the versions between on
//! "Added in version N" in the manual pages of 262 and on NEWS where the pages name the version of a neighbour or of
//! a move of the text. A directive that left the manual without a word in NEWS counts as gone with the first version
//! that may be without it.
//!
//! To refresh them for a new version, compare its dump with the rows: the test in `tests/it/directive.rs` does that
//! for the systemd that is installed and prints every difference in both directions.
//!
//! What is not here: how a value is read. [`ValueKind`] only tells kinds apart.

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

/// Since when a directive that needs a user namespace implies one in the manager of a user.
pub(super) const PRIVATE_USERS: u16 = 254;

/// A section of a unit that we write or read.
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

/// One thing that a section can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectiveRow {
    /// Its name.
    pub name: &'static str,
    /// The first version that knows it; 0 if that is older than all supported ones.
    pub since: u16,
    /// The first version that ignores it, with a warning at most.
    pub until: Option<u16>,
    /// What it takes.
    pub kind: ValueKind,
    /// Whether the service would have more rights, or be open to more, without it.
    pub security: bool,
    /// The first version that does it in the manager of a user, where that user's own rights are all there are; 0 if
    /// every one does, none if no one does.
    pub user_since: Option<u16>,
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `yes`, `no` and their like.
    Boolean,
    /// A boolean, or one of these words.
    BooleanOr(&'static [Choice]),
    /// One of these words.
    Enum(&'static [Choice]),
    /// A length of time; a bare number is one of seconds.
    Timespan,
    /// A number of bytes, with K, M, G, T.
    Size,
    /// A signal.
    Signal,
    /// A file mode or a mask.
    Octal,
    /// A number.
    Integer,
    /// A resource limit, `SOFT[:HARD]`.
    Limit,
    /// One path; everything up to the end of the line.
    Path,
    /// A command.
    CommandLine,
    /// Words; repeated assignments add up.
    Words,
    /// Text.
    Text,
    /// A form of its own.
    Other,
}

/// A word that can be a value, and the first version that knows it; 0 if that is older than all supported ones. One
/// that ends in a colon begins a value.
pub type Choice = (&'static str, u16);

/// The directive of this name that any supported version knows, or knew before.
pub fn directive(section: Section, name: &str) -> Option<&'static DirectiveRow> {
    tables(section).iter().find_map(|table| {
        let at = table.binary_search_by(|row| row.name.cmp(name)).ok()?;
        Some(&table[at])
    })
}

/// All directives of a section.
pub fn directives(section: Section) -> impl Iterator<Item = &'static DirectiveRow> {
    tables(section).iter().copied().flatten()
}

/// What somebody may have meant who wrote a name that no version knows.
pub fn nearest(section: Section, name: &str) -> Option<&'static str> {
    nearest_of(directives(section).map(|row| row.name), name)
}

/// The same of any words.
pub fn nearest_of<'a>(words: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    // A third of it may be wrong, and no more: what differs more is another word.
    let most = (name.chars().count() / 3).min(3);
    // What is longer by more cannot be near, and nobody has to find out how far it is.
    let near = |word: &&str| word.len().abs_diff(name.len()) <= 4 * most;
    words
        .filter(near)
        .map(|word| (distance(&word.to_ascii_lowercase(), &name.to_ascii_lowercase()), word))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, word)| word)
}

impl DirectiveRow {
    /// Whether this version does what it says.
    pub fn known_to(&self, version: Version) -> bool {
        let version = version.number();
        self.since <= version && self.until.is_none_or(|until| version < until)
    }

    /// Whether the manager of a user does it.
    pub fn user_manager(&self, version: Version) -> bool {
        self.user_since.is_some_and(|since| version.has(since))
    }

    /// Whether this version knows this word as its value. What takes no words takes any.
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

    /// It needs a namespace, which the manager of a user has from the moment that `PrivateUsers=yes` is said too. From
    /// this version on it is implied (systemd.exec(5), "Sandboxing").
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

/// How many letters have to be put in, taken out or changed, or two neighbours exchanged.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let change = above[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: [Section; 4] = [Section::Unit, Section::Service, Section::Socket, Section::Install];

    fn version(number: u16) -> Version {
        Version::parse(number.to_string().as_ref()).unwrap()
    }

    #[test]
    fn the_tables_are_sorted_and_every_row_is_found() {
        for section in SECTIONS {
            for table in tables(section) {
                assert!(table.is_sorted_by(|one, next| one.name < next.name), "{section}");
            }
            for row in directives(section) {
                assert_eq!(directive(section, row.name), Some(row));
                let all = directives(section).filter(|other| other.name == row.name);
                assert_eq!(all.count(), 1, "{} stands twice in [{section}]", row.name);
                assert!(row.since == 0 || row.since >= Version::OLDEST.number(), "{}", row.name);
                assert!(row.until.is_none_or(|until| row.since < until), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_directive_is_known_from_the_version_that_brought_it_to_the_one_that_dropped_it() {
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
    fn a_word_is_known_from_the_version_that_brought_it() {
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
    fn a_name_that_is_nearly_one_is_guessed() {
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
    fn what_guards_and_what_needs_root_is_marked() {
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
