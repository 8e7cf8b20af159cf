//! Quotes a value for a unit so that systemd reads it back byte for byte.
//!
//! systemd decodes in this order: lines and continuations, words with quotes and C escapes, `%` specifiers, and in
//! commands `$` variables. So an escape does not protect `%` and `$`; only doubling does (systemd.syntax(7),
//! systemd.service(5), "Command lines"). A value that some version from 252 to 262 cannot read is an error.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::ExecCommand;
use svcadapt_spec::words::{self, hexadecimal, noncharacter};

use crate::QuoteError;

/// The maximum length of one argument: `MAX_ARG_STRLEN` without its NUL (execve(2)).
const MAX_ARGUMENT_BYTES: usize = 131_071;

/// The maximum length of a line. systemd refuses a unit with a longer one.
pub(super) const MAX_LINE_BYTES: usize = 1_048_575;

/// The maximum length of a file name (limits.h(0p)).
const NAME_MAX: usize = 255;

/// The maximum length of a path with its NUL (limits.h(0p)).
const PATH_MAX: usize = 4096;

type QuoteResult = Result<String, QuoteError>;

/// The meaning of `$` in a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dollar {
    /// It begins a variable; doubling protects it.
    Variable,
    /// It is an ordinary character.
    Literal,
}

/// A command line; an error has the index of its word. `dollar` is the meaning of `$` in `words`; `argv0` replaces the
/// path as `argv[0]`.
pub(super) fn exec_start<'a>(
    words: impl IntoIterator<Item = &'a OsStr>,
    dollar: Dollar,
    argv0: Option<&OsStr>,
) -> Result<String, Vec<(usize, QuoteError)>> {
    let mut words = words.into_iter();
    let Some(program) = words.next() else {
        return Err(vec![(0, QuoteError::new(0, "the program is missing"))]);
    };
    let mut errors = Vec::new();
    // systemd does not expand the path, but expands argv[0]. The prefix ':' disables expansion for the whole line.
    let at = program.as_bytes().iter().position(|byte| *byte == b'$');
    let dollar = match (dollar, at) {
        (Dollar::Variable, Some(offset)) => {
            let why = "with a '$' in the path of the program, variables in the arguments are not expanded";
            errors.push((0, QuoteError::new(offset, why)));
            Dollar::Literal
        }
        // Variables are written verbatim.
        (Dollar::Variable, None) | (Dollar::Literal, Some(_)) => Dollar::Literal,
        (Dollar::Literal, None) => Dollar::Variable,
    };
    let mut line = exec_path(program, if argv0.is_some() { "@" } else { "" }).unwrap_or_else(|why| {
        errors.push((0, why));
        String::new()
    });
    if let Some(argv0) = argv0 {
        // argv[0] has no variables, even if the arguments have.
        let protected = if at.is_some() { Dollar::Literal } else { Dollar::Variable };
        match exec_arg(argv0, protected) {
            Ok(word) => line.extend([" ", &word]),
            Err(why) => errors.push((0, why)),
        }
    }
    for (index, argument) in words.enumerate() {
        match exec_arg(argument, dollar) {
            Ok(word) => {
                line.push(' ');
                line.push_str(&word);
            }
            Err(why) => errors.push((index + 1, why)),
        }
    }
    if errors.is_empty() { Ok(line) } else { Err(errors) }
}

/// A command line in the text form of [`ExecCommand`], which is systemd's but for `%`.
pub(super) fn exec_command(line: &OsStr) -> QuoteResult {
    if let Ok(command) = ExecCommand::parse(line) {
        exec_path(&command.command.program, "")?;
        for word in command.argv0.iter().chain(&command.command.arguments) {
            exec_arg(word, Dollar::Literal)?;
        }
    }
    Ok(characters(line.as_bytes())?.replace('%', "%%"))
}

/// The first word of a command line, with `prefix` and any further prefix that it needs.
fn exec_path(path: &OsStr, prefix: &str) -> QuoteResult {
    let (bytes, prefix) = (path.as_bytes(), prefix.as_bytes());
    if is_searched(bytes) {
        return Ok(word(&[prefix, bytes].concat(), Dollar::Variable));
    }
    if !bytes.starts_with(b"/") {
        return Err(QuoteError::new(
            0,
            "a unit needs the absolute path of this program: systemd does not search for such a name",
        ));
    }
    plain_path(bytes)?;
    characters(bytes)?;
    for (offset, &byte) in bytes.iter().enumerate() {
        let what = match byte {
            b'"' | b'\'' => "a quote",
            b'\\' => "a backslash",
            b'*' | b'?' | b'[' => "a pattern character",
            0..=0x1f | 0x7f => "a control character",
            _ => continue,
        };
        return Err(QuoteError::new(offset, format!("the path of a program cannot contain {what}")));
    }
    match bytes.last() {
        Some(b' ') => Err(QuoteError::new(bytes.len() - 1, "the path of a program cannot end with a blank")),
        Some(b'/') => Err(QuoteError::new(bytes.len() - 1, "this is a directory, not a program")),
        _ if bytes.contains(&b'$') => Ok(word(&[prefix, b":", bytes].concat(), Dollar::Literal)),
        _ => Ok(word(&[prefix, bytes].concat(), Dollar::Variable)),
    }
}

/// The limit of the nice level. systemd accepts only numbers from 0 to 40, the kernel accepts more (systemd.exec(5),
/// "Process Properties").
pub(super) fn nice_limit(limit: &OsStr) -> QuoteResult {
    let text = limit.to_string_lossy();
    let level = |text: &str| text.parse::<u64>().is_ok_and(|level| level <= 40);
    if text.split(':').all(level) {
        raw(limit)
    } else {
        Err(QuoteError::new(0, "systemd accepts only numbers from 0 to 40 here"))
    }
}

/// Whether systemd searches for the program in its own path (systemd.service(5), "Command lines"). A name that begins
/// with another character could be read as a prefix.
fn is_searched(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().all(plain)
}

/// One argument of a command line.
fn exec_arg(argument: &OsStr, dollar: Dollar) -> QuoteResult {
    let bytes = argument.as_bytes();
    if bytes.len() > MAX_ARGUMENT_BYTES {
        return Err(QuoteError::new(MAX_ARGUMENT_BYTES, "the argument is longer than 131071 bytes"));
    }
    // A hexadecimal escape would reach the program, but `systemctl status` then fails until the service is stopped.
    characters(bytes)?;
    Ok(word(bytes, dollar))
}

/// The value of `Environment=`: one `NAME=VALUE`.
pub(super) fn environment(assignment: &OsStr) -> QuoteResult {
    characters(assignment.as_bytes())?;
    Ok(word(assignment.as_bytes(), Dollar::Literal))
}

/// The value of a directive without quoting, such as `Description=` and `User=`.
pub(super) fn raw(value: &OsStr) -> QuoteResult {
    let bytes = value.as_bytes();
    let text = characters(bytes)?;
    let blank = |byte: Option<&u8>| byte.is_some_and(|b| matches!(b, b' ' | b'\t'));
    let last = bytes.len().saturating_sub(1);
    if bytes.is_empty() {
        return Err(QuoteError::new(0, "an empty value has no effect"));
    }
    if let Some(offset) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
        return Err(QuoteError::new(offset, "a value cannot contain a line break"));
    }
    if blank(bytes.first()) {
        return Err(QuoteError::new(0, "a value cannot begin with a blank"));
    }
    if blank(bytes.last()) {
        return Err(QuoteError::new(last, "a value cannot end with a blank"));
    }
    if bytes.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1 {
        return Err(QuoteError::new(last, "a value cannot end with a backslash, which continues the line"));
    }
    Ok(text.replace('%', "%%"))
}

/// A credential with its data: specifiers are replaced in its name only.
pub(super) fn credential(value: &OsStr) -> QuoteResult {
    let doubled = raw(value)?;
    let Some((name, _)) = doubled.split_once(':') else { return Ok(doubled) };
    if let Some(at) = name.find('\\') {
        return Err(QuoteError::new(
            at,
            "systemd takes a backslash in the name of a credential as an escape",
        ));
    }
    let data = value.to_string_lossy().split_once(':').map(|(_, data)| data.to_owned());
    Ok(format!("{name}:{}", data.unwrap_or_default()))
}

/// A path without quoting, possibly with a prefix such as `append:`.
pub(super) fn raw_path(value: &OsStr) -> QuoteResult {
    plain_path(value.as_bytes())?;
    raw(value)
}

/// The value of `EnvironmentFile=`: a pattern (glob(7)) without quoting.
pub(super) fn environment_file(value: &OsStr) -> QuoteResult {
    plain_path(value.as_bytes())?;
    let escaped = value.as_bytes().iter().fold(Vec::new(), |mut pattern, &byte| {
        if b"*?[]{}\\".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
        pattern
    });
    raw(OsStr::from_bytes(&escaped))
}

/// A group in `SupplementaryGroups=`: blanks separate words, and a backslash protects the next character.
pub(super) fn group(value: &OsStr) -> QuoteResult {
    raw(value).map(|text| text.replace('\\', "\\\\"))
}

/// A name in `RuntimeDirectory=` and the other directories. Every version reads letters, digits and `. _ - /` alike;
/// other characters are written in hexadecimal.
pub(super) fn directory(value: &OsStr) -> QuoteResult {
    plain_path(value.as_bytes())?;
    characters(value.as_bytes())?;
    let mut name = String::new();
    for &byte in value.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"._-/".contains(&byte) {
            name.push(char::from(byte));
        } else {
            hexadecimal(&mut name, byte);
        }
    }
    Ok(name)
}

/// A path in `ReadWritePaths=` and the like: words with quotes; a backslash protects the next character, and there are
/// no other escapes.
pub(super) fn namespace_path(value: &OsStr) -> QuoteResult {
    let bytes = value.as_bytes();
    plain_path(bytes)?;
    let text = characters(bytes)?;
    if let Some(offset) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
        return Err(QuoteError::new(offset, "a value cannot contain a line break"));
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_./:=,+@%-".contains(&b);
    Ok(if escaped.bytes().all(bare) { escaped } else { format!("\"{escaped}\"") })
}

/// A value in `[X-Svcadapt]`: without quoting if possible, otherwise one quoted word.
pub(super) fn x_section(value: &OsStr) -> String {
    match raw(value) {
        Ok(text) if !text.starts_with(['"', '\'']) => text,
        _ if value.is_empty() => String::new(),
        // Only svcadapt reads this section, so bytes that are not UTF-8 are safe here.
        _ => format!("\"{}\"", escaped(value.as_bytes(), Dollar::Literal)),
    }
}

/// A word; quoted if it has a special character.
fn word(bytes: &[u8], dollar: Dollar) -> String {
    let bare = |b: &u8| b.is_ascii_alphanumeric() || b"_./:=,+@^~-".contains(b);
    let escaped = escaped(bytes, dollar);
    if !bytes.is_empty() && bytes.iter().all(bare) { escaped } else { format!("\"{escaped}\"") }
}

/// The inside of a quoted word.
fn escaped(bytes: &[u8], dollar: Dollar) -> String {
    let text = words::escaped(bytes).replace('%', "%%");
    if dollar == Dollar::Variable { text.replace('$', "$$") } else { text }
}

/// The value as text. systemd reads neither bytes that are not UTF-8 nor noncharacters.
fn characters(bytes: &[u8]) -> Result<&str, QuoteError> {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    match text.char_indices().find(|(_, letter)| *letter == '\0' || noncharacter(*letter)) {
        Some((offset, '\0')) => Err(QuoteError::new(offset, "a unit cannot contain a NUL byte")),
        Some((offset, letter)) => {
            let number = u32::from(letter);
            Err(QuoteError::new(offset, format!("a unit cannot contain the noncharacter U+{number:04X}")))
        }
        None if text.len() < bytes.len() => {
            Err(QuoteError::new(text.len(), "a unit cannot contain bytes that are not UTF-8"))
        }
        None => Ok(text),
    }
}

/// Checks the lengths of a path and its parts; systemd ignores a path that is too long.
fn plain_path(path: &[u8]) -> Result<(), QuoteError> {
    if path.len() >= PATH_MAX {
        return Err(QuoteError::new(PATH_MAX - 1, "the path is longer than 4095 bytes"));
    }
    let mut start = 0;
    for part in path.split(|b| *b == b'/') {
        if part.len() > NAME_MAX {
            return Err(QuoteError::new(
                start + NAME_MAX,
                "a file name in the path is longer than 255 bytes",
            ));
        }
        start += part.len() + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use serde_json::Value;

    use super::*;

    fn bytes(input: &Value) -> std::ffi::OsString {
        let number = |digits: &str| u8::from_str_radix(digits, 16).unwrap();
        let decoded = match (&input["hex"], &input["repeat"]) {
            (Value::String(hex), _) => {
                hex.as_bytes().chunks(2).map(|pair| number(str::from_utf8(pair).unwrap())).collect()
            }
            (_, repeat) => {
                let count = usize::try_from(repeat[1].as_u64().unwrap()).unwrap();
                vec![number(repeat[0].as_str().unwrap()); count]
            }
        };
        std::ffi::OsString::from_vec(decoded)
    }

    fn program(path: &OsStr) -> QuoteResult {
        exec_path(path, "")
    }

    /// The vectors were verified with three versions of systemd.
    #[test]
    fn escape_vectors_are_quoted_as_systemd_expects() {
        let file: Value = serde_json::from_str(include_str!("escape-vectors.json")).unwrap();
        let (mut held, mut foreign) = (0, 0);
        for vector in file["vectors"].as_array().unwrap() {
            let input = &vector["input"];
            let (directive, quoted) = match vector["kind"].as_str().unwrap() {
                "exec_arg" => ("", exec_arg(&bytes(input), Dollar::Variable)),
                "exec_path" => ("", exec_path(&bytes(input), "")),
                "exec_start" => {
                    let words: Vec<_> = input.as_array().unwrap().iter().map(bytes).collect();
                    (
                        "",
                        exec_start(words.iter().map(std::ffi::OsString::as_os_str), Dollar::Literal, None)
                            .map_err(|mut e| e.remove(0).1),
                    )
                }
                "environment" => {
                    let mut assignment = std::ffi::OsString::from("VAR=");
                    assignment.push(bytes(input));
                    ("Environment=", environment(&assignment))
                }
                "description" => ("Description=", raw(&bytes(input))),
                "working_directory" => ("WorkingDirectory=", raw_path(&bytes(input))),
                // No field of a spec is written in that syntax.
                "read_write_paths" => {
                    foreign += 1;
                    continue;
                }
                kind => panic!("unknown kind of vector {kind}"),
            };
            held += 1;
            let id = &vector["id"];
            let refused_unless_forced =
                vector["note"].as_str().is_some_and(|note| note.contains("unless forced"));
            if vector["expect"] == "REFUSE" {
                assert!(quoted.is_err(), "{id}: {quoted:?}");
            } else if refused_unless_forced {
                assert!(quoted.is_err(), "{id}: {quoted:?}");
                assert_eq!(word(bytes(input).as_bytes(), Dollar::Variable), vector["unit_text"], "{id}");
            } else {
                assert_eq!(
                    quoted.map(|text| format!("{directive}{text}")).unwrap(),
                    vector["unit_text"],
                    "{id}"
                );
            }
        }
        assert_eq!((held, foreign), (92, 15));
    }

    #[test]
    fn quote_error_has_the_offset_of_the_byte() {
        let rejected = |value: &[u8], quote: fn(&OsStr) -> QuoteResult| {
            let error = quote(OsStr::from_bytes(value)).unwrap_err();
            (error.offset, error.reason.into_owned())
        };
        assert_eq!(rejected(b"ab\nc", raw).0, 2);
        assert_eq!(
            rejected(b"abc\\", raw),
            (3, "a value cannot end with a backslash, which continues the line".into())
        );
        assert_eq!(rejected("a\u{fdd0}".as_bytes(), environment).0, 1);
        assert_eq!(rejected(b"A=\xff", environment).0, 2);
        assert_eq!(rejected(b"\xef\xbf\xbf\xff", environment).0, 0);
        assert_eq!(rejected(&[b"/a/".to_vec(), vec![b'x'; 256]].concat(), raw_path).0, 258);
        assert_eq!(rejected(b"/bin/", program).0, 4);
        assert_eq!(rejected(b"./sh", program).0, 0);
        assert_eq!(rejected(b"5:infinity", nice_limit).0, 0);
        assert_eq!(
            rejected(b"/b\xff", program),
            (2, "a unit cannot contain bytes that are not UTF-8".into())
        );
        assert_eq!(rejected("/b\u{fdd0}".as_bytes(), program).0, 2);
    }

    #[test]
    fn each_syntax_escapes_its_own_special_characters() {
        let quoted = |value: &str, quote: fn(&OsStr) -> QuoteResult| quote(OsStr::new(value)).unwrap();
        assert_eq!(quoted("/a\\\\", raw_path), "/a\\\\");
        assert_eq!(quoted("-/etc/*[%]\\", environment_file), "-/etc/\\*\\[%%\\]\\\\");
        assert_eq!(quoted("D\\web", group), "D\\\\web");
        assert_eq!(quoted("web@1/x", directory), "web\\x401/x");
        assert_eq!(x_section(OsStr::new("exec:a \"b\" %")), "exec:a \"b\" %%");
        assert_eq!(x_section(OsStr::new("exec:a\nb$")), "\"exec:a\\nb$\"");
        assert_eq!(x_section(OsStr::new("\"x")), "\"\\\"x\"");
        assert_eq!(x_section(OsStr::new("")), "");
    }
}
