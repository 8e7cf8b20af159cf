//! A program that stores descriptors with its manager (sd_notify(3), `FDSTORE=1`).
//!
//! ```text
//! keeper FILE DEEDS...
//! ```
//!
//! Each start appends a line to FILE: the names of the descriptors that it has got, each with the content of its file. The
//! first start does the first of DEEDS, and so on; the last one is repeated. DEEDS are words:
//!
//! * `send:COUNT:LINE|LINE...` sends these lines with COUNT new files, which contain `0`, `1` and so on
//! * `twice:LINE|LINE...` sends the same file in two messages
//! * `gone:LINE|LINE...` sends the reading end of a pipe whose writing end is then closed
//! * `barrier` waits until all of this was read
//! * `crash`, `end`, `stay`
//!
//! It ends after a minute, so that a failed test leaves no process.

#![allow(clippy::disallowed_methods, reason = "it is no part of the command")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::{env, fs};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socket,
};
use nix::unistd::{Pid, alarm, pause, pipe};

fn main() -> Result<(), Box<dyn Error>> {
    alarm::set(60);
    let mut arguments = env::args().skip(1);
    let file = arguments.next().ok_or("no file")?;
    let deeds: Vec<String> = arguments.collect();
    let starts = fs::read_to_string(&file).map_or(0, |text| text.lines().count());
    let line = format!("{}\n", got());
    OpenOptions::new().append(true).create(true).open(&file)?.write_all(line.as_bytes())?;
    let now = deeds.get(starts).or(deeds.last()).ok_or("no deeds")?;
    let manager = Manager::new()?;
    manager.send("READY=1", &[])?;
    let mut kept = Vec::new();
    for word in now.split(' ') {
        let (verb, rest) = word.split_once(':').unwrap_or((word, ""));
        match verb {
            "send" => {
                let (count, lines) = rest.split_once(':').ok_or("no count")?;
                let files = (0..count.parse()?).map(self::file).collect::<Result<Vec<_>, _>>()?;
                manager.send(lines, &files)?;
                kept.extend(files);
            }
            "twice" => {
                let file = [self::file(0)?];
                manager.send(rest, &file)?;
                manager.send(rest, &file)?;
            }
            "gone" => {
                let (out, input) = pipe()?;
                manager.send(rest, &[out])?;
                manager.barrier()?;
                drop(input);
            }
            "barrier" => manager.barrier()?,
            "crash" => kill(Pid::this(), Signal::SIGKILL)?,
            "stay" => {
                pause();
            }
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// The names of the descriptors, with the content of their files.
fn got() -> String {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("LISTEN_PID") != std::process::id().to_string() {
        return "nothing".to_owned();
    }
    let names = variable("LISTEN_FDNAMES");
    let count: usize = variable("LISTEN_FDS").parse().unwrap_or(0);
    let content = |(number, name): (RawFd, &str)| {
        // SAFETY: by sd_listen_fds(3) this descriptor is passed to this process, and nothing else here owns it.
        #[allow(unsafe_code, reason = "a descriptor that is known by its number has no other door")]
        let mut file = File::from(unsafe { OwnedFd::from_raw_fd(number) });
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        if read.is_err() { format!("{name}?") } else { format!("{name}={text}") }
    };
    let all: Vec<_> = (3..).zip(names.split(':')).map(content).collect();
    format!("{count} {}", all.join(" "))
}

/// A new file without a name, with this number in it.
fn file(number: usize) -> Result<OwnedFd, Box<dyn Error>> {
    let path = env::temp_dir().join(format!("keeper-{}", std::process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    write!(file, "{number}")?;
    Ok(file.into())
}

struct Manager(OwnedFd, UnixAddr);

impl Manager {
    fn new() -> Result<Self, Box<dyn Error>> {
        let address = env::var("NOTIFY_SOCKET").map_err(|_| "no NOTIFY_SOCKET")?;
        let address = UnixAddr::new(address.as_str())?;
        let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::empty(), None)?;
        Ok(Self(socket, address))
    }

    fn send(&self, lines: &str, files: &[OwnedFd]) -> nix::Result<()> {
        let text = lines.replace('|', "\n").replace('_', " ");
        let numbers: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if files.is_empty() { &[][..] } else { &rights };
        let slices = [IoSlice::new(text.as_bytes())];
        sendmsg(self.0.as_raw_fd(), &slices, rights, MsgFlags::empty(), Some(&self.1)).map(drop)
    }

    /// Waits until the messages so far were read (sd_notify_barrier(3)).
    fn barrier(&self) -> Result<(), Box<dyn Error>> {
        let (out, input) = pipe()?;
        self.send("BARRIER=1", &[input])?;
        File::from(out).read_to_end(&mut Vec::new())?;
        Ok(())
    }
}
