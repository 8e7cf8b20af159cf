//! `svcadapt gen-openrc`: writes a service as a script of OpenRC.

use clap::{ArgMatches, Command};
use svcadapt_convert::divide::Target;

use super::generate::Scripts;
use super::{Exit, generate};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-openrc")
        .about("Writes a script of OpenRC for a service")
        .after_help(
            "For /etc/init.d; `rc-update add NAME` starts it at boot. OpenRC 0.45 and later.\n\n\
             supervise-daemon starts a program again after every end, so it gets a service with --restart always that needs no \
             process of svcadapt beside it. Any other service is started by svcadapt as a daemon: the start returns when the \
             service is ready, and svcadapt restarts it as the spec says. After= and similar lines of a unit become \
             depend() where OpenRC has such a service.",
        )
        .defer(generate::options)
}

/// Writes it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    generate::run(matches, Ok(Scripts { target: Target::OpenRc }))
}
