//! How a value is written into a unit so that systemd reads it back byte for byte.
//!
//! systemd undoes in this order: lines and continuations, words with their quotes and C escapes, `%` specifiers, and
//! in commands `$` last of all. So an escape does not protect `%` and `$`: only doubling does (systemd.syntax(7),
//! systemd.service(5) "Command lines"). What some version from 252 to 262 cannot carry is refused.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use crate::Unfit;

/// The longest single argument that the kernel takes (`MAX_ARG_STRLEN` less its NUL, execve(2)).
const LONGEST_ARGUMENT: usize = 131_071;

/// The longest line that systemd reads; one that is longer takes the whole unit with it.
pub(super) const LONGEST_LINE: usize = 1_048_575;

/// The longest name of one file (`NAME_MAX`, limits.h(0p)).
const NAME_MAX: usize = 255;

/// The longest path, with its final NUL (`PATH_MAX`, limits.h(0p)).
const PATH_MAX: usize = 4096;

type Quoted = Result<String, Unfit>;

/// What `$` means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dollar {
    /// A variable: it is protected by doubling.
    Variable,
    /// Itself.
    Itself,
}

/// A whole command line; of an error the number of the word. `dollar` is what it means in the words as they are given,
/// and `called` what the program is called by in place of its path.
pub(super) fn exec_start<'a>(
    words: impl IntoIterator<Item = &'a OsStr>,
    dollar: Dollar,
    called: Option<&OsStr>,
) -> Result<String, Vec<(usize, Unfit)>> {
    let mut words = words.into_iter();
    let Some(program) = words.next() else {
        return Err(vec![(0, Unfit::at(0, "there is no program"))]);
    };
    let mut unfit = Vec::new();
    // The path itself is never expanded, but argv[0] is. The prefix ':' switches that off for the whole line.
    let at = program.as_bytes().iter().position(|byte| *byte == b'$');
    let dollar = match (dollar, at) {
        (Dollar::Variable, Some(offset)) => {
            let why = "beside a '$' here no variable in the arguments is put in";
            unfit.push((0, Unfit::at(offset, why)));
            Dollar::Itself
        }
        // A variable is written as it stands, so that it is one for the reader too.
        (Dollar::Variable, None) | (Dollar::Itself, Some(_)) => Dollar::Itself,
        (Dollar::Itself, None) => Dollar::Variable,
    };
    let mut line = exec_path(program, if called.is_some() { "@" } else { "" }).unwrap_or_else(|why| {
        unfit.push((0, why));
        String::new()
    });
    if let Some(called) = called {
        // It is no variable, whatever the words after it are.
        let protected = if at.is_some() { Dollar::Itself } else { Dollar::Variable };
        match exec_arg(called, protected) {
            Ok(word) => line.extend([" ", &word]),
            Err(why) => unfit.push((0, why)),
        }
    }
    for (index, argument) in words.enumerate() {
        match exec_arg(argument, dollar) {
            Ok(word) => {
                line.push(' ');
                line.push_str(&word);
            }
            Err(why) => unfit.push((index + 1, why)),
        }
    }
    if unfit.is_empty() { Ok(line) } else { Err(unfit) }
}

/// The first word of a command line behind a prefix, and with the one that it needs besides.
fn exec_path(path: &OsStr, prefix: &str) -> Quoted {
    let (bytes, prefix) = (path.as_bytes(), prefix.as_bytes());
    if is_searched(bytes) {
        return Ok(word(&[prefix, bytes].concat(), Dollar::Variable));
    }
    if !bytes.starts_with(b"/") {
        return Err(Unfit::at(0, "a unit needs the absolute path of a program with such a name"));
    }
    plain_path(bytes)?;
    characters(bytes)?;
    for (offset, &byte) in bytes.iter().enumerate() {
        let what = match byte {
            b'"' | b'\'' => "a quote",
            b'\\' => "a backslash",
            b'*' | b'?' | b'[' => "a character of patterns",
            0..=0x1f | 0x7f => "a control character",
            _ => continue,
        };
        return Err(Unfit::at(offset, format!("{what} cannot stand in the path of a program")));
    }
    match bytes.last() {
        Some(b' ') => Err(Unfit::at(bytes.len() - 1, "a blank at the end of the path of a program is lost")),
        Some(b'/') => Err(Unfit::at(bytes.len() - 1, "this names no program")),
        _ if bytes.contains(&b'$') => Ok(word(&[prefix, b":", bytes].concat(), Dollar::Itself)),
        _ => Ok(word(&[prefix, bytes].concat(), Dollar::Variable)),
    }
}

/// The ceiling of the nice level: systemd takes nothing that is none, though the kernel does (systemd.exec(5),
/// "Process Properties").
pub(super) fn nice_limit(limit: &OsStr) -> Quoted {
    let text = limit.to_string_lossy();
    let level = |text: &str| text.parse::<u64>().is_ok_and(|level| level <= 40);
    if text.split(':').all(level) {
        raw(limit)
    } else {
        Err(Unfit::at(0, "systemd takes numbers from 0 to 40 here"))
    }
}

/// Whether systemd searches the program in its own path (systemd.service(5), "Command lines"). A name that begins
/// with another sign could be read as a prefix.
fn is_searched(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().all(plain)
}

/// One argument of a command line.
fn exec_arg(argument: &OsStr, dollar: Dollar) -> Quoted {
    let bytes = argument.as_bytes();
    if bytes.len() > LONGEST_ARGUMENT {
        return Err(Unfit::at(LONGEST_ARGUMENT, "an argument has at most 131071 bytes"));
    }
    // It could be written in hexadecimal, and the program would get it; but then `systemctl status` fails for good.
    characters(bytes)?;
    Ok(word(bytes, dollar))
}

/// The value of `Environment=`: one `NAME=VALUE`.
pub(super) fn environment(assignment: &OsStr) -> Quoted {
    characters(assignment.as_bytes())?;
    Ok(word(assignment.as_bytes(), Dollar::Itself))
}

/// The value of a directive that takes the rest of its line as it stands: `Description=`, `User=`.
pub(super) fn raw(value: &OsStr) -> Quoted {
    let bytes = value.as_bytes();
    let text = characters(bytes)?;
    let blank = |byte: Option<&u8>| byte.is_some_and(|b| matches!(b, b' ' | b'\t'));
    let last = bytes.len().saturating_sub(1);
    if bytes.is_empty() {
        return Err(Unfit::at(0, "an empty value says nothing"));
    }
    if let Some(offset) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
        return Err(Unfit::at(offset, "a line break ends the line"));
    }
    if blank(bytes.first()) {
        return Err(Unfit::at(0, "a blank at the beginning is lost"));
    }
    if blank(bytes.last()) {
        return Err(Unfit::at(last, "a blank at the end is lost"));
    }
    if bytes.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1 {
        return Err(Unfit::at(last, "a backslash at the end joins the next line"));
    }
    Ok(text.replace('%', "%%"))
}

/// A path, perhaps behind a prefix such as `append:`, as the rest of a line.
pub(super) fn raw_path(value: &OsStr) -> Quoted {
    plain_path(value.as_bytes())?;
    raw(value)
}

/// The value of `EnvironmentFile=`: a pattern (glob(7)) as the rest of a line.
pub(super) fn environment_file(value: &OsStr) -> Quoted {
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

/// A group in `SupplementaryGroups=`, where blanks part words and a backslash protects what follows it.
pub(super) fn group(value: &OsStr) -> Quoted {
    raw(value).map(|text| text.replace('\\', "\\\\"))
}

/// A name in `RuntimeDirectory=` and its kin. Every version reads letters, digits and `. _ - /` alike; the rest is
/// written in hexadecimal.
pub(super) fn directory(value: &OsStr) -> Quoted {
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

/// A path in `ReadWritePaths=` and its kin, where blanks and quotes part words, a backslash protects whatever follows
/// it, and there is no other escape.
pub(super) fn namespace_path(value: &OsStr) -> Quoted {
    let bytes = value.as_bytes();
    plain_path(bytes)?;
    let text = characters(bytes)?;
    if let Some(offset) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
        return Err(Unfit::at(offset, "a line break ends the line"));
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_./:=,+@%-".contains(&b);
    Ok(if escaped.bytes().all(bare) { escaped } else { format!("\"{escaped}\"") })
}

/// A value in `[X-Svcadapt]`: the rest of the line where it can stand so, else one word in quotes.
pub(super) fn own(value: &OsStr) -> String {
    match raw(value) {
        Ok(text) if !text.starts_with(['"', '\'']) => text,
        _ if value.is_empty() => String::new(),
        // Only we read this section, so bytes that are no text are safe here.
        _ => format!("\"{}\"", escaped(value.as_bytes(), Dollar::Itself)),
    }
}

/// A word: bare if nothing in it means anything, else in quotes.
fn word(bytes: &[u8], dollar: Dollar) -> String {
    let bare = |b: &u8| b.is_ascii_alphanumeric() || b"_./:=,+@^~-".contains(b);
    let escaped = escaped(bytes, dollar);
    if !bytes.is_empty() && bytes.iter().all(bare) { escaped } else { format!("\"{escaped}\"") }
}

/// The inside of a quoted word.
fn escaped(bytes: &[u8], dollar: Dollar) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\x07' => text.push_str("\\a"),
                '\x08' => text.push_str("\\b"),
                '\t' => text.push_str("\\t"),
                '\n' => text.push_str("\\n"),
                '\x0b' => text.push_str("\\v"),
                '\x0c' => text.push_str("\\f"),
                '\r' => text.push_str("\\r"),
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '%' => text.push_str("%%"),
                '$' if dollar == Dollar::Variable => text.push_str("$$"),
                _ if letter.is_ascii_control() || noncharacter(letter) => {
                    letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| hexadecimal(&mut text, byte));
                }
                _ => text.push(letter),
            }
        }
        chunk.invalid().iter().for_each(|&byte| hexadecimal(&mut text, byte));
    }
    text
}

fn hexadecimal(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\\x{byte:02x}");
}

/// The value as text that systemd takes for UTF-8. It takes no noncharacters, and a line with one is not read.
fn characters(bytes: &[u8]) -> Result<&str, Unfit> {
    let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    match text.char_indices().find(|(_, letter)| *letter == '\0' || noncharacter(*letter)) {
        Some((offset, '\0')) => Err(Unfit::at(offset, "a NUL byte cannot stand in a unit")),
        Some((offset, letter)) => {
            let number = u32::from(letter);
            Err(Unfit::at(offset, format!("U+{number:04X} is no character, and systemd refuses it")))
        }
        None if text.len() < bytes.len() => {
            Err(Unfit::at(text.len(), "what is not UTF-8 cannot stand in a unit"))
        }
        None => Ok(text),
    }
}

/// Code points that are set aside for ever: U+FDD0 to U+FDEF, and the last two of every plane.
pub(super) fn noncharacter(letter: char) -> bool {
    let number = u32::from(letter);
    (0xfdd0..=0xfdef).contains(&number) || number & 0xfffe == 0xfffe
}

/// systemd ignores a path with a part that no file system could have.
fn plain_path(path: &[u8]) -> Result<(), Unfit> {
    if path.len() >= PATH_MAX {
        return Err(Unfit::at(PATH_MAX - 1, "a path has at most 4095 bytes"));
    }
    let mut start = 0;
    for part in path.split(|b| *b == b'/') {
        if part.len() > NAME_MAX {
            return Err(Unfit::at(start + NAME_MAX, "the name of a file has at most 255 bytes"));
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

    /// What systemd itself decided, in three versions; see `tests/fixtures`.
    fn program(path: &OsStr) -> Quoted {
        exec_path(path, "")
    }

    #[test]
    fn every_vector_is_written_exactly_or_refused() {
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
                        exec_start(words.iter().map(std::ffi::OsString::as_os_str), Dollar::Itself, None)
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
    fn a_refusal_names_the_byte() {
        let refused = |value: &[u8], quote: fn(&OsStr) -> Quoted| {
            let unfit = quote(OsStr::from_bytes(value)).unwrap_err();
            (unfit.offset, unfit.reason.into_owned())
        };
        assert_eq!(refused(b"ab\nc", raw).0, 2);
        assert_eq!(refused(b"abc\\", raw), (3, "a backslash at the end joins the next line".into()));
        assert_eq!(refused("a\u{fdd0}".as_bytes(), environment).0, 1);
        assert_eq!(refused(b"A=\xff", environment).0, 2);
        assert_eq!(refused(b"\xef\xbf\xbf\xff", environment).0, 0);
        assert_eq!(refused(&[b"/a/".to_vec(), vec![b'x'; 256]].concat(), raw_path).0, 258);
        assert_eq!(refused(b"/bin/", program).0, 4);
        assert_eq!(refused(b"./sh", program).0, 0);
        assert_eq!(refused(b"5:infinity", nice_limit).0, 0);
        assert_eq!(refused(b"/b\xff", program), (2, "what is not UTF-8 cannot stand in a unit".into()));
        assert_eq!(refused("/b\u{fdd0}".as_bytes(), program).0, 2);
    }

    #[test]
    fn other_syntaxes_protect_what_means_something_to_them() {
        let quoted = |value: &str, quote: fn(&OsStr) -> Quoted| quote(OsStr::new(value)).unwrap();
        assert_eq!(quoted("/a\\\\", raw_path), "/a\\\\");
        assert_eq!(quoted("-/etc/*[%]\\", environment_file), "-/etc/\\*\\[%%\\]\\\\");
        assert_eq!(quoted("D\\web", group), "D\\\\web");
        assert_eq!(quoted("web@1/x", directory), "web\\x401/x");
        assert_eq!(own(OsStr::new("exec:a \"b\" %")), "exec:a \"b\" %%");
        assert_eq!(own(OsStr::new("exec:a\nb$")), "\"exec:a\\nb$\"");
        assert_eq!(own(OsStr::new("\"x")), "\"\\\"x\"");
        assert_eq!(own(OsStr::new("")), "");
    }
}
