//! The label of a job.

use std::ffi::OsStr;
use std::fmt;

use svcadapt_spec::ValueError;

/// The name of a job in launchd, and of its file without `.plist`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

/// The maximum length of a file name without `.plist`.
const MAX_LABEL_BYTES: usize = 255 - ".plist".len();

impl Label {
    /// Accepts letters, digits and `. _ -`. A `/` separates domain and label in the arguments of launchctl(1).
    pub fn parse(value: &OsStr) -> Result<Self, ValueError> {
        let label = value.to_str().ok_or("not UTF-8")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if label.is_empty() || label.starts_with(['.', '-']) {
            Err(ValueError::hinted(
                "a label must begin with a letter or a digit",
                "use a name such as org.example.web",
            ))
        } else if label.len() > MAX_LABEL_BYTES {
            Err(format!("longer than {MAX_LABEL_BYTES} bytes").into())
        } else if let Some(bad) = label.chars().find(|c| !legal(*c)) {
            let cause = format!("a label cannot contain the character '{}'", bad.escape_debug());
            Err(ValueError::hinted(cause, "use letters, digits and . _ -"))
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
    fn label_that_is_not_a_file_name_is_rejected() {
        for label in ["", ".", "..", "-x", "a/b", "a b", "é", "a\n", &"x".repeat(250)] {
            assert!(Label::parse(OsStr::new(label)).is_err(), "{label:?} was accepted");
        }
        assert_eq!(Label::parse(OsStr::new("org.example.web-1")).unwrap().as_str(), "org.example.web-1");
    }
}
