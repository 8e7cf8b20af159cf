//! A spec that stands in a file: which reader it needs, and what it says that nobody here does.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use clap::Arg;
use clap::ArgMatches;
use clap::value_parser;

use svcadapt::Error;
use svcadapt::format::unit;
use svcadapt::format::unit::UnitFile;
use svcadapt::format::unit::UnitName;
use svcadapt::spec::ServiceSpec;
use svcadapt::spec::SpecDraft;

use super::args;
use super::report::report;

const SPEC: &str = "spec";

/// A draft from a file.
pub(crate) struct Loaded {
    /// What a spec has a word for.
    pub(crate) draft: SpecDraft,
    /// What will be different from what the file says: `path:line: Directive=: not honoured here`.
    pub(crate) notes: Vec<String>,
    /// What is strange in the file but changes nothing: whoever else reads it ignores it too.
    pub(crate) warnings: Vec<String>,
}

/// What clap must know of the file.
pub(crate) fn argument() -> Arg {
    Arg::new(SPEC)
        .value_name("SPEC")
        .help("A file that describes the service: NAME.service, a systemd unit. Options are laid over it")
        .value_parser(value_parser!(PathBuf))
}

/// The spec from the file, if there is one, with the options laid over it. What is not honoured is told before
/// anything else; under `strict` it is an error.
pub(crate) fn spec(matches: &ArgMatches, strict: bool) -> Result<ServiceSpec, Vec<String>> {
    let told = |errors: Vec<Error>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut draft = SpecDraft::new();
    if let Some(path) = matches.get_one::<PathBuf>(SPEC) {
        let loaded = load(path).map_err(told)?;
        loaded.warnings.iter().chain(&loaded.notes).for_each(report);
        if strict && !loaded.notes.is_empty() {
            let error = Error::new("strict", "not everything that the file says is honoured here");
            return Err(vec![error.of(path.display().to_string()).to_string()]);
        }
        draft = loaded.draft;
    }
    draft.lay(args::draft(matches));
    draft.finish().map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// Reads a file by the format that its name promises.
pub(crate) fn load(path: &Path) -> Result<Loaded, Vec<Error>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("service") => service(path),
        _ => Err(vec![
            Error::new("spec", "not the name of a spec: that ends in .service")
                .of(path.display().to_string())
                .hint("a program to run stands behind '--'"),
        ]),
    }
}

/// A unit and its drop-ins: `NAME.service.d/*.conf` beside it, and those of its prefixes and of its template.
fn service(path: &Path) -> Result<Loaded, Vec<Error>> {
    let one = |error: Error| vec![error];
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = UnitName::parse(file).ok_or_else(|| {
        one(Error::new("spec", "no unit can have this name")
            .of(path.display().to_string())
            .hint("letters, digits and : - _ . \\ @ can stand in it"))
    })?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).map_err(|error| one(unreadable(folder, &error)))?;
    let mut path = folder.join(name.as_str());
    if let Some(template) = name.template().filter(|_| path.symlink_metadata().is_err()) {
        path = folder.join(template.as_str());
    }
    let mut errors = Vec::new();
    let unit = parse(&path, &mut errors);
    let drop_ins: Vec<UnitFile> = match drop_ins(&folder, &name) {
        Ok(paths) => paths.iter().filter_map(|path| parse(path, &mut errors)).collect(),
        Err(error) => return Err(one(error)),
    };
    let (Some(unit), true) = (unit, errors.is_empty()) else { return Err(errors) };
    let reading = unit::read(&name, &unit, &drop_ins)
        .map_err(|faults| faults.into_iter().map(Error::from).collect::<Vec<_>>())?;
    let mut notes: Vec<String> = reading.not_honoured().into_iter().map(ToString::to_string).collect();
    let socket = path.with_extension("socket");
    if socket.exists() {
        notes.push(format!("{}: not honoured here: nobody listens on its sockets", socket.display()));
    }
    let warnings = reading.warnings.into_iter().map(|fault| Error::from(fault).to_string()).collect();
    Ok(Loaded { draft: reading.draft, notes, warnings })
}

/// In the order of their file names; of two with one name the one in the more particular folder.
fn drop_ins(folder: &Path, name: &UnitName) -> Result<Vec<PathBuf>, Error> {
    let mut found = std::collections::BTreeMap::new();
    for beside in name.drop_in_folders() {
        let beside = folder.join(beside);
        let entries = match fs::read_dir(&beside) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(unreadable(&beside, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&beside, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "conf") {
                found.entry(path.file_name().map(ToOwned::to_owned)).or_insert(path);
            }
        }
    }
    Ok(found.into_values().collect())
}

fn parse(path: &Path, errors: &mut Vec<Error>) -> Option<UnitFile> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            errors.push(unreadable(path, &error));
            return None;
        }
    };
    match UnitFile::parse(path, &text) {
        Ok(file) => Some(file),
        Err(faults) => {
            errors.extend(faults.into_iter().map(Error::from));
            None
        }
    }
}

/// The null device masks, as an empty file does. Of anything larger than a unit no more is read than shows it.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::canonicalize(path)? == Path::new("/dev/null") {
        return Ok(Vec::new());
    }
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = Vec::new();
    let most = u64::try_from(unit::LARGEST_UNIT + 1).unwrap_or(u64::MAX);
    File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    // The words for a kind say what happened without the kernel's number.
    let cause =
        if error.kind() == io::ErrorKind::Other { error.to_string() } else { error.kind().to_string() };
    Error::new("spec", cause).of(path.display().to_string())
}
