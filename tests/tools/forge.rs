//! A starter that forges the token of a program that executes itself again, and then executes its argument.
//!
//! ```text
//! forge [--user UID] [--reports FILE] [--variable TEXT] TICKET PROGRAM [ARG...]
//! ```
//!
//! TICKET is the content of the socket that is left open. In it and in TEXT, `{own}`, `{parent}` and `{reports}` are
//! replaced by two pids and a descriptor, and `/` by NUL. `--user` creates the socket as another user; `--reports` opens a
//! file for the reports, default a pipe.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{Uid, seteuid};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).peekable();
    let (mut user, mut file, mut variable) = (None, None, None);
    while let Some(option) = words.next_if(|word| word.starts_with("--")) {
        let value = words.next().ok_or("an option needs a value")?;
        match option.as_str() {
            "--user" => user = Some(Uid::from_raw(value.parse()?)),
            "--reports" => file = Some(OpenOptions::new().write(true).open(value)?),
            "--variable" => variable = Some(value),
            _ => return Err("no such option".into()),
        }
    }
    let (own, parent) = (std::process::id().to_string(), parent_id().to_string());
    // The other end stays open, so that writes do not fail.
    let (keep, pipe) = std::io::pipe()?;
    leave_open(keep.into())?;
    let reports = leave_open(file.map_or_else(|| pipe.into(), Into::into))?.to_string();
    let filled =
        |text: &str| text.replace("{own}", &own).replace("{parent}", &parent).replace("{reports}", &reports);
    let ticket = filled(&words.next().ok_or("no ticket")?).replace('/', "\0");
    if let Some(user) = user {
        seteuid(user)?;
    }
    let (mut written, carried) = UnixStream::pair()?;
    if user.is_some() {
        seteuid(Uid::from_raw(0))?;
    }
    written.write_all(ticket.as_bytes())?;
    leave_open(carried.into())?;
    let program = words.next().ok_or("no program")?;
    let mut command = Command::new(program);
    if let Some(text) = variable {
        command.env("SVCADAPT_REEXEC", filled(&text));
    }
    Err(command.args(words).exec().into())
}

fn leave_open(descriptor: OwnedFd) -> nix::Result<i32> {
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let number = descriptor.as_raw_fd();
    let _ = descriptor.into_raw_fd();
    Ok(number)
}
