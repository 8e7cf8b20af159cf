//! `%` specifiers with a value that follows from the unit's name, from its file, or is constant (systemd.unit(5)).

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::UnitName;
use super::name::unescaped;

/// The error for a specifier that has no value here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecifierError {
    /// The letter of the specifier.
    pub letter: char,
    /// Why it has no value.
    pub problem: SpecifierProblem,
}

/// Why a specifier has no value here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecifierProblem {
    /// Only systemd on the host that runs the unit knows the value.
    OnHostOnly,
    /// The specifier does not exist; systemd rejects the value.
    Unknown,
    /// The unit is a template, and the value depends on the instance.
    OfInstance,
    /// A part of the unit's name cannot be unescaped (systemd-escape(1)).
    NotUnescapable,
}

/// Specifiers for the machine, its boot, its image, or the unit's runtime state.
const HOST_SPECIFIERS: &[u8] = b"ABHMRWDabclmoqrsvw";

/// Specifiers for the name of the unit; a template has no value for them.
const NAME_SPECIFIERS: &[u8] = b"nNpPijIJf";

/// Replaces every specifier. `%` is kept before anything but a letter or digit, and at the end.
///
/// A specifier that differs between the system manager and a user manager gets the value of the system manager.
pub fn resolve(text: &[u8], name: &UnitName, file: &Path) -> Result<Vec<u8>, SpecifierError> {
    let mut resolved = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
        resolved.extend(&rest[..percent]);
        rest = match rest[percent + 1..].split_first() {
            Some((b'%', tail)) => {
                resolved.push(b'%');
                tail
            }
            Some((&letter, tail)) if letter.is_ascii_alphanumeric() => {
                let value = value(letter, name, file);
                resolved
                    .extend(value.map_err(|problem| SpecifierError { letter: char::from(letter), problem })?);
                tail
            }
            Some((&other, tail)) => {
                resolved.extend([b'%', other]);
                tail
            }
            None => {
                resolved.push(b'%');
                &[]
            }
        };
    }
    resolved.extend(rest);
    Ok(resolved)
}

fn value(letter: u8, name: &UnitName, file: &Path) -> Result<Vec<u8>, SpecifierProblem> {
    let prefix = name.prefix();
    let last = prefix.rsplit_once('-').map_or(prefix, |(_, last)| last);
    if name.is_template() && NAME_SPECIFIERS.contains(&letter) {
        return Err(SpecifierProblem::OfInstance);
    }
    let instance = name.instance().unwrap_or("");
    let plain = |text: &str| unescaped(text).ok_or(SpecifierProblem::NotUnescapable);
    Ok(match letter {
        b'n' => name.as_str().into(),
        b'N' => name.stem().into(),
        b'p' => prefix.into(),
        b'P' => plain(prefix)?,
        b'j' => last.into(),
        b'J' => plain(last)?,
        b'i' => instance.into(),
        b'I' => plain(instance)?,
        b'f' => match instance {
            "" => path(&plain(prefix)?),
            instance => path(&plain(instance)?),
        },
        b'y' => file.as_os_str().as_bytes().into(),
        b'Y' => file.parent().unwrap_or(Path::new("/")).as_os_str().as_bytes().into(),
        b'C' => b"/var/cache".into(),
        b'E' => b"/etc".into(),
        b'L' => b"/var/log".into(),
        b'S' => b"/var/lib".into(),
        b'T' => b"/tmp".into(),
        b'V' => b"/var/tmp".into(),
        b'd' => [b"/run/credentials/", name.as_str().as_bytes()].concat(),
        b't' => b"/run".into(),
        b'h' => b"/root".into(),
        b'u' | b'g' => b"root".into(),
        b'U' | b'G' => b"0".into(),
        letter if HOST_SPECIFIERS.contains(&letter) => return Err(SpecifierProblem::OnHostOnly),
        _ => return Err(SpecifierProblem::Unknown),
    })
}

fn path(unescaped: &[u8]) -> Vec<u8> {
    if unescaped == b"/" { b"/".into() } else { [b"/", unescaped].concat() }
}

impl SpecifierError {
    /// Whether systemd has a value for the specifier, though it is not known here.
    pub(super) fn is_unknown_here(self) -> bool {
        matches!(self.problem, SpecifierProblem::OnHostOnly | SpecifierProblem::OfInstance)
    }
}

impl fmt::Display for SpecifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.problem {
            SpecifierProblem::OnHostOnly => "only systemd on the host that runs the unit knows its value",
            SpecifierProblem::Unknown => "unknown specifier",
            SpecifierProblem::OfInstance => {
                "a template has no instance; use the name of an instance: NAME@INSTANCE.service"
            }
            SpecifierProblem::NotUnescapable => {
                "this part of the unit's name cannot be unescaped (systemd-escape(1))"
            }
        };
        write!(f, "%{}: {why}", self.letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, name: &str) -> Result<String, String> {
        let name = UnitName::parse(name).unwrap();
        let bytes = resolve(text.as_bytes(), &name, Path::new("/u/x.service"));
        bytes.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|unresolved| unresolved.to_string())
    }

    /// The values are those of systemd 252.
    #[test]
    fn specifiers_of_the_name_have_the_values_of_systemd() {
        assert_eq!(
            read("x%-y %u %U %g %G %t %T %V %C %E %L %S %f %p %P %j %J %n %N %y %Y %i| 50%", "a-b\\x2dc.service"),
            Ok("x%-y root 0 root 0 /run /tmp /var/tmp /var/cache /etc /var/log /var/lib /a/b-c a-b\\x2dc a/b-c \
                b\\x2dc b-c a-b\\x2dc.service a-b\\x2dc /u/x.service /u | 50%"
                .into())
        );
        assert_eq!(read("%i %I %f %p %%i", "p@a-b.service"), Ok("a-b a/b /a/b p %i".into()));
    }

    #[test]
    fn specifier_without_value_is_named_in_the_error() {
        for (text, name, letter) in [
            ("%H", "a.service", 'H'),
            ("a%Q", "a.service", 'Q'),
            ("%i", "a@.service", 'i'),
            ("x %n", "a@.service", 'n'),
            ("%p", "a@.service", 'p'),
            ("%J", "a-\\q.service", 'J'),
        ] {
            assert!(read(text, name).unwrap_err().starts_with(&format!("%{letter}: ")), "{text}");
        }
    }
}
