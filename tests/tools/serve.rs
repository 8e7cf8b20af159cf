//! A small server with threads, a socket and files, for the tests of sandboxes.
//!
//! ```text
//! serve tcp:PORT|activated FILE
//! ```
//!
//! It listens on 127.0.0.1, or on descriptor 3 (socket activation), and has a thread for each connection. It answers each
//! line: `read` with the content of FILE; `state` with the result of writing and reading in its StateDirectory=;
//! `write PATH` with the result of writing there; `user` with its uid; `code` with the result of mapping writable and
//! executable memory. It ends after two minutes, so that a failed test leaves no process.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::FromRawFd;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io, thread};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (place, file) = (arguments.next().ok_or("no place")?, arguments.next().ok_or("no file")?);
    nix::unistd::alarm::set(u32::try_from(Duration::from_secs(120).as_secs())?);
    let listener = match place.strip_prefix("tcp:") {
        Some(port) => TcpListener::bind(("127.0.0.1", port.parse()?))?,
        None => handed_over()?,
    };
    for stream in listener.incoming() {
        let (stream, file) = (stream?, file.clone());
        thread::spawn(move || answer(&stream, &file));
    }
    Ok(())
}

fn handed_over() -> Result<TcpListener, String> {
    if env::var_os("LISTEN_PID") != Some(std::process::id().to_string().into()) {
        return Err("no socket was handed to this process".to_owned());
    }
    // SAFETY: descriptor 3 is the first passed socket (sd_listen_fds(3)), and nothing else owns it.
    #[allow(unsafe_code, reason = "a descriptor comes by its number")]
    Ok(unsafe { TcpListener::from_raw_fd(3) })
}

fn answer(stream: &TcpStream, file: &str) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let said = match line.split_once(' ') {
            None if line == "read" => fs::read_to_string(file),
            None if line == "state" => state(),
            None if line == "user" => Ok(nix::unistd::getuid().to_string()),
            None if line == "code" => writable_code(),
            Some(("write", path)) => fs::write(path, "x").map(|()| "done".to_owned()),
            _ => Ok("what?".to_owned()),
        };
        let said = said.unwrap_or_else(|error| format!("{error}"));
        let _ = writeln!({ stream }, "{}", said.trim_end());
    }
}

fn state() -> io::Result<String> {
    let directory = env::var_os("STATE_DIRECTORY").ok_or_else(|| io::Error::other("no STATE_DIRECTORY"))?;
    let path = Path::new(&directory).join("written");
    fs::write(&path, "kept")?;
    fs::read_to_string(path)
}

fn writable_code() -> io::Result<String> {
    let both = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    // SAFETY: a new mapping at an address that the kernel chooses does not affect existing memory.
    #[allow(unsafe_code, reason = "nothing safe asks for such memory")]
    let mapped = unsafe {
        libc::mmap(std::ptr::null_mut(), 4096, both, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok("done".to_owned()) }
}
