//! The lines with commands that a unit has had so far.

use std::collections::BTreeMap;

use svcadapt_spec::Field;
use svcadapt_spec::command_line::CommandLine;

use super::Unmapped;

/// The command lines of each directive, in order.
#[derive(Default)]
pub(super) struct ExecLines {
    pub(super) of: BTreeMap<Field, Vec<ExecAssignment>>,
}

/// One line of a directive.
pub(super) struct ExecAssignment {
    pub(super) line: Unmapped,
    /// Its commands, or why only systemd can use it.
    pub(super) commands: Result<Vec<CommandLine>, String>,
}
