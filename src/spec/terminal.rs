//! The terminal of a service (systemd.exec(5), `TTYPath=`).

use std::ffi::OsStr;
use std::path::Path;

use super::boolean::yes_or_no;
use super::draft::Pass;
use super::value_error::text;
use super::{AbsPath, Field, ValueError};

/// The terminal that `tty` names in the standard streams, and how it is prepared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terminal {
    /// Its device. `None`: `/dev/console`.
    pub path: Option<AbsPath>,
    /// Whether its modes are reset.
    pub reset: Option<bool>,
    /// Whether all other processes lose it (vhangup(2)).
    pub hangup: Option<bool>,
    /// Whether a virtual console is cleared, with the text that has scrolled off.
    pub disallocate: Option<bool>,
    /// Its height in lines.
    pub rows: Option<u16>,
    /// Its width in characters.
    pub columns: Option<u16>,
}

impl Pass<'_> {
    /// Reads its fields.
    pub(super) fn terminal(&mut self) -> Terminal {
        Terminal {
            path: self.one(Field::TtyPath, AbsPath::parse),
            reset: self.one(Field::TtyReset, yes_or_no),
            hangup: self.one(Field::TtyVHangup, yes_or_no),
            disallocate: self.one(Field::TtyVtDisallocate, yes_or_no),
            rows: self.one(Field::TtyRows, size),
            columns: self.one(Field::TtyColumns, size),
        }
    }
}

impl Terminal {
    /// The path of its device.
    #[doc(hidden)]
    pub fn device(&self) -> &Path {
        self.path.as_ref().map_or(Path::new("/dev/console"), |path| path.as_path())
    }

    /// Whether anything is done to it before the program starts.
    #[doc(hidden)]
    pub fn is_prepared(&self) -> bool {
        let any = [self.reset, self.hangup, self.disallocate].contains(&Some(true));
        any || self.rows.is_some() || self.columns.is_some()
    }
}

/// How a service becomes the controlling process of its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalClaim {
    /// It waits until no other session has the terminal.
    Wait,
    /// It takes the terminal from another session.
    Force,
    /// The start fails if another session has it.
    Fail,
}

/// Reads a number of lines or columns.
fn size(value: &OsStr) -> Result<u16, ValueError> {
    let digits = text(value)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(|| "not a whole number from 0 to 65535".into())
}
