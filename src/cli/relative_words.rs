//! The hint for a program that does not find a file which is in the directory of the person who started it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt::internal::escape_control;
use svcadapt_spec::ServiceSpec;

/// The hint, if an argument names a file of the current directory that is not in the directory where the service starts.
pub(crate) fn hint(spec: &ServiceSpec) -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let there = spec.working_directory.as_ref().map_or(Path::new("/"), |path| path.as_path());
    let is_path = |word: &&OsStr| {
        let bytes = word.as_bytes();
        bytes.contains(&b'.') && !bytes.starts_with(b"-") && !bytes.starts_with(b"/")
    };
    let mut words = spec.command.arguments.iter().map(AsRef::as_ref).filter(is_path);
    let missed = words.find(|word| here.join(word).is_file() && !there.join(word).exists())?;
    let word = escape_control(&missed.to_string_lossy());
    Some(format!(
        "'{word}' is a file here, but the service starts in {}; '-c .' starts it here",
        there.display()
    ))
}
