//! The program that this process runs, and its re-execution.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;

use super::{platform, process};

/// Whether a forked process must execute a program before it may use the system's libraries (macOS: fork(2), CAVEATS).
pub const EXEC_REQUIRED_AFTER_FORK: bool = platform::EXEC_AFTER_FORK;

/// Executes the program of this process again, as it is named there, with other arguments. Returns only on failure.
pub fn execute_own(arguments: &[CString], environment: &[CString]) -> io::Error {
    match platform::own_image() {
        Ok(path) => process::execute(path.as_os_str(), arguments, environment),
        Err(error) => error,
    }
}

/// Executes the program of this process again, with the same arguments, byte for byte, and the same environment plus
/// one variable. Returns only on failure.
///
/// Linux executes the running file itself, whatever has happened to its name. macOS executes the file at its current
/// path; if it is replaced between the lookup and the exec, the new file is executed.
pub fn reexec(name: &str, value: &str) -> io::Error {
    let path = match platform::own_image() {
        Ok(path) => path,
        Err(error) => return error,
    };
    let argv = std::env::args_os().map(OsString::into_vec).map(CString::new);
    let others = std::env::vars_os().filter(|(known, _)| known != OsStr::new(name));
    let environment = others.chain([(name.into(), value.into())]).map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        CString::new(name.into_vec())
    });
    match (argv.collect::<Result<Vec<_>, _>>(), environment.collect::<Result<Vec<_>, _>>()) {
        (Ok(argv), Ok(environment)) => process::execute(path.as_os_str(), &argv, &environment),
        // Strings from the kernel end at the first NUL, so this does not happen.
        (Err(_), _) | (_, Err(_)) => io::ErrorKind::InvalidInput.into(),
    }
}

/// The kernel's name of this process, at most 15 bytes. Empty if an exec does not change it.
pub fn name() -> Vec<u8> {
    platform::process_name()
}

/// Restores this name. After a re-exec Linux uses the last part of `/proc/self/exe`, which is not the program's name.
pub fn rename(name: &[u8]) {
    if !name.is_empty() {
        platform::set_process_name(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_image_is_the_running_file() {
        use std::os::unix::fs::MetadataExt;
        let file = |path: std::path::PathBuf| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
        let (image, known) = (platform::own_image().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(file(image).unwrap(), file(known).unwrap());
    }
}
