//! A unit, and every value in it as words and as commands.

use std::path::Path;

use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Systemd, Target, divide};
use svcadapt_convert::unit::internal::{Syntax, commands, split};
use svcadapt_convert::unit::{OriginalUnit, UnitFile, UnitName, UnitText, read, write};
use svcadapt_spec::{Field, Origin, SpecDraft};

use super::{gists, round_trip};

const SYNTAXES: [Syntax; 4] = [Syntax::Command, Syntax::Quoted, Syntax::Bare, Syntax::Tuple];

pub(super) fn any(bytes: &[u8]) -> String {
    let path = Path::new("/units/web@a-b.service");
    let plain = UnitName::parse("web@a-b.service").unwrap();
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default();
    // A name by chance, where it is one: specifiers are made of it.
    let named = UnitName::parse(first).or_else(|| UnitName::parse(&format!("{first}.service")));
    if let Some(name) = &named {
        assert!(name.drop_in_folders().len() < 300 && name.as_str().ends_with(".service"));
        let _ = commands("/bin/x %p %P %i %I %j %J %f %n %N %y %Y", name, path);
    }
    let name = named.unwrap_or(plain);
    value(&text, &name, path);
    let file = match UnitFile::parse(path, bytes) {
        Ok(file) => file,
        Err(faults) => return gists(told(&faults)),
    };
    for line in &file.lines {
        assert!(!file.section(line).contains(['\n', '\r']) && !line.key.is_empty());
        assert!(!line.value.contains(['\n', '\r', '\0']));
        value(&line.value, &name, path);
    }
    // A file that is its own drop-in says everything twice.
    if bytes.len() < 16 * 1024 {
        let _ = read(&name, &file, std::slice::from_ref(&file));
    }
    let reading = match read(&name, &file, &[]) {
        Ok(reading) => reading,
        Err(faults) => return gists(told(&faults)),
    };
    let original = OriginalUnit {
        name: name.clone(),
        service: UnitText { file: file.clone(), bytes: bytes.to_vec() },
        socket: None,
    };
    keeps(&original, &reading.draft);
    let mut all: Vec<String> = reading.not_honoured().iter().map(|line| line.cause()).collect();
    all.extend(told(&reading.warnings));
    match reading.draft.finish() {
        Ok(spec) => {
            all.push(round_trip::everywhere(&spec));
            gists(all)
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            gists(problems)
        }
    }
}

/// What is written again keeps every byte that no version concerns, and with a value more it can at least be written.
fn keeps(original: &OriginalUnit, draft: &SpecDraft) {
    let target = Target::Systemd(Systemd { version: Version::NEWEST, ..Systemd::default() });
    let rewritten = |draft: &SpecDraft| {
        let spec = draft.clone().finish_native().ok()?;
        let division = divide(&spec, target);
        let anew = write(&spec, &division, Path::new("/bin/svcadapt")).ok()?;
        original.rewrite(&spec, &division, Path::new("/bin/svcadapt"), &anew, None)
    };
    if let Some(rewritten) = rewritten(draft).filter(|rewritten| rewritten.losses.is_empty()) {
        assert_eq!(
            String::from_utf8_lossy(&rewritten.text),
            String::from_utf8_lossy(&original.service.bytes)
        );
    }
    let mut nicer = draft.clone();
    nicer.assign(Field::Nice, "7", Origin::Option);
    let _ = rewritten(&nicer);
}

/// The messages; what people would read is made, too.
fn told(faults: &[svcadapt_spec::SpecError]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            assert!(fault.to_string().starts_with("/units/web@a-b.service:"), "{fault}");
            fault.error.cause.clone()
        })
        .collect()
}

/// One value by itself, as each syntax has it.
fn value(text: &str, name: &UnitName, path: &Path) {
    for syntax in SYNTAXES {
        for word in split(text, syntax).unwrap_or_default() {
            assert!(!word.bytes.contains(&0) || text.contains('\0'), "an escape made a NUL byte");
        }
    }
    if let Ok(lines) = commands(text, name, path) {
        for command in lines.commands {
            assert!(!command.program.is_empty() && command.argv.first().is_some_and(|word| !word.is_empty()));
        }
    }
}
