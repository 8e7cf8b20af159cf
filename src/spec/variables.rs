//! Expansion of variables in arguments (systemd.service(5), "Command lines").

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Expands variables in arguments.
///
/// An argument that begins with `$NAME` is replaced by the words of the value: zero, one or more. `${NAME}` anywhere in an
/// argument is replaced by the value, unsplit. `$$` is a literal `$`. An unset variable is empty. Everything else is literal,
/// also a `$` inside a word.
#[doc(hidden)]
pub fn expand<'a>(
    arguments: impl IntoIterator<Item = &'a OsStr>,
    environment: &BTreeMap<OsString, OsString>,
) -> Vec<OsString> {
    let mut expanded = Vec::new();
    for argument in arguments {
        match whole_variable(argument.as_bytes()) {
            Some(name) => {
                expanded.extend(environment.get(OsStr::from_bytes(name)).into_iter().flat_map(words));
            }
            None => expanded.push(replace_braced(argument.as_bytes(), |name| {
                environment.get(OsStr::from_bytes(name)).map_or(&[], |value| value.as_bytes())
            })),
        }
    }
    expanded
}

/// The argument after expansion if it contains no variable, else `None`.
#[doc(hidden)]
pub fn literal(argument: &OsStr) -> Option<OsString> {
    if whole_variable(argument.as_bytes()).is_some() {
        return None;
    }
    let mut depends = false;
    let text = replace_braced(argument.as_bytes(), |_| {
        depends = true;
        &[]
    });
    (!depends).then_some(text)
}

/// The variable's name, if the whole argument is `$NAME`. As in systemd the name reaches to the end of the argument.
fn whole_variable(argument: &[u8]) -> Option<&[u8]> {
    match argument {
        [b'$', b'{' | b'$', ..] => None,
        [b'$', name @ ..] => Some(name),
        _ => None,
    }
}

/// Replaces `${NAME}` and `$$`.
fn replace_braced<'v>(argument: &[u8], mut value: impl FnMut(&[u8]) -> &'v [u8]) -> OsString {
    let mut text = Vec::with_capacity(argument.len());
    let mut rest = argument;
    while let Some(dollar) = rest.iter().position(|&byte| byte == b'$') {
        let (before, variable) = rest.split_at(dollar);
        text.extend(before);
        rest = match variable {
            [_, b'$', after @ ..] => {
                text.push(b'$');
                after
            }
            [_, b'{', inner @ ..] => match inner.iter().position(|byte| matches!(byte, b'}' | b':')) {
                Some(end) if inner[end] == b'}' => {
                    text.extend(value(&inner[..end]));
                    &inner[end + 1..]
                }
                // `${NAME:…}` is shell syntax, an unclosed `${` is invalid: both are literal.
                Some(end) => {
                    text.extend(&variable[..end + 3]);
                    &inner[end + 1..]
                }
                None => {
                    text.extend(variable);
                    &[]
                }
            },
            [_, other, after @ ..] => {
                text.extend([b'$', *other]);
                after
            }
            _ => {
                text.push(b'$');
                &[]
            }
        };
    }
    text.extend(rest);
    OsString::from_vec(text)
}

/// Splits a value into words. Quotes group, a backslash escapes the next character; an unclosed quote or a trailing
/// backslash is ignored, as in systemd.
fn words(value: &OsString) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = value.as_bytes().iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' if quote.is_none() => words.extend(word.take()),
            b'\\' => word.get_or_insert_default().extend(bytes.next()),
            b'"' | b'\'' if quote.is_none() => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            _ if quote == Some(byte) => quote = None,
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &[&str]) -> Vec<String> {
        let environment = [("A", "one 'two three' "), ("E", ""), ("Q", "x\\ y \"open"), ("1", "d")];
        let environment = environment.map(|(name, value)| (name.into(), value.into())).into();
        let expanded = expand(arguments.iter().map(OsStr::new), &environment);
        expanded.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn unbraced_variable_becomes_zero_or_more_words() {
        assert_eq!(expanded(&["$A", "$E", "$NONE", "$Q"]), ["one", "two three", "x y", "open"]);
        assert_eq!(expanded(&["$", "$A-b", "$A b", "$1"]), ["d"]);
    }

    #[test]
    fn braced_variable_is_not_split() {
        assert_eq!(expanded(&["<${A}>", "${E}", "${NONE}x${1}"]), ["<one 'two three' >", "", "xd"]);
    }

    #[test]
    fn text_without_a_variable_is_literal() {
        for word in ["a$A", "${A", "${A:-x}", "x$", "x${", "a$b${"] {
            assert_eq!(expanded(&[word]), [word]);
            assert_eq!(literal(OsStr::new(word)), Some(word.into()));
        }
        assert_eq!(expanded(&["$$A", "$$", "a$$b$$", "$${A}"]), ["$A", "$", "a$b$", "${A}"]);
    }

    #[test]
    fn argument_with_a_variable_is_not_literal() {
        for word in ["$A", "$", "x${A}", "${}"] {
            assert_eq!(literal(OsStr::new(word)), None, "{word}");
        }
        assert_eq!(literal(OsStr::new("$$A$$")), Some("$A$".into()));
    }
}
