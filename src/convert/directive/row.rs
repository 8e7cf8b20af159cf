//! A row of the tables, and the type of a value.

use super::version::Version;

/// A directive of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub type Choice = (&'static str, u16);

/// The first version in which a directive that needs a user namespace implies one in a user manager.
pub(super) const PRIVATE_USERS: u16 = 254;

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

    pub(super) const fn gone(mut self, until: u16) -> Self {
        self.until = Some(until);
        self
    }

    pub(super) const fn guard(mut self) -> Self {
        self.security = true;
        self
    }

    pub(super) const fn system(mut self) -> Self {
        self.user_since = None;
        self
    }

    /// It needs a namespace, which a user manager can create with `PrivateUsers=yes`. Since version [`PRIVATE_USERS`] that
    /// is implied (systemd.exec(5), "Sandboxing").
    pub(super) const fn namespace(mut self) -> Self {
        self.user_since = Some(PRIVATE_USERS);
        self
    }
}

/// A row of a directive that all user managers support.
pub(super) const fn d(name: &'static str, since: u16, kind: ValueKind) -> DirectiveRow {
    DirectiveRow { name, since, until: None, kind, security: false, user_since: Some(0) }
}
