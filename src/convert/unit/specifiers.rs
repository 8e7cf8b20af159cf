//! `%` specifiers, as far as the name of a unit, its file or a constant gives their value (systemd.unit(5)).

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::UnitName;
use super::name::unescaped;

/// A specifier without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unresolved {
    /// Its letter.
    pub letter: char,
    /// Why it has none.
    pub why: Why,
}

/// Why a specifier has no value here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Only systemd on the host that runs the unit can know it.
    OfTheHost,
    /// There is no such specifier. systemd refuses what it stands in.
    Unknown,
    /// The unit is a template, and what follows from its name is each instance's own.
    OfTheInstance,
    /// A part of the name cannot be unescaped.
    OfTheName,
}

/// Of the machine, of its boot, of its image, or of what systemd has made for the unit.
const OF_THE_HOST: &[u8] = b"ABHMRWDabcdlmoqrsvw";

/// Of the name of the unit, which an instance has and a template has not.
const OF_THE_NAME: &[u8] = b"nNpPijIJf";

/// Replaces every specifier. `%` before anything but a letter or digit, or at the end, stands for itself.
///
/// What depends on whose manager it is has its value for that of the system.
pub fn resolve(text: &[u8], name: &UnitName, file: &Path) -> Result<Vec<u8>, Unresolved> {
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
                resolved.extend(value.map_err(|why| Unresolved { letter: char::from(letter), why })?);
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

fn value(letter: u8, name: &UnitName, file: &Path) -> Result<Vec<u8>, Why> {
    let prefix = name.prefix();
    let last = prefix.rsplit_once('-').map_or(prefix, |(_, last)| last);
    if name.is_template() && OF_THE_NAME.contains(&letter) {
        return Err(Why::OfTheInstance);
    }
    let instance = name.instance().unwrap_or("");
    let plain = |text: &str| unescaped(text).ok_or(Why::OfTheName);
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
        b't' => b"/run".into(),
        b'h' => b"/root".into(),
        b'u' | b'g' => b"root".into(),
        b'U' | b'G' => b"0".into(),
        letter if OF_THE_HOST.contains(&letter) => return Err(Why::OfTheHost),
        _ => return Err(Why::Unknown),
    })
}

fn path(unescaped: &[u8]) -> Vec<u8> {
    if unescaped == b"/" { b"/".into() } else { [b"/", unescaped].concat() }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::OfTheHost => "only systemd on the host that runs the unit can know it",
            Why::Unknown => "there is no such specifier",
            Why::OfTheInstance => "a template has no instance; name one, as in NAME@INSTANCE.service",
            Why::OfTheName => "that part of the unit's name has no unescaped form",
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

    /// What systemd 252 made of the same line.
    #[test]
    fn a_name_gives_what_it_gave_systemd() {
        assert_eq!(
            read("x%-y %u %U %g %G %t %T %V %C %E %L %S %f %p %P %j %J %n %N %y %Y %i| 50%", "a-b\\x2dc.service"),
            Ok("x%-y root 0 root 0 /run /tmp /var/tmp /var/cache /etc /var/log /var/lib /a/b-c a-b\\x2dc a/b-c \
                b\\x2dc b-c a-b\\x2dc.service a-b\\x2dc /u/x.service /u | 50%"
                .into())
        );
        assert_eq!(read("%i %I %f %p %%i", "p@a-b.service"), Ok("a-b a/b /a/b p %i".into()));
    }

    #[test]
    fn what_has_no_value_is_named() {
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
