//! Writes `ExecStart=`: the program, or svcadapt with the program.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::{CommandPrefix, CommandPrivileges, Field, Native};

use super::{NO_VARIABLES, UnitWriter, too_long};
use crate::QuoteError;
use crate::divide::{CommandWord, Place};
use crate::unit::quote;
use crate::unit::quote::Dollar;

impl UnitWriter<'_> {
    /// The prefixes of the line. The adapter is replaced by the program or ends with its status, so it has the prefix `-`
    /// too; what rights it has is its own business.
    fn prefix(&self) -> String {
        let prefix = self.spec.prefix;
        if self.division.needs_adapter() {
            CommandPrefix { privileges: CommandPrivileges::Service, ..prefix }.to_string()
        } else {
            prefix.to_string()
        }
    }

    /// Writes the command, unless it is a native line.
    pub(super) fn command(&mut self, words: &[CommandWord]) {
        let native = self.spec.command.is_native();
        if native && self.division.needs_adapter() {
            let why = "only systemd can expand this command line, so svcadapt cannot start the program";
            return self
                .errors
                .push(QuoteError::new(0, why).in_value(Place::Program, OsStr::new(Native::COMMAND)));
        }
        if native || self.natives("Service").iter().any(|line| line.name() == Native::COMMAND) {
            // It is written as a native line, with its prefixes.
            return;
        }
        if let Some(first) = words.first()
            && !self.host.version.has(NO_VARIABLES)
            && let Some(offset) = first.text.as_bytes().iter().position(|byte| *byte == b'$')
        {
            let why = "systemd before 244 always expands '$' in the name of the program";
            return self.errors.push(QuoteError::new(offset, why).in_value(first.place, &first.text));
        }
        let variables = self.division.host.contains(&Field::ExpandVariables);
        let dollar = if variables { Dollar::Variable } else { Dollar::Literal };
        let argv0 = self.spec.argv0.as_deref().filter(|_| self.division.host.contains(&Field::Argv0));
        match quote::exec_start(words.iter().map(|word| word.text.as_os_str()), dollar, argv0) {
            Ok(line) if "ExecStart=".len() + line.len() > quote::MAX_LINE_BYTES => {
                self.errors.push(too_long(Place::Program, &self.spec.command.program));
            }
            Ok(line) => {
                let line = match line.strip_prefix('"') {
                    Some(quoted) => format!("\"{}{quoted}", self.prefix()),
                    None => format!("{}{line}", self.prefix()),
                };
                self.put("ExecStart", &line);
            }
            Err(errors) => {
                self.errors.extend(
                    errors
                        .into_iter()
                        .map(|(index, error)| error.in_value(words[index].place, &words[index].text)),
                );
            }
        }
    }
}
