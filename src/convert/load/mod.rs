//! Loads the description of a service from its files: a unit with its drop-ins and its socket unit, a property list, or
//! JSON. The end of a file's name decides its kind.
//!
//! The other rooms of this package turn text into data; this one finds and opens the files.

mod find;
mod json;
mod loaded;
mod plist;
mod read;
mod script;
mod search_path;
mod sockets;
mod unit;
mod unit_files;

use std::path::{Path, PathBuf};

pub use find::find;
pub use loaded::{LoadError, Loaded, Remark, Source};

use self::read::ReadFile;
use self::unit::WithSockets;

/// Loads a file and what belongs to it: of a unit also its drop-ins, and its socket unit if the service refers to it or
/// if it is enabled. `web@1.service` is read from `web@.service` if there is no file of its own. A path that ends in
/// `.socket` loads the service with its sockets.
///
/// ```no_run
/// use svcadapt_convert::load::load;
///
/// let loaded = load("/etc/systemd/system/web.service".as_ref()).expect("the unit is valid");
/// let spec = loaded.draft.finish().expect("the unit has one command");
/// println!("{}", spec.command.program.display());
/// ```
pub fn load(path: &Path) -> Result<Loaded, Vec<LoadError>> {
    load_with(path, &read::regular_file)
}

/// [`load`], with a function that reads the files.
#[doc(hidden)]
pub fn load_with(path: &Path, read: ReadFile) -> Result<Loaded, Vec<LoadError>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("service") => unit::load(path, WithSockets::IfReferenced, read),
        Some("socket") => unit::load(&service_of(path), WithSockets::Always, read),
        Some("json") => json::load(path, read),
        Some("plist") => plist::load(path, read),
        _ => {
            let hint =
                "the name must end in .service, .socket, .plist or .json; a program to run goes after '--'";
            Err(vec![LoadError::about(path, "unknown kind of file", Some(hint))])
        }
    }
}

/// The service of a socket unit: the one with its name, else the template of which each connection starts an instance.
fn service_of(socket: &Path) -> PathBuf {
    let own = socket.with_extension("service");
    let mut template = socket.with_extension("").into_os_string();
    template.push("@.service");
    let template = PathBuf::from(template);
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    if !exists(&own) && exists(&template) { template } else { own }
}

/// What the command needs beyond the public interface. It may change in any release.
#[doc(hidden)]
pub mod internal {
    pub use super::find::find_unit;
    pub use super::read::{ReadFile, spec_text, unit_text};
    pub use super::script::load_script;
    pub use super::unit_files::{UnitFiles, unit_files};
}
