//! `svcadapt man` and `svcadapt completions`: manual pages and completion scripts, generated from the clap commands.

use std::io;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use svcadapt::StepError;
use svcadapt::internal::error_text;

use super::Exit;
use super::report::{print, report};
use svcadapt_hosts::{OutputFile, deliver};

/// The clap command of `man`.
pub(crate) fn man_command() -> Command {
    Command::new("man")
        .about("Prints a manual page")
        .long_about(
            "Prints the manual page of a command, by default that of svcadapt itself. \
             `svcadapt man run | man -l -` displays it.",
        )
        .arg(Arg::new("command").value_name("COMMAND").help("The command whose page is printed"))
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("DIR")
                .help("Write all pages into this directory instead, as svcadapt.1 and svcadapt-COMMAND.1")
                .conflicts_with("command")
                .value_parser(value_parser!(PathBuf)),
        )
}

/// The clap command of `completions`.
pub(crate) fn completions_command() -> Command {
    Command::new("completions")
        .about("Prints a completion script for a shell")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)))
}

/// Prints a page, or writes all of them.
pub(crate) fn man(matches: &ArgMatches, svcadapt: Command) -> Exit {
    let names: Vec<String> =
        svcadapt.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let pages = pages(svcadapt);
    if let Some(directory) = matches.get_one::<PathBuf>("output") {
        for page in &pages {
            if let Err(error) = page
                .text()
                .and_then(|text| deliver(directory, &[OutputFile::read_only(page.file(), text.into_bytes())]))
            {
                report(&error);
                return Exit::Status(error.status);
            }
        }
        return Exit::Status(0);
    }
    let name = matches.get_one::<String>("command").map(|command| format!("svcadapt-{command}"));
    let name = name.as_deref().unwrap_or("svcadapt");
    match pages.iter().find(|page| page.name == name).map(Page::text) {
        Some(Ok(text)) => print(&text).err().unwrap_or(Exit::Status(0)),
        Some(Err(error)) => {
            report(&error);
            Exit::Status(error.status)
        }
        None => {
            let command = name.trim_start_matches("svcadapt-").to_owned();
            report(
                &StepError::new("man", format!("unknown command '{command}'")).hint(commands_hint(&names)),
            );
            Exit::Status(svcadapt::USAGE)
        }
    }
}

/// A hint that lists the commands.
fn commands_hint(names: &[String]) -> String {
    format!("the commands are {}", names.join(", "))
}

/// Prints the script for a shell.
pub(crate) fn completions(matches: &ArgMatches, mut svcadapt: Command) -> Exit {
    let Some(&shell) = matches.get_one::<Shell>("shell") else { return Exit::Status(svcadapt::USAGE) };
    let mut script = Vec::new();
    svcadapt.build();
    generate(shell, &mut svcadapt, "svcadapt", &mut script);
    print(&script).err().unwrap_or(Exit::Status(0))
}

/// One manual page.
struct Page {
    name: String,
    command: Command,
}

/// The exit statuses of `run`.
const STATUSES: [(&str, &str); 9] = [
    ("0", "Classic: the service is ready. Supervised: the program ended with 0. Or a condition is not met."),
    ("1", "An assertion is not met; nothing was started."),
    ("2", "Usage error, or a spec that cannot be run."),
    ("200 to 243", "A step failed; the number is systemd's for that step (systemd.exec(5))."),
    ("248", "The service ended with status 0 before it was ready."),
    ("249", "The service was not ready in time; nothing is left running."),
    ("250", "The service is already running; the message names the process."),
    ("251", "The pid file, its directory or the lock cannot be trusted or written."),
    ("else", "The program's own status; if a signal killed it, svcadapt ends by the same signal."),
];

/// The page of svcadapt, and one for each subcommand.
fn pages(svcadapt: Command) -> Vec<Page> {
    // `help` has no page.
    let mut svcadapt = svcadapt.disable_help_subcommand(true);
    // Adds the deferred options.
    svcadapt.build();
    let mut pages: Vec<Page> = svcadapt
        .get_subcommands()
        .map(|command| {
            let name = format!("svcadapt-{}", command.get_name());
            let command = command.clone().name(name.clone()).disable_help_subcommand(true);
            Page { name, command }
        })
        .collect();
    pages.insert(0, Page { name: "svcadapt".to_owned(), command: svcadapt });
    pages
}

impl Page {
    fn file(&self) -> String {
        format!("{}.1", self.name)
    }

    fn text(&self) -> Result<String, StepError> {
        let mut page = Vec::new();
        let text = self.render(&mut page).and_then(|()| String::from_utf8(page).map_err(io::Error::other));
        text.map_err(|error| StepError::new("man", error_text(&error)).of(self.name.clone()).status(1))
    }

    /// Like clap_mangen's own rendering, but with a short synopsis: that of `run` would list all its options.
    fn render(&self, page: &mut Vec<u8>) -> io::Result<()> {
        let man = Man::new(self.command.clone());
        man.render_title(page)?;
        man.render_name_section(page)?;
        let usage = self.command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        Roff::new().control("SH", ["SYNOPSIS"]).text([roman(usage)]).to_writer(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        if self.command.has_subcommands() {
            man.render_subcommands_section(page)?;
        }
        if self.name == "svcadapt-run" {
            let mut statuses = Roff::new();
            statuses.control("SH", ["EXIT STATUS"]);
            for (status, meaning) in STATUSES {
                statuses.control("TP", []).text([roman(status)]).text([roman(meaning)]);
            }
            statuses.to_writer(page)?;
        }
        Ok(())
    }
}
