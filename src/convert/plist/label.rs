//! The name of a job.

use std::ffi::OsStr;
use std::fmt;

use svcadapt_spec::ValueError;

/// A label: what launchd calls a job, and the name of its file without `.plist`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

/// The longest name of a file less `.plist`.
const LONGEST: usize = 255 - ".plist".len();

impl Label {
    /// Takes letters, digits and `. _ -`. A `/` would part domain and label in what launchctl(1) is told.
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let label = value.to_str().ok_or("it is not UTF-8")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if label.is_empty() || label.starts_with(['.', '-']) {
            Err(ValueError::hinted("a label starts with a letter or a digit", "org.example.web is one"))
        } else if label.len() > LONGEST {
            Err(format!("longer than {LONGEST} bytes").into())
        } else if let Some(bad) = label.chars().find(|c| !legal(*c)) {
            let cause = format!("the character '{}' cannot stand in a label", bad.escape_debug());
            Err(ValueError::hinted(cause, "letters, digits and . _ - can"))
        } else {
            Ok(Self(label.to_owned()))
        }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_file_name_and_no_path() {
        for label in ["", ".", "..", "-x", "a/b", "a b", "é", "a\n", &"x".repeat(250)] {
            assert!(Label::parse(OsStr::new(label)).is_err(), "{label:?} was taken");
        }
        assert_eq!(Label::parse(OsStr::new("org.example.web-1")).unwrap().as_str(), "org.example.web-1");
    }
}
