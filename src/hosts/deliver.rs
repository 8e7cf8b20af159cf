//! Writes files atomically.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use svcadapt::StepError;
use svcadapt::internal::{error_text, process_info, sync_file};

/// A file to write.
#[derive(Debug, Clone)]
pub struct OutputFile {
    /// Its path below the directory: a name, or a name in the directory of a service.
    pub path: String,
    /// Its mode, whatever the umask.
    pub mode: u32,
    /// Its content.
    pub text: Vec<u8>,
}

impl OutputFile {
    /// The mode of a file that is not executed.
    pub const READ_ONLY: u32 = 0o644;

    /// A file that is not executed.
    pub fn read_only(path: String, text: Vec<u8>) -> Self {
        Self { path, mode: Self::READ_ONLY, text }
    }
}

/// The beginning of the name of a temporary file, before the pid.
const DRAFT: &str = ".svcadapt.";

/// The mode of a directory of a service.
const DIRECTORY_MODE: u32 = 0o755;

/// Writes each `DIRECTORY/path` with its text and mode, whatever the umask. All temporary files are complete before the
/// first one is renamed. A directory of a service that is not there yet comes into place as a whole.
///
/// Each file is a new inode: a reader of the old file keeps it, a symbolic link at the path is replaced and not
/// followed, and neither mode nor extended attributes (on macOS a quarantine) are inherited.
pub fn deliver(directory: &Path, files: &[OutputFile]) -> Result<(), StepError> {
    sweep(directory);
    let mut drafts = Drafts { made: Vec::new() };
    let delivered = write_all(directory, files, &mut drafts);
    if delivered.is_err() {
        drafts.remove();
    }
    delivered
}

/// The temporary files and directories, in the order in which they were made.
struct Drafts {
    made: Vec<PathBuf>,
}

impl Drafts {
    /// A name in the same directory. It does not contain that of the file, which may have the maximal length already; it
    /// begins with a dot, which the supervisors of a directory of services ignore.
    fn next(&mut self, directory: &Path) -> PathBuf {
        let path = directory.join(format!("{DRAFT}{}.{}", std::process::id(), self.made.len()));
        self.made.push(path.clone());
        path
    }

    /// Best effort: they may not exist, and the first error is the one to report.
    fn remove(&self) {
        for draft in self.made.iter().rev() {
            let _ = std::fs::remove_file(draft).or_else(|_| std::fs::remove_dir_all(draft));
        }
    }
}

fn write_all(directory: &Path, files: &[OutputFile], drafts: &mut Drafts) -> Result<(), StepError> {
    let error = |name: &str, error: &io::Error| {
        StepError::new("output", error_text(error)).of(directory.join(name).display().to_string()).status(1)
    };
    // A directory cannot be replaced by a file; check before the first rename.
    let is_directory = |file: &&OutputFile| {
        directory.join(&file.path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    };
    if let Some(file) = files.iter().find(is_directory) {
        return Err(error(&file.path, &io::ErrorKind::IsADirectory.into()));
    }
    // What is renamed, and where to.
    let mut moves: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut new: BTreeMap<&str, PathBuf> = BTreeMap::new();
    for file in files {
        let failed = |cause: io::Error| error(&file.path, &cause);
        let path = directory.join(&file.path);
        let new_service = file.path.split_once('/').filter(|(service, _)| !directory.join(service).exists());
        let draft = if let Some((service, rest)) = new_service {
            if !new.contains_key(service) {
                let draft = drafts.next(directory);
                make_directory(&draft).map_err(failed)?;
                moves.push((draft.clone(), directory.join(service)));
                new.insert(service, draft);
            }
            new[service].join(rest)
        } else {
            let draft = drafts.next(directory);
            moves.push((draft.clone(), path.clone()));
            draft
        };
        // A directory within that of the service: runit's `control`.
        let place = if new_service.is_some() { &draft } else { &path };
        if let Some(parent) = place.parent().filter(|parent| *parent != directory && !parent.exists()) {
            make_directory(parent).map_err(failed)?;
        }
        write(&draft, file).map_err(failed)?;
    }
    for (draft, path) in &moves {
        std::fs::rename(draft, path).map_err(|cause| {
            let name = path.strip_prefix(directory).unwrap_or(path).to_string_lossy();
            error(&name, &cause)
        })?;
    }
    for file in files.iter().rev() {
        let path = directory.join(&file.path);
        // The directory of the file, and those above it.
        for parent in path.ancestors().skip(1).take_while(|parent| parent.starts_with(directory)) {
            let synced = File::open(parent).and_then(|open| sync_file(&open));
            synced.map_err(|cause| error(&file.path, &cause))?;
        }
    }
    Ok(())
}

/// Makes a directory and those above it, each that is missing with mode 0755, whatever the umask.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|path| path.symlink_metadata().is_err()).collect();
    missing.into_iter().rev().try_for_each(make_directory)
}

/// Removes what an earlier process that was killed has left.
fn sweep(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(DRAFT)?.split('.').next()?.parse::<i32>().ok());
        if pid.is_some_and(|pid| process_info(pid).is_none()) {
            let path = entry.path();
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))
}

fn write(path: &Path, source: &OutputFile) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(&source.text)?;
    file.set_permissions(Permissions::from_mode(source.mode))?;
    sync_file(&file)
}
