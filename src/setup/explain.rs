//! Hints for errors of the kernel.

use std::{fs, io};

use svcadapt_spec::{Input, Output, TerminalClaim};

use crate::error::StepError;
use crate::plan::SetupStep;
use crate::sys::identity;

/// The kernel's error, with a hint for those that are hard to understand.
pub(super) fn explain(step: &SetupStep, error: &io::Error) -> StepError {
    let failure = StepError::io(step, error);
    match (step, error.kind()) {
        (
            SetupStep::Nice(_)
            | SetupStep::OomScore(_)
            | SetupStep::Limit(..)
            | SetupStep::CpuPolicy { .. }
            | SetupStep::IoPriority(..)
            | SetupStep::SecureBits(_),
            io::ErrorKind::PermissionDenied,
        ) if identity::effective_user() != 0 => failure.hint("only root can raise this"),
        (SetupStep::CpuAffinity(_), io::ErrorKind::InvalidInput) => {
            failure.hint("this machine has none of these processors")
        }
        (SetupStep::NumaPolicy(..), io::ErrorKind::InvalidInput) => failure
            .hint("bind and interleave need nodes that exist, preferred at most one, and the others none"),
        (SetupStep::RootDirectory(_), io::ErrorKind::PermissionDenied) => {
            failure.hint("only root can change the root directory")
        }
        (SetupStep::StandardInput(Input::Terminal(TerminalClaim::Fail)), io::ErrorKind::ResourceBusy) => {
            failure.hint("--standard-input tty waits for it, tty-force takes it")
        }
        (
            SetupStep::StandardInput(Input::Terminal(_))
            | SetupStep::StandardOutput(Output::Terminal)
            | SetupStep::StandardError(Output::Terminal),
            kind,
        ) if kind != io::ErrorKind::PermissionDenied => {
            failure.hint("--tty-path names the terminal; without it, it is /dev/console")
        }
        (SetupStep::StandardOutput(_) | SetupStep::StandardError(_), io::ErrorKind::Other) => {
            failure.hint("remove it, or log to a directory in which only root can make files")
        }
        (SetupStep::WorkingDirectory(_), io::ErrorKind::PermissionDenied) => {
            failure.hint("the service's user may not enter it")
        }
        (SetupStep::Directory { path, .. }, io::ErrorKind::Other)
            if fs::read_link(path).is_ok_and(|target| target.starts_with("private")) =>
        {
            failure.hint("systemd keeps it in private/ for its dynamic users; move it back to use it here")
        }
        (SetupStep::Execute(_), io::ErrorKind::NotFound) => {
            failure.hint("the file exists, but its loader or interpreter does not")
        }
        _ => failure,
    }
}
