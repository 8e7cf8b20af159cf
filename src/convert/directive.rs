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
mod row;
mod service;
mod socket;
mod unit;
mod version;

use std::fmt;

#[doc(hidden)]
pub use row::{Choice, DirectiveRow, ValueKind};
pub use version::Version;

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
