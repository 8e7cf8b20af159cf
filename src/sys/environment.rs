//! The environment of this process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::{env, io};

use super::process::require_one_thread;

/// Makes this the whole environment.
///
/// A name that holds `=` or NUL, or a value that holds NUL, has no place in one: such a variable is left out. A process
/// with more than one thread is refused: getenv(3) in another thread takes no lock.
pub fn replace(wanted: &BTreeMap<OsString, OsString>) -> io::Result<()> {
    require_one_thread()?;
    for (name, _) in env::vars_os().filter(|(name, _)| !wanted.contains_key(name)) {
        remove(&name);
    }
    for (name, value) in wanted {
        let impossible = |text: &OsString| text.as_encoded_bytes().contains(&0);
        let nameless = name.is_empty() || name.as_encoded_bytes().contains(&b'=');
        if nameless || impossible(name) || impossible(value) || env::var_os(name).as_ref() == Some(value) {
            continue;
        }
        #[allow(clippy::disallowed_methods, reason = "here the program's environment is our own")]
        // SAFETY: this thread is the only one, and it starts none in here: no other could read the environment meanwhile.
        unsafe {
            env::set_var(name, value);
        }
    }
    Ok(())
}

fn remove(name: &OsString) {
    // std panics for these, and the kernel's list of variables can hold the first kind.
    if name.is_empty() || name.as_encoded_bytes().contains(&b'=') {
        return;
    }
    #[allow(clippy::disallowed_methods, reason = "here the program's environment is our own")]
    // SAFETY: as above; only `replace` calls this.
    unsafe {
        env::remove_var(name);
    }
}
