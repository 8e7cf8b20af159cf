//! Files that are installed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fs, io};

use svcadapt::StepError;
use svcadapt::internal::error_text;

/// The content and the mode of a file. A link is not followed.
pub(crate) fn current(path: &Path) -> Result<(Option<Vec<u8>>, u32), StepError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => {
            let text = fs::read(path).map_err(|error| failed(path, &error))?;
            Ok((Some(text), found.permissions().mode() & 0o7777))
        }
        Ok(found)
            if found.is_symlink() && fs::read_link(path).is_ok_and(|to| to == Path::new("/dev/null")) =>
        {
            let unit = path.file_name().unwrap_or_default().display().to_string();
            Err(StepError::new("install", "the unit is masked: it is a link to /dev/null")
                .of(path.display().to_string())
                .hint(format!("`systemctl unmask {unit}` removes the link"))
                .status(1))
        }
        Ok(_) => {
            Err(StepError::new("install", "not a regular file").of(path.display().to_string()).status(1))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok((None, 0))
        }
        Err(error) => Err(failed(path, &error)),
    }
}

/// The failure of an installation at a file.
pub(crate) fn failed(path: &Path, error: &io::Error) -> StepError {
    StepError::new("install", error_text(error)).of(path.display().to_string()).status(1)
}
