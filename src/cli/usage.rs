//! clap's errors in the form of all other errors.

use std::io;

use anstream::{AutoStream, ColorChoice};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use svcadapt::StepError;

use super::report::{print, report};
use super::{Exit, foreign};

/// Prints the help or the version if requested, else the error in one line with a hint.
pub(crate) fn explain(error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let is_coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
            let text = if is_coloured { error.render().ansi().to_string() } else { text };
            print(&text).err().unwrap_or(Exit::Status(0))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report(&StepError::new("usage", "no command given").hint("see 'svcadapt --help'"));
            Exit::Status(svcadapt::USAGE)
        }
        _ => {
            report(&usage_error(error, &text));
            Exit::Status(svcadapt::USAGE)
        }
    }
}

/// An unknown command or option is named, with the most similar one as the hint. For all other errors clap's first
/// paragraph is the cause, and its `tip:` is the hint.
fn usage_error(error: &clap::Error, text: &str) -> StepError {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        // The most similar one is the last.
        Some(ContextValue::Strings(words)) => words.last().map(String::as_str),
        _ => None,
    };
    let (wrong, similar) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        _ => (ContextKind::InvalidArg, ContextKind::SuggestedArg),
    };
    let unknown = word(wrong).and_then(|word| match error.kind() {
        ErrorKind::InvalidSubcommand => Some(format!("unknown command '{word}'")),
        ErrorKind::UnknownArgument if word.starts_with('-') => Some(format!("unknown option '{word}'")),
        ErrorKind::UnknownArgument => Some(format!("unexpected argument '{word}'")),
        _ => None,
    });
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return missing(error, text);
    }
    let words = command_words(text);
    let foreign = word(wrong).and_then(|word| match error.kind() {
        ErrorKind::InvalidSubcommand => foreign::command(word),
        ErrorKind::UnknownArgument if words.len() <= 1 && !word.starts_with("--") => {
            Some("options follow a command: 'svcadapt run -- PROGRAM' starts one".to_owned())
        }
        ErrorKind::UnknownArgument => foreign::option(word),
        _ => None,
    });
    let tip = match (&unknown, word(similar)) {
        (Some(_), _) if foreign.is_some() => foreign,
        (Some(_), Some(similar)) => Some(format!("did you mean '{similar}'?")),
        // clap proposes to pass an unknown option as a word of the program.
        (Some(_), None) => None,
        _ => text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned),
    };
    let cause = unknown.unwrap_or_else(|| {
        let paragraph = text.trim_start_matches("error: ").lines().take_while(|line| !line.trim().is_empty());
        paragraph.map(str::trim).collect::<Vec<_>>().join(" ")
    });
    StepError::new("usage", cause).hint(tip.unwrap_or_else(|| format!("see '{} --help'", words.join(" "))))
}

/// The error for arguments that are not there, such as `<NAME|--pid-file <PATH>>`.
fn missing(error: &clap::Error, text: &str) -> StepError {
    let arguments = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(arguments)) => arguments.as_slice(),
        _ => &[],
    };
    let plain: Vec<String> =
        arguments.iter().map(|argument| argument.replace('|', " or ").replace(['<', '>'], "")).collect();
    let names_service = plain.iter().any(|argument| argument.starts_with("NAME"));
    let hint = if names_service {
        "`svcadapt list` shows the services".to_owned()
    } else {
        format!("see '{} --help'", command_words(text).join(" "))
    };
    StepError::new("usage", format!("{} is missing", plain.join(" and "))).hint(hint)
}

/// The command that clap's text is about: `svcadapt` and perhaps a subcommand.
fn command_words(text: &str) -> Vec<&str> {
    let command = text.lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap_or("svcadapt");
    let is_command = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    command.split(' ').take_while(is_command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(words: &[&str]) -> String {
        let error = super::super::command().try_get_matches_from(words).unwrap_err();
        usage_error(&error, &error.render().to_string()).to_string()
    }

    #[test]
    fn unknown_word_is_named_with_the_most_similar_one() {
        assert_eq!(
            message(&["svcadapt", "statsu"]),
            "usage: unknown command 'statsu'\n  hint: did you mean 'status'?"
        );
        assert_eq!(
            message(&["svcadapt", "xyz"]),
            "usage: unknown command 'xyz'\n  hint: see 'svcadapt --help'"
        );
        assert_eq!(
            message(&["svcadapt", "run", "--umaks", "022"]),
            "usage: unknown option '--umaks'\n  hint: did you mean '--umask'?"
        );
        assert_eq!(
            message(&["svcadapt", "logs", "a", "b"]),
            "usage: unexpected argument 'b'\n  hint: see 'svcadapt logs --help'"
        );
    }

    #[test]
    fn usage_error_is_one_line_with_a_hint() {
        assert_eq!(
            message(&["svcadapt", "run", "--umask"]),
            "usage: a value is required for '--umask <OCTAL>' but none was supplied\n  \
             hint: see 'svcadapt --help'"
        );
        assert_eq!(
            message(&["svcadapt", "run", "--json", "--", "x"]),
            "usage: --dry-run is missing\n  hint: see 'svcadapt run --help'"
        );
    }
}
