//! The name of a unit: prefix, instance, template, folders of drop-ins (systemd.unit(5)).

use std::fmt;

/// The name of a service unit: `web.service`, `getty@.service` (a template), `getty@tty1.service` (an instance); or of
/// its socket unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitName {
    full: String,
}

const SUFFIX: &str = ".service";

const SOCKET: &str = ".socket";

/// The maximum length of a unit's name (systemd.unit(5)).
const MAX_NAME_BYTES: usize = 255;

impl UnitName {
    /// Parses the name of a `.service` file. `None` if it is not a valid unit name.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(SUFFIX)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let good = name.len() <= MAX_NAME_BYTES
            && !stem.is_empty()
            && !stem.starts_with('@')
            && stem.chars().all(legal);
        good.then(|| Self { full: name.to_owned() })
    }

    /// The default name of this service's socket unit (systemd.socket(5)).
    #[must_use]
    #[doc(hidden)]
    pub fn socket(&self) -> Self {
        Self { full: format!("{}{SOCKET}", self.stem()) }
    }

    /// The name of the socket unit that starts an instance of this template for each connection (systemd.socket(5),
    /// `Accept=`). `None` if it is not a template.
    pub(crate) fn accepting_socket(&self) -> Option<Self> {
        self.is_template().then(|| Self { full: format!("{}{SOCKET}", self.prefix()) })
    }

    fn suffix(&self) -> &'static str {
        if self.full.ends_with(SOCKET) { SOCKET } else { SUFFIX }
    }

    /// The name with its suffix.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The name without its suffix.
    #[doc(hidden)]
    pub fn stem(&self) -> &str {
        self.full.strip_suffix(self.suffix()).unwrap_or(&self.full)
    }

    /// The part before the `@`, or the stem if there is no `@`.
    #[doc(hidden)]
    pub fn prefix(&self) -> &str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// The part after the `@`; empty for a template. `None` if there is no `@`.
    #[doc(hidden)]
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    /// Whether this is a template, of which only instances can be started.
    #[doc(hidden)]
    pub fn is_template(&self) -> bool {
        self.instance() == Some("")
    }

    /// The template of this instance; `None` for other units.
    #[doc(hidden)]
    pub fn template(&self) -> Option<Self> {
        let instance = self.instance().filter(|instance| !instance.is_empty());
        instance.map(|_| Self { full: format!("{}@{}", self.prefix(), self.suffix()) })
    }

    /// The folders of its drop-ins, most specific first. Of two files with one name the first wins.
    #[doc(hidden)]
    pub fn drop_in_folders(&self) -> Vec<String> {
        let suffix = self.suffix();
        let at = if self.instance().is_some() { "@" } else { "" };
        let mut folders = vec![format!("{}.d", self.full)];
        folders.extend(self.template().map(|template| format!("{template}.d")));
        let mut prefix = self.prefix();
        while let Some(dash) = prefix.strip_suffix('-').unwrap_or(prefix).rfind('-').filter(|dash| *dash > 0)
        {
            prefix = &prefix[..=dash];
            folders.push(format!("{prefix}{at}{suffix}.d"));
        }
        folders.push(format!("{}.d", &suffix[1..]));
        folders
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

/// Reverses systemd-escape(1): `-` is a slash, `\xHH` a byte. `None` if an escape is invalid.
pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let (mut plain, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'-' => b'/',
            b'\\' => {
                let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
                if bytes.next() != Some(b'x') {
                    return None;
                }
                digit(bytes.next())? * 16 + digit(bytes.next())?
            }
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_unit_name_is_rejected() {
        for name in ["", ".service", "@a.service", "a.socket", "a b.service", "a/b.service", "a"] {
            assert_eq!(UnitName::parse(name), None, "{name}");
        }
        assert_eq!(UnitName::parse(&format!("{}.service", "x".repeat(248))), None);
    }

    #[test]
    fn instance_name_has_a_prefix_and_a_template() {
        let name = UnitName::parse("a-b@x@y.service").unwrap();
        assert_eq!((name.prefix(), name.instance(), name.stem()), ("a-b", Some("x@y"), "a-b@x@y"));
        assert_eq!(name.template().unwrap().as_str(), "a-b@.service");
        assert!(name.template().unwrap().is_template());
        assert_eq!(UnitName::parse("a.service").unwrap().instance(), None);
    }

    #[test]
    fn drop_in_folders_include_every_dash_prefix() {
        let folders = |name| UnitName::parse(name).unwrap().drop_in_folders().join(" ");
        assert_eq!(folders("a-b-c.service"), "a-b-c.service.d a-b-.service.d a-.service.d service.d");
        assert_eq!(folders("a-b@i.service"), "a-b@i.service.d a-b@.service.d a-@.service.d service.d");
        assert_eq!(folders("-a.service"), "-a.service.d service.d");
        let socket = UnitName::parse("a-b@i.service").unwrap().socket();
        assert_eq!(socket.template().unwrap().as_str(), "a-b@.socket");
        assert_eq!(socket.drop_in_folders().join(" "), "a-b@i.socket.d a-b@.socket.d a-@.socket.d socket.d");
    }
}
