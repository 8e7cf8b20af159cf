//! The end of a program's standard error, which explains a failed start.

use std::path::PathBuf;
use std::time::SystemTime;

use svcadapt_spec::{Output, WriteMode};

use super::outcome::StderrTail;
use super::start::Start;
use crate::logs::LogSource;
use crate::plan::{Account, SetupStep};
use crate::{logs, setup};

/// The target of the program's standard error, with its length at the start.
pub(super) enum StderrLog {
    /// Appended to a file, from this offset on.
    File(PathBuf, u64),
    /// Written over a file of this length.
    Over(PathBuf, u64),
    /// A stream to the journal under this name, since this time.
    Journal(String, SystemTime),
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
                // A large log file of the service's own is moved aside at the start.
                let piped = start.spec.log_file.has_pipe();
                let moved =
                    !piped && start.resolved.own_log.as_ref() == Some(&path) && length > logs::MAX_BYTES;
                let length = if moved { 0 } else { length };
                match mode {
                    WriteMode::Append => Self::File(path, length),
                    WriteMode::Truncate => Self::File(path, 0),
                    WriteMode::Overwrite => Self::Over(path, length),
                }
            }
            Some(Output::Log(_)) => match LogSource::of(start.spec) {
                LogSource::Journal(identifier) => Self::Journal(identifier, SystemTime::now()),
                LogSource::File(_) | LogSource::Elsewhere(_) => Self::Elsewhere,
            },
            // A program that becomes the service in place keeps the starter's stderr until it is ready.
            Some(Output::Null) if !start.plan.has_exec() => Self::Elsewhere,
            Some(Output::Null) => Self::Null,
            Some(
                Output::Inherit
                | Output::Descriptor(_)
                | Output::Terminal
                | Output::Socket
                | Output::Named(_),
            )
            | None => Self::Elsewhere,
        }
    }

    /// The log file was rotated: all that is in it is the program's.
    pub(super) fn is_new(&mut self) {
        if let Self::File(_, from) = self {
            *from = 0;
        }
    }

    pub(super) fn stderr_tail(&self, account: &Account) -> StderrTail {
        const MAX_LINES: usize = 10;
        match self {
            Self::Elsewhere => StderrTail::None,
            Self::Null => StderrTail::Lost,
            Self::Journal(identifier, since) => {
                match logs::journal_since(identifier, account.uid, *since, MAX_LINES) {
                    lines if lines.is_empty() => StderrTail::None,
                    lines => StderrTail::Lines(lines),
                }
            }
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
