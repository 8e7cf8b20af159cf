//! The fast path of `run`: option words read without clap.
//!
//! Every start of a service comes through here, and building clap's seventy options is most of what such a start costs.
//! [`OptionWords`] reads `run [OPTION]... -- PROGRAM ...` by the table of fields. Everything else (`--help`, `--dry-run`,
//! a file, a mistake) is left to clap, which also writes the error. A test checks that both read the same.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use svcadapt::detect::ModeOption;
use svcadapt_spec::{OptionWords, Origin, SpecDraft};

use super::args;

/// Reads the arguments, the program's own name first. `None` means that clap has to read them.
pub(super) fn read(arguments: &[OsString]) -> Option<(SpecDraft, ModeOption)> {
    if arguments.get(1)? != "run" {
        return None;
    }
    let OptionWords { values, mode, command } = OptionWords::parse(&arguments[2..]).ok()?;
    // An empty value, or one that looks like an option, may be a mistake.
    let is_doubtful = |value: &[u8]| value.is_empty() || value.starts_with(b"-");
    if command.is_empty() || values.iter().any(|(_, value)| is_doubtful(value.as_bytes())) {
        return None;
    }
    let mode = match mode {
        Some(mode) => ModeOption::from_name(mode.to_str()?)?,
        None => ModeOption::Auto,
    };
    let mut draft = SpecDraft::new();
    for (field, value) in values {
        draft.assign(field, args::from_shell(field, value), Origin::Option);
    }
    args::command(&mut draft, command.to_vec());
    Some((draft, mode))
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::FIELDS;

    use super::super::run;
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        ["svcadapt", "run"].into_iter().chain(line.split(' ')).map(OsString::from).collect()
    }

    /// The results of both readers for the arguments of `run`, as text.
    fn read_both(line: &str) -> (Option<String>, Option<String>) {
        let quick = read(&words(line)).map(|read| format!("{read:?}"));
        let matches = run::command().try_get_matches_from(&words(line)[1..]).ok();
        let read = |matches| {
            let mut draft = SpecDraft::new();
            args::apply(&mut draft, &matches);
            format!("{:?}", (draft, args::mode_option(&matches)))
        };
        (quick, matches.map(read))
    }

    #[test]
    fn options_before_a_command_are_read_as_clap_reads_them() {
        let mut lines = vec![
            "-- true".to_owned(),
            "--mode classic -- ./here --name x -- y".to_owned(),
            "--user=a=b --environment A=1 --name n --environment=B= -- /bin/a".to_owned(),
            "-u nobody -c=here -EA=1 -E B=2 -oout -- /bin/a".to_owned(),
            "--no-new-privileges --prevent-core=no --mode=supervised -- /bin/a -x".to_owned(),
        ];
        lines.extend(FIELDS.iter().map(|row| match row.value {
            "BOOL" => format!("--{} -- a", row.option),
            _ => format!("--{} value -- a", row.option),
        }));
        lines.extend(FIELDS.iter().map(|row| format!("--{}=value -- a", row.option)));
        for line in lines {
            let (quick, clap) = read_both(&line);
            assert!(quick.is_some(), "{line}");
            assert_eq!(quick, clap, "{line}");
        }
    }

    #[test]
    fn other_words_are_left_to_clap() {
        for line in [
            "",
            "--help",
            "--dry-run -- a",
            "-u -x -- a",
            "a",
            "--name",
            "--name x",
            "--name --",
            "--name -- a",
            "--name= -- a",
            "--nice -5 -- a",
            "--environment-file -/x -- a",
            "--mode maybe -- a",
            "--mode classic --mode classic -- a",
            "--nam x -- a",
            "--mode -- a",
            "--prevent-core no -- a",
            "--",
        ] {
            assert_eq!(read_both(line).0, None, "{line}");
        }
    }
}
