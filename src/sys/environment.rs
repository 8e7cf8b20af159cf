//! The environment of this process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::{env, io};

use super::process::require_one_thread;

/// Replaces the whole environment.
///
/// A name with `=` or NUL, or a value with NUL, cannot be represented, and the variable is omitted. Fails in a process
/// with more than one thread: getenv(3) in another thread takes no lock.
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
        // SAFETY: this is the only thread, and it starts no other in this function, so no other thread can read the
        // environment meanwhile.
        unsafe {
            env::set_var(name, value);
        }
    }
    Ok(())
}

fn remove(name: &OsString) {
    // std panics for such names, and the environment from the kernel can contain empty ones.
    if name.is_empty() || name.as_encoded_bytes().contains(&b'=') {
        return;
    }
    #[allow(clippy::disallowed_methods, reason = "here the program's environment is our own")]
    // SAFETY: as in `replace`, the only caller.
    unsafe {
        env::remove_var(name);
    }
}
