//! `svcadapt gen-s6`: writes a service as a directory of s6.

use clap::{ArgMatches, Command};
use svcadapt_convert::divide::Target;

use super::generate::Scripts;
use super::{Exit, generate};

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("gen-s6")
        .about("Writes a service directory of s6, which s6-rc reads, too")
        .after_help(
            "DIR/NAME with run, type, and what else is needed: finish keeps the service down after an end that --restart does not \
             restart, notification-fd hears the readiness, down-signal and timeout-kill stop it.\n\n\
             For s6-supervise 2.11 and later: a link to the directory in the directory of s6-svscan(8) starts it; s6-rc-compile \
             reads DIR.\n\n\
             s6 does not say whether s6-svc -r has ended the service, so after a final end it stays down then, too: `s6-svc -d` \
             and `-u`, or `svcadapt restart NAME`, restart it.",
        )
        .defer(generate::options)
}

/// Writes it.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    generate::run(matches, Ok(Scripts { target: Target::S6 }))
}
