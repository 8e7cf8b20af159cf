//! The program that this process runs, and executing it again.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;

use super::{platform, process};

/// Whether a process that was forked may use the system's own libraries only after it has executed something (macOS:
/// fork(2), CAVEATS).
pub const EXEC_REQUIRED_AFTER_FORK: bool = platform::EXEC_AFTER_FORK;

/// Executes the program of this process again: with the same arguments, byte for byte, and in the same environment with
/// one variable more. Returns only where that failed.
///
/// Linux knows the file itself, whatever has become of its name. macOS knows only where that file is now; should another
/// one take its place between the asking and the exec, it is that one which is executed.
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
        // What the kernel has given us ends where the first NUL is.
        (Err(_), _) | (_, Err(_)) => io::ErrorKind::InvalidInput.into(),
    }
}

/// The name that the kernel knows this process by, at most 15 bytes; empty where an exec changes nothing about it.
pub fn name() -> Vec<u8> {
    platform::process_name()
}

/// Gives this process such a name: Linux has named it after the path of the exec, which was none.
pub fn rename(name: &[u8]) {
    if !name.is_empty() {
        platform::set_process_name(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_image_is_the_file_that_we_run() {
        use std::os::unix::fs::MetadataExt;
        let file = |path: std::path::PathBuf| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
        let (image, known) = (platform::own_image().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(file(image).unwrap(), file(known).unwrap());
    }
}
