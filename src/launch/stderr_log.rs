//! The end of a program's standard error, which explains a failed start.

use std::path::PathBuf;

use svcadapt_spec::{Output, WriteMode};

use super::outcome::StderrTail;
use super::start::Start;
use crate::plan::{Account, SetupStep};
use crate::setup;

/// The target of the program's standard error, with its length at the start.
pub(super) enum StderrLog {
    /// Appended to a file, from this offset on.
    File(PathBuf, u64),
    /// Written over a file of this length.
    Over(PathBuf, u64),
    Null,
    Elsewhere,
}

impl StderrLog {
    pub(super) fn new(start: &Start<'_>) -> Self {
        let target = start.plan.setup_steps().find_map(|step| match step {
            SetupStep::StandardError(output) => Some(output),
            _ => None,
        });
        match target {
            Some(Output::File(mode, path)) => {
                let path = path.as_path().to_owned();
                let length = setup::length(&path, &start.resolved.account).unwrap_or(0);
                match mode {
                    WriteMode::Append => Self::File(path, length),
                    WriteMode::Truncate => Self::File(path, 0),
                    WriteMode::Overwrite => Self::Over(path, length),
                }
            }
            // A program that becomes the service in place keeps the starter's stderr until it is ready.
            Some(Output::Null) if !start.plan.has_exec() => Self::Elsewhere,
            Some(Output::Null) => Self::Null,
            Some(Output::Inherit | Output::Descriptor(_)) | None => Self::Elsewhere,
        }
    }

    pub(super) fn stderr_tail(&self, account: &Account) -> StderrTail {
        const MAX_LINES: usize = 10;
        match self {
            Self::Elsewhere => StderrTail::None,
            Self::Null => StderrTail::Lost,
            // If the file has not grown, its end may be another instance's output.
            Self::Over(path, before) if setup::length(path, account).is_none_or(|now| now <= *before) => {
                StderrTail::None
            }
            Self::Over(path, _) => Self::File(path.clone(), 0).stderr_tail(account),
            Self::File(path, from) => match setup::tail(path, *from, account) {
                Ok(text) if !text.trim().is_empty() => {
                    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                    StderrTail::Lines(lines[lines.len().saturating_sub(MAX_LINES)..].to_vec())
                }
                _ => StderrTail::None,
            },
        }
    }
}
