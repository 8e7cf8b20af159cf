//! `svcadapt man`: manual pages, generated from the clap commands and from the manual.

mod markdown;
mod page;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use svcadapt::StepError;
use svcadapt_hosts::{OutputFile, deliver};

use self::page::{Page, pages};
use super::Exit;
use super::report::{print, report};

/// The clap command.
pub(crate) fn man_command() -> Command {
    Command::new("man")
        .about("Prints a manual page")
        .long_about(
            "Prints the manual page of a command, by default that of svcadapt itself; or svcadapt.7, what holds on each \
             host, or svcadapt.service.7, the section [X-Svcadapt] of a unit. `svcadapt man run | man -l -` displays it.",
        )
        .arg(Arg::new("command").value_name("COMMAND").help("The command whose page is printed, or the file name of a page"))
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("DIR")
                .help("Write all pages into this directory instead, as svcadapt.1, svcadapt-COMMAND.1, svcadapt.7 and svcadapt.service.7")
                .conflicts_with("command")
                .value_parser(value_parser!(PathBuf)),
        )
}

/// Prints a page, or writes all of them.
pub(crate) fn man(matches: &ArgMatches, svcadapt: Command) -> Exit {
    let names: Vec<String> =
        svcadapt.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let pages = pages(svcadapt);
    if let Some(directory) = matches.get_one::<PathBuf>("output") {
        for page in &pages {
            if let Err(error) = page.text().and_then(|text| {
                deliver(directory, &[OutputFile::read_only(page.file.clone(), text.into_bytes())])
            }) {
                report(&error);
                return Exit::Status(error.status);
            }
        }
        return Exit::Status(0);
    }
    let name = matches.get_one::<String>("command").map_or("", String::as_str);
    let of_command = if name.is_empty() { "svcadapt.1".to_owned() } else { format!("svcadapt-{name}.1") };
    let is_named = |page: &&Page| page.file == of_command || page.file == name;
    match pages.iter().find(is_named).map(Page::text) {
        Some(Ok(text)) => print(&text).err().unwrap_or(Exit::Status(0)),
        Some(Err(error)) => {
            report(&error);
            Exit::Status(error.status)
        }
        None => {
            report(&StepError::new("man", format!("unknown command '{name}'")).hint(commands_hint(&names)));
            Exit::Status(svcadapt::USAGE)
        }
    }
}

/// A hint that lists the commands.
fn commands_hint(names: &[String]) -> String {
    format!("the commands are {}", names.join(", "))
}
