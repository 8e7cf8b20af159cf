//! The manual pages: one of each command, and two about subjects.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use svcadapt::StepError;
use svcadapt::internal::error_text;

use super::markdown;

/// A manual page.
pub(super) struct Page {
    /// `svcadapt-run.1`
    pub(super) file: String,
    kind: Kind,
}

enum Kind {
    Command(Box<Command>),
    Subject { summary: &'static str, sections: &'static [&'static str] },
}

/// When the texts below changed.
const DATE: &str = "2026-12-01";

/// The name, the summary and the text of the pages about subjects: pages of the manual (docs/).
const SUBJECTS: [(&str, &str, &[&str]); 2] = [
    (
        "svcadapt.7",
        "what svcadapt does on each host",
        &[
            include_str!("text/modes.md"),
            include_str!("text/environment.md"),
            include_str!("text/files.md"),
            include_str!("text/hosts.md"),
        ],
    ),
    (
        "svcadapt.service.7",
        "the section of a systemd unit that svcadapt reads",
        &[include_str!("text/x-svcadapt.md")],
    ),
];

/// What the page of `run` has from the manual.
const RUN: [&str; 2] = [include_str!("text/readiness.md"), include_str!("text/exit-statuses.md")];

/// The page of svcadapt, one of each subcommand, and those about subjects.
pub(super) fn pages(svcadapt: Command) -> Vec<Page> {
    // `help` has no page.
    let mut svcadapt = svcadapt.disable_help_subcommand(true);
    // Adds the deferred options.
    svcadapt.build();
    let commands: Vec<Command> = svcadapt
        .get_subcommands()
        .map(|command| {
            let name = format!("svcadapt-{}", command.get_name());
            command.clone().name(name).disable_help_subcommand(true)
        })
        .collect();
    let commands = [svcadapt].into_iter().chain(commands).map(|command| Page {
        file: format!("{}.1", command.get_name()),
        kind: Kind::Command(Box::new(command)),
    });
    let subjects = SUBJECTS.map(|(file, summary, sections)| Page {
        file: file.to_owned(),
        kind: Kind::Subject { summary, sections },
    });
    commands.chain(subjects).collect()
}

impl Page {
    /// Its text for man(1).
    pub(super) fn text(&self) -> Result<String, StepError> {
        let mut page = Vec::new();
        let done = match &self.kind {
            Kind::Command(command) => self.command(command, &mut page),
            Kind::Subject { summary, sections } => self.subject(summary, sections, &mut page),
        };
        let text = done.and_then(|()| String::from_utf8(page).map_err(io::Error::other));
        text.map(|text| tidy(&text))
            .map_err(|error| StepError::new("man", error_text(&error)).of(self.file.clone()).status(1))
    }

    /// Like clap_mangen's own rendering, but with a short synopsis: that of `run` would list all its options.
    fn command(&self, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
        let name = command.get_name();
        let mut roff = self.title();
        let summary = command.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("SH", ["NAME"]).text([roman(format!("{name} - {summary}"))]);
        let usage = command.clone().render_usage().to_string();
        roff.control("SH", ["SYNOPSIS"]).text([roman(usage.trim_start_matches("Usage: "))]);
        roff.to_writer(page)?;
        let man = Man::new(command.clone());
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        if command.has_subcommands() {
            man.render_subcommands_section(page)?;
        }
        let mut roff = Roff::new();
        if name == "svcadapt-run" {
            for text in RUN {
                markdown::write(text, &mut roff);
            }
        }
        self.see_also(&mut roff);
        roff.to_writer(page)
    }

    fn subject(&self, summary: &str, sections: &[&str], page: &mut Vec<u8>) -> io::Result<()> {
        let mut roff = self.title();
        roff.control("SH", ["NAME"]).text([roman(format!("{} - {summary}", self.name()))]);
        for text in sections {
            markdown::write(text, &mut roff);
        }
        self.see_also(&mut roff);
        roff.to_writer(page)
    }

    fn title(&self) -> Roff {
        let mut roff = Roff::new();
        let section = &self.file[self.name().len() + 1..];
        let version = concat!("svcadapt ", env!("CARGO_PKG_VERSION"));
        roff.control("TH", [self.name(), section, DATE, version, "svcadapt manual"]);
        roff
    }

    fn name(&self) -> &str {
        self.file.rsplit_once('.').map_or(&self.file, |(name, _)| name)
    }

    fn see_also(&self, roff: &mut Roff) {
        roff.control("SH", ["SEE ALSO"]);
        let others = ["svcadapt.1", "svcadapt-run.1", "svcadapt.7", "svcadapt.service.7", "daemon.7"];
        let mut words = Vec::new();
        for (name, section) in
            others.iter().filter(|other| **other != self.file).filter_map(|other| other.rsplit_once('.'))
        {
            let comma = if words.is_empty() { "" } else { ", " };
            words.extend([roman(comma), bold(name), roman(format!("({section})"))]);
        }
        roff.text(words);
    }
}

/// Without the empty lines that clap_mangen writes between `.br`, and in ASCII, which every formatter reads.
fn tidy(text: &str) -> String {
    let text = text.replace("\n.br\n\n.br\n", "\n.sp\n").replace("\n\n.br\n", "\n.sp\n");
    let ascii = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    text.chars().map(ascii).collect()
}
