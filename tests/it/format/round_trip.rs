//! Written files mean what was set, byte for byte: thousands of random values are read back by readers other than the
//! writer, and a file has no other keys than that of the same service with harmless values.

mod plist;
mod started_programs;
mod unit;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use svcadapt_spec::{Field, Origin, ServiceSpec, SpecDraft};

use crate::support::Chance;

/// A service with random values in every place that takes any.
#[derive(Clone)]
struct Sample {
    arguments: Vec<OsString>,
    /// The values of `V0`, `V1`, and so on.
    variables: Vec<OsString>,
    description: OsString,
    /// Paths.
    directory: OsString,
    output: OsString,
    file: OsString,
}

/// The range of the random values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Any bytes.
    Bytes,
    /// Text that every file can carry.
    Text,
}

impl Sample {
    fn new(chance: &mut Chance, alphabet: Alphabet, arguments: usize, variables: usize) -> Self {
        let mut many = |count| (0..count).map(|_| value(chance, alphabet, 24)).collect();
        let (arguments, variables) = (many(arguments), many(variables));
        let mut path = || {
            let parts = (0..=chance.below(3)).map(|_| part(chance, alphabet)).collect::<Vec<_>>();
            OsString::from_vec([b"/", parts.join(&b'/').as_slice()].concat())
        };
        let (directory, output, file) = (path(), path(), path());
        let description = match alphabet {
            // A description is one line of text, as in the spec.
            Alphabet::Bytes => {
                value(chance, alphabet, 24).to_string_lossy().replace(char::is_control, " ").into()
            }
            Alphabet::Text => {
                format!("d{}.", value(chance, alphabet, 24).to_string_lossy().replace(char::is_control, ""))
                    .into()
            }
        };
        Self { arguments, variables, description, directory, output, file }
    }

    /// The same service with harmless values.
    fn harmless(&self) -> Self {
        let all = |values: &[OsString]| values.iter().map(|_| "x".into()).collect();
        let path = OsString::from("/x");
        Self {
            arguments: all(&self.arguments),
            variables: all(&self.variables),
            description: "x".into(),
            directory: path.clone(),
            output: path.clone(),
            file: path,
        }
    }

    /// Every field with its value, as an option takes it.
    fn fields(&self) -> Vec<(Field, OsString)> {
        let joined = |start: String, value: &OsStr| [start.as_bytes(), value.as_bytes()].concat();
        let variables = self.variables.iter().enumerate();
        let mut fields: Vec<(Field, Vec<u8>)> = variables
            .map(|(number, value)| (Field::Environment, joined(format!("V{number}="), value)))
            .collect();
        fields.push((Field::Description, self.description.as_bytes().to_vec()));
        fields.push((Field::WorkingDirectory, self.directory.as_bytes().to_vec()));
        fields.push((Field::StandardOutput, joined("append:".into(), &self.output)));
        fields.push((Field::StandardInput, joined("file:".into(), &self.file)));
        fields.into_iter().map(|(field, value)| (field, OsString::from_vec(value))).collect()
    }

    fn spec(&self) -> ServiceSpec {
        let mut draft = SpecDraft::new();
        draft.command([&["/bin/web".into()], &self.arguments[..]].concat());
        for (field, value) in self.fields() {
            draft.assign(field, value, Origin::Option);
        }
        draft.finish().unwrap_or_else(|problems| panic!("{}", problems[0]))
    }
}

/// At most so many characters: special ones, control characters, any of Unicode and, where all bytes are allowed,
/// invalid UTF-8 and noncharacters.
fn value(chance: &mut Chance, alphabet: Alphabet, longest: usize) -> OsString {
    let mut bytes = Vec::new();
    for _ in 0..chance.below(longest + 1) {
        match chance.below(if alphabet == Alphabet::Bytes { 120 } else { 100 }) {
            0..60 => bytes.extend(chance.text(1, "").bytes()),
            60..75 => bytes.push(b"abcXYZ019 _-"[chance.below(12)]),
            75..85 if alphabet == Alphabet::Text => bytes.extend(b"\t\n".get(chance.below(2))),
            75..85 => bytes.push(u8::try_from(1 + chance.below(31)).unwrap()),
            85..118 => {
                let number = u32::try_from(chance.below(0x11_0000)).unwrap();
                let letter = char::from_u32(number).filter(|c| !c.is_control() && !is_noncharacter(*c));
                bytes.extend(letter.unwrap_or('x').encode_utf8(&mut [0; 4]).bytes());
            }
            118 => bytes.push(u8::try_from(128 + chance.below(128)).unwrap()),
            _ => bytes.extend(["\u{fdd0}", "\u{ffff}", "\u{1fffe}", "\u{7f}", "\r"][chance.below(5)].bytes()),
        }
    }
    OsString::from_vec(bytes)
}

/// The name of a file.
fn part(chance: &mut Chance, alphabet: Alphabet) -> Vec<u8> {
    let mut name = value(chance, alphabet, 20).into_vec();
    name.retain(|byte| *byte != b'/' && (alphabet == Alphabet::Bytes || *byte != b'\n'));
    // Not `.` or `..`, and no blank or backslash at an end: those are refused.
    if alphabet == Alphabet::Text || name.is_empty() || name.iter().all(|byte| *byte == b'.') {
        name = [b"p", &name[..], b"q"].concat();
    }
    name
}

/// Whether the code point is a noncharacter of Unicode.
fn is_noncharacter(letter: char) -> bool {
    let number = u32::from(letter);
    (0xfdd0..=0xfdef).contains(&number) || number % 0x1_0000 >= 0xfffe
}

/// The first byte that is invalid UTF-8 or begins one of these characters.
fn first_invalid(value: &OsStr, bad: impl Fn(char) -> bool) -> Option<usize> {
    let bytes = value.as_bytes();
    let valid = match str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) => error.valid_up_to(),
    };
    let text = String::from_utf8_lossy(&bytes[..valid]).into_owned();
    let letter = text.char_indices().find(|(_, letter)| bad(*letter)).map(|(at, _)| at);
    letter.or((valid < bytes.len()).then_some(valid))
}
