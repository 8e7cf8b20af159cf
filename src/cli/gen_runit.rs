//! `svcadapt gen-runit`: writes a service as a directory of runit.

use clap::{ArgMatches, Command};
use svcadapt_convert::divide::Target;

use super::generate::Scripts;
use super::{Exit, generate};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-runit")
        .about("Writes a service directory of runit")
        .after_help(
            "DIR/NAME with run, and what else is needed: finish keeps the service down after an end that --restart does not \
             restart, control/t lets `sv restart` start it nevertheless, check is the readiness for `sv check`.\n\n\
             For /etc/sv; a link to the directory in the directory of runsvdir(8) starts it.",
        )
        .defer(generate::options)
}

/// Writes it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    generate::run(matches, Ok(Scripts { target: Target::Runit }))
}
