//! Specs that are executed: the first line names svcadapt as the interpreter (execve(2), "Interpreter scripts"), and comments
//! for the boot may follow (LSB 5.0, "Comment Conventions for Init Scripts"). For a unit these lines are comments anyway.

use std::path::{Path, PathBuf};

use super::loaded::{LoadError, Loaded};
use super::read::{ReadFile, text_of};
use super::unit::WithSockets;
use super::unit_files::UnitFiles;
use super::{json, load_with, plist, unit};
use crate::unit::UnitName;

/// Loads an executable spec. Its content decides its kind if the end of its name does not: `{` begins JSON, `<` a property
/// list, and everything else is the unit of the service with this name.
pub fn load_script(path: &Path, service: &str, read: ReadFile) -> Result<Loaded, Vec<LoadError>> {
    let known = ["service", "json", "plist"];
    if path.extension().and_then(|end| end.to_str()).is_some_and(|end| known.contains(&end)) {
        return load_with(path, read);
    }
    let text = blanked(text_of(path, read).map_err(|error| vec![error])?);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => json::load(path, read),
        Some(b'<') => plist::load(path, read),
        _ => {
            let name = UnitName::parse(&format!("{service}.service")).ok_or_else(|| {
                let hint = "use letters, digits and : - _ . \\ @";
                vec![LoadError::about(path, "not a valid unit name", Some(hint))]
            })?;
            let files = UnitFiles { name, path: PathBuf::from(path), drop_ins: Vec::new() };
            unit::load_files(files, WithSockets::IfReferenced, read)
        }
    }
}

/// Whether a text is a script.
pub(super) fn is_script(text: &[u8]) -> bool {
    text.starts_with(b"#!")
}

/// A script whose comments at its start are blank, and the declaration of XML behind them, which is allowed only at the start of
/// a file. Every other byte keeps its place.
pub(super) fn blanked(mut text: Vec<u8>) -> Vec<u8> {
    if !is_script(&text) {
        return text;
    }
    let mut end = 0;
    while text[end..].starts_with(b"#") || text[end..].starts_with(b"\n") {
        end += text[end..].iter().position(|byte| *byte == b'\n').map_or(text.len() - end, |at| at + 1);
    }
    if text[end..].starts_with(b"<?xml ") {
        end += text[end..].windows(2).position(|two| two == b"?>").map_or(0, |at| at + 2);
    }
    text[..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_a_script_are_blank_and_keep_their_lines() {
        let read = |text: &str| String::from_utf8(blanked(text.into())).unwrap();
        assert_eq!(read("#!/a\n# b\n\n{\"#\": 1}\n# c"), "    \n   \n\n{\"#\": 1}\n# c");
        assert_eq!(read("#!/a\n<?xml version='1.0'?>\n<plist/>"), format!("    \n{:21}\n<plist/>", ""));
        for text in ["", "#", "# a\n{}", "{}", "<?xml ?>", "#!", "#!\n", "#!\n<?xml "] {
            assert_eq!(
                read(text).trim_start(),
                if is_script(text.as_bytes()) { text[2..].trim_start() } else { text.trim_start() }
            );
        }
    }
}
