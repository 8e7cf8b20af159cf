//! The property list that `install` writes: with a log file, and the PATH that its program needs.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt_convert::divide::Target;
use svcadapt_convert::load::Source;
use svcadapt_spec::{AbsPath, Assignment, EnvName, Output, Scope, ServiceSpec, WriteMode};

use super::gen_plist::Plist;
use super::generate::{Format, GeneratedFiles, GenerationInput, Problems};

/// The `PATH` of a job (launchctl(1), `config`).
const PATH_OF_JOBS: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// How much of a program is looked at for its `#!` line.
const LINE_BYTES: usize = 256;

/// As `gen-plist` writes it, with what a service needs that its user does not see in a terminal. A property list is
/// installed as it is.
pub(crate) struct InstalledPlist {
    plist: Plist,
    note: Option<StepError>,
}

impl InstalledPlist {
    pub(crate) fn new(scope: Scope) -> Self {
        Self { plist: Plist { label: None, scope }, note: None }
    }

    /// launchd has no journal, and sends the output of a job nowhere.
    fn log(&mut self, spec: &mut ServiceSpec) {
        let is_rotated = spec.log_file.has_pipe();
        if spec.standard_output.is_some() || spec.standard_error.is_some() || is_rotated {
            return;
        }
        let folder = match self.plist.scope {
            // launchd opens the file as the user of the job, which cannot make one there.
            Scope::System if spec.user.is_some() => {
                let cause = "its output is lost: its user cannot make a file in /Library/Logs";
                let hint = "--standard-output append:PATH names one that the user may write";
                self.note = Some(StepError::new("standard output", cause).hint(hint));
                return;
            }
            Scope::System => Some(PathBuf::from("/Library/Logs")),
            Scope::User => env::var_os("HOME").map(|home| Path::new(&home).join("Library/Logs")),
        };
        let file = folder.zip(spec.name.as_ref()).map(|(folder, name)| folder.join(format!("{name}.log")));
        if let Some(file) = file.and_then(|file| AbsPath::parse(file.as_os_str()).ok()) {
            spec.standard_output = Some(Output::File(WriteMode::Append, file));
            spec.standard_error.clone_from(&spec.standard_output);
        }
    }

    /// A program that a shell finds by `PATH`, or whose interpreter is, would not be found by launchd.
    fn path(&mut self, spec: &mut ServiceSpec) {
        let set = env::var_os("PATH").unwrap_or_default();
        let is_root = self.plist.scope == Scope::System;
        let folders: Vec<PathBuf> = env::split_paths(&set)
            .filter(|folder| folder.is_absolute() && (!is_root || only_root_writes(folder)))
            .collect();
        let bare = !spec.command.program.as_bytes().contains(&b'/');
        let word = spec.command.program.clone();
        if bare && let Some(program) = found(&folders, &spec.command.program) {
            spec.command.program = program.into_os_string();
        }
        let interpreter = interpreter(Path::new(&spec.command.program));
        let needed = if bare { Some(word) } else { interpreter };
        let has_path = spec.environment.assignments.iter().any(|set| set.name.as_str() == "PATH");
        let (Some(needed), false) = (needed, has_path) else { return };
        let Ok(path) = env::join_paths(&folders) else { return };
        if path.is_empty() || path == PATH_OF_JOBS {
            return;
        }
        let cause = format!(
            "the property list has PATH={}, by which {} is found; launchd has {PATH_OF_JOBS}",
            path.display(),
            Path::new(&needed).file_name().unwrap_or_default().display()
        );
        if let Ok(name) = EnvName::parse("PATH".as_ref()) {
            spec.environment.assignments.push(Assignment { name, value: path });
        }
        let hint = "--environment PATH=... sets another one";
        self.note = self.note.take().or_else(|| Some(StepError::new("environment", cause).hint(hint)));
    }
}

/// What others can change decides nothing for root.
fn only_root_writes(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|found| found.uid() == 0 && found.permissions().mode() & 0o022 == 0)
}

fn found(folders: &[PathBuf], program: &OsString) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    folders.iter().map(|folder| folder.join(program)).find(is_program)
}

/// The interpreter that `#!/usr/bin/env NAME` looks for.
fn interpreter(program: &Path) -> Option<OsString> {
    // A FIFO would be waited for.
    program.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let file = File::open(program).ok()?;
    let mut text = Vec::new();
    file.take(LINE_BYTES as u64).read_to_end(&mut text).ok()?;
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("#!")?.trim();
    let mut words = line.strip_prefix("/usr/bin/env")?.split_ascii_whitespace();
    words.find(|word| !word.starts_with('-')).map(OsString::from)
}

impl Format for InstalledPlist {
    const NATIVE: bool = Plist::NATIVE;
    const SUFFIX: &'static str = Plist::SUFFIX;
    const SYSTEM: &'static str = Plist::SYSTEM;

    fn target(&self) -> Target {
        self.plist.target()
    }

    fn complete(&mut self, spec: ServiceSpec, source: Option<&Source>) -> ServiceSpec {
        let mut spec = self.plist.complete(spec, source);
        if !matches!(source, Some(Source::Plist(_))) {
            self.log(&mut spec);
            self.path(&mut spec);
        }
        spec
    }

    fn note(&self, spec: &ServiceSpec) -> Option<StepError> {
        self.note.clone().or_else(|| self.plist.note(spec))
    }

    fn make(&self, job: &GenerationInput<'_>) -> Result<GeneratedFiles, Problems> {
        self.plist.make(job)
    }
}
