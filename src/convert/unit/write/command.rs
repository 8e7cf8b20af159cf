//! What a unit starts: the program, or the adapter before it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::{Directive, Field, Native};

use super::{NO_VARIABLES, Unit, too_long};
use crate::Unfit;
use crate::divide::{Place, Word, command_prefixes};
use crate::unit::quote;
use crate::unit::quote::Dollar;

impl Unit<'_> {
    /// Whether the program behind the adapter may fail (systemd.service(5), "Special executable prefixes"): the
    /// adapter is replaced by it, or ends as it does.
    fn fails_well(&self) -> bool {
        let before = |line: &Directive| command_prefixes(line).is_some_and(|signs| signs.contains('-'));
        self.division.needs_adapter() && self.spec.native.systemd.iter().flatten().any(before)
    }

    /// What is started, where that does not stand among what only systemd understands.
    pub(super) fn command(&mut self, words: &[Word]) {
        let native = self.spec.command.is_native();
        if native && self.division.needs_adapter() {
            let why = "svcadapt cannot stand before what only systemd can read";
            return self.refused.push(Unfit::at(0, why).of(Place::Program, OsStr::new(Native::COMMAND)));
        }
        if native || self.natives("Service").iter().any(|line| line.name() == Native::COMMAND) {
            // It stands among what only systemd understands, with its prefixes.
            return;
        }
        if let Some(first) = words.first()
            && !self.host.version.has(NO_VARIABLES)
            && let Some(offset) = first.text.as_bytes().iter().position(|byte| *byte == b'$')
        {
            let why = "a systemd before 244 puts a variable into the name of the program, and cannot be told not to";
            return self.refused.push(Unfit::at(offset, why).of(first.place, &first.text));
        }
        let variables = self.division.host.contains(&Field::ExpandVariables);
        let dollar = if variables { Dollar::Variable } else { Dollar::Itself };
        let called = self.spec.argv0.as_deref().filter(|_| self.division.host.contains(&Field::Argv0));
        match quote::exec_start(words.iter().map(|word| word.text.as_os_str()), dollar, called) {
            Ok(line) if "ExecStart=".len() + line.len() > quote::LONGEST_LINE => {
                self.refused.push(too_long(Place::Program, &self.spec.command.program));
            }
            Ok(line) => {
                let line = match line.strip_prefix('"') {
                    _ if !self.fails_well() => line,
                    Some(quoted) => format!("\"-{quoted}"),
                    None => format!("-{line}"),
                };
                self.put("ExecStart", &line);
            }
            Err(unfit) => {
                self.refused.extend(
                    unfit.into_iter().map(|(index, why)| why.of(words[index].place, &words[index].text)),
                );
            }
        }
    }
}
