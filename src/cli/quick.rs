//! The plain command line of `run`, read without clap.
//!
//! Every start of a service comes through here, and for clap to build its sixty options is most of what such a start
//! costs. So what is plain is read by the table of fields alone: `run`, long options that are written out with a value
//! each, `--`, and the program. Whatever else there is (short letters, `--help`, `--dry-run`, a mistake), nothing is
//! decided here: clap reads it, and says what is wrong with it. A test holds that both read the same.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use svcadapt::detect::ModeOption;
use svcadapt_spec::{FIELDS, Origin, SpecDraft};

use super::args;

/// Reads the arguments, the program's own name first; none where they are not plain.
pub(super) fn read(arguments: &[OsString]) -> Option<(SpecDraft, ModeOption)> {
    let mut rest = arguments.get(1..)?.iter();
    if rest.next()? != "run" {
        return None;
    }
    let (mut values, mut asked) = (Vec::new(), None);
    loop {
        let option = rest.next()?;
        if option == "--" {
            break;
        }
        let (name, value) = divide(option)?;
        let row = FIELDS.iter().position(|row| row.option.as_bytes() == name);
        let value = match (value, row) {
            (Some(value), _) => value,
            (None, Some(row)) if FIELDS[row].value == "BOOL" => args::YES.as_ref(),
            (None, _) => rest.next()?.as_os_str(),
        };
        // An empty value, or one that looks like an option, may be a mistake.
        if value.is_empty() || value.as_bytes().starts_with(b"-") {
            return None;
        }
        match row {
            Some(row) => values.push((row, value)),
            None if name == b"mode" && asked.is_none() => {
                asked = Some(ModeOption::from_name(value.to_str()?)?);
            }
            None => return None,
        }
    }
    let words: Vec<OsString> = rest.cloned().collect();
    if words.is_empty() {
        return None;
    }
    // In the order of the table, as clap's are taken.
    values.sort_by_key(|(row, _)| *row);
    let mut draft = SpecDraft::new();
    for (row, value) in values {
        draft.assign(FIELDS[row].field, args::typed(FIELDS[row].field, value), Origin::Option);
    }
    args::command(&mut draft, words);
    Some((draft, asked.unwrap_or(ModeOption::Auto)))
}

/// `--name=value`, or `--name` whose value follows.
fn divide(option: &OsStr) -> Option<(&[u8], Option<&OsStr>)> {
    let text = option.as_bytes().strip_prefix(b"--")?;
    Some(match text.iter().position(|&byte| byte == b'=') {
        Some(at) => (&text[..at], Some(OsStr::from_bytes(&text[at + 1..]))),
        None => (text, None),
    })
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        ["svcadapt", "run"].into_iter().chain(line.split(' ')).map(OsString::from).collect()
    }

    /// What both readers make of the arguments of `run`, as text.
    fn read_both(line: &str) -> (Option<String>, Option<String>) {
        let plain = read(&words(line)).map(|read| format!("{read:?}"));
        let matches = run::command().try_get_matches_from(&words(line)[1..]).ok();
        let read = |matches| {
            let mut draft = SpecDraft::new();
            args::lay(&mut draft, &matches);
            format!("{:?}", (draft, args::asked(&matches)))
        };
        (plain, matches.map(read))
    }

    #[test]
    fn what_is_plain_is_read_as_clap_reads_it() {
        let mut lines = vec![
            "-- true".to_owned(),
            "--mode classic -- ./here --name x -- y".to_owned(),
            "--user=a=b --environment A=1 --name n --environment=B= -- /bin/a".to_owned(),
            "--no-new-privileges --prevent-core=no --mode=supervised -- /bin/a -x".to_owned(),
        ];
        lines.extend(FIELDS.iter().map(|row| match row.value {
            "BOOL" => format!("--{} -- a", row.option),
            _ => format!("--{} value -- a", row.option),
        }));
        lines.extend(FIELDS.iter().map(|row| format!("--{}=value -- a", row.option)));
        for line in lines {
            let (plain, clap) = read_both(&line);
            assert!(plain.is_some(), "{line}");
            assert_eq!(plain, clap, "{line}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_clap() {
        for line in [
            "",
            "--help",
            "--dry-run -- a",
            "-u nobody -- a",
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
