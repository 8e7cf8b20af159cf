//! `svcadapt gen-sysv`: writes a service as an init script of System V.

use clap::{ArgMatches, Command};
use svcadapt_convert::divide::Target;

use super::generate::Scripts;
use super::{Exit, generate};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-sysv")
        .about("Writes an init script of System V (LSB) for a service")
        .after_help(
            "For /etc/init.d; `update-rc.d NAME defaults` or `chkconfig --add NAME` starts it at boot.\n\n\
             The script takes start, stop, restart, reload, force-reload, try-restart and status, with the exit statuses of the \
             LSB. The start returns when the service is ready. After= and similar lines of a unit become Required-Start and \
             Should-Start where init scripts have such a service.",
        )
        .defer(generate::options)
}

/// Writes it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    generate::run(matches, Ok(Scripts { target: Target::SysV }))
}
