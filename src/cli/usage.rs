//! What clap has to say, in our own form.

use clap::error::ErrorKind;
use svcadapt::StepError;

use super::Exit;
use super::report::{print, report};

/// Prints help where that was asked for; else says in one line what is wrong with what was typed.
pub(crate) fn explain(error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => print(&text).err().unwrap_or(Exit::Status(0)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report(&StepError::new("usage", "no command").hint("svcadapt --help tells them"));
            Exit::Status(svcadapt::USAGE)
        }
        _ => {
            report(&problem(&text));
            Exit::Status(svcadapt::USAGE)
        }
    }
}

/// clap's first paragraph is the cause, its `tip:` is the hint.
fn problem(text: &str) -> StepError {
    let paragraph = text.trim_start_matches("error: ").lines().take_while(|line| !line.trim().is_empty());
    let cause = paragraph.map(str::trim).collect::<Vec<_>>().join(" ");
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let command = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("svcadapt");
    let name = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    let words = command.split(' ').take_while(name);
    let help = format!("{} --help tells what can be said", words.collect::<Vec<_>>().join(" "));
    StepError::new("usage", cause).hint(tip.map_or(help, str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> String {
        let error = super::super::command().try_get_matches_from(words).unwrap_err();
        problem(&error.render().to_string()).to_string()
    }

    #[test]
    fn a_mistyped_option_is_one_line_and_a_hint() {
        assert_eq!(
            said(&["svcadapt", "run", "--umaks", "022"]),
            "usage: unexpected argument '--umaks' found\n  hint: a similar argument exists: '--umask'"
        );
        assert_eq!(
            said(&["svcadapt", "run", "--umask"]),
            "usage: a value is required for '--umask <OCTAL>' but none was supplied\n  \
             hint: svcadapt --help tells what can be said"
        );
        assert_eq!(
            said(&["svcadapt", "run", "--json", "--", "x"]),
            "usage: the following required arguments were not provided: --dry-run\n  \
             hint: svcadapt run --help tells what can be said"
        );
    }
}
