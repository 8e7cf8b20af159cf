//! The directories of this user.

use std::env;
use std::path::PathBuf;

use svcadapt::StepError;

/// The home of this user.
pub(crate) fn home() -> Result<PathBuf, StepError> {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.filter(|home| home.is_dir()).ok_or_else(|| {
        StepError::new("home", "HOME is not set to a directory").hint("set it to the user's home").status(1)
    })
}

/// A directory of the XDG base directories: the value of this variable, else this path in the home.
pub(crate) fn xdg(variable: &str, default: &str) -> Result<PathBuf, StepError> {
    let set = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.map_or_else(|| Ok(home()?.join(default)), Ok)
}
