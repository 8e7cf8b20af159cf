//! A GET that is answered, over a connection that is closed in order.

use std::io;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use svcadapt_spec::HttpUrl;

/// The longest status line that is read.
const MAX_STATUS_LINE_BYTES: usize = 1024;

/// How much of the answer is read after its status line. A connection that is closed with unread data is reset, which
/// servers log (RFC 9112, section 9.6).
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Asks the server, and returns the reason if it does not answer with a status from 200 to 399 before `deadline`.
pub(super) fn get(address: SocketAddr, url: &HttpUrl, deadline: Instant) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request(url).as_bytes())?;
    let mut answer = Vec::new();
    let status = loop {
        read_more(&mut stream, &mut answer, deadline)?;
        if let Some(status) = status(&answer)? {
            break status;
        }
    };
    let mut rest = Vec::new();
    while rest.len() < MAX_ANSWER_BYTES && read_more(&mut stream, &mut rest, deadline).is_ok() {}
    if (200..400).contains(&status) {
        return Ok(());
    }
    Err(io::Error::other(format!("the server answers {status}")))
}

fn request(url: &HttpUrl) -> String {
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    let HttpUrl { port, path, .. } = url;
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: svcadapt/{version}\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )
}

fn read_more(stream: &mut TcpStream, into: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    stream.set_read_timeout(Some(left(deadline)?))?;
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => Err(io::Error::other("the server has closed the connection without an answer")),
        Ok(length) => {
            into.extend_from_slice(&buffer[..length]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error),
    }
}

/// The status of a status line (RFC 9112, section 4), once it is complete.
fn status(answer: &[u8]) -> io::Result<Option<u16>> {
    let Some(end) = answer.iter().position(|&byte| byte == b'\n') else {
        return if answer.len() < MAX_STATUS_LINE_BYTES { Ok(None) } else { Err(not_http()) };
    };
    let line = answer.get(..end).filter(|line| line.len() < MAX_STATUS_LINE_BYTES).ok_or_else(not_http)?;
    let code = line
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5).filter(|_| rest.get(1) == Some(&b' ')))
        .filter(|code| code.iter().all(u8::is_ascii_digit))
        .and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    code.map(Some).ok_or_else(not_http)
}

fn not_http() -> io::Error {
    io::Error::other("the answer is not HTTP")
}

/// The time until the deadline, never zero: that would mean no timeout.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_from_a_complete_status_line() {
        for (answer, expected) in [
            (&b"HTTP/1.1 200 OK\r\nA: b\r\n"[..], Some(200)),
            (b"HTTP/1.0 404\r\n", Some(404)),
            (b"HTTP/1.1 2", None),
            (b"", None),
        ] {
            assert_eq!(status(answer).unwrap(), expected);
        }
        let long = [b'a'; MAX_STATUS_LINE_BYTES];
        for answer in
            [&b"SSH-2.0-x\r\n"[..], b"HTTP/1.1\r\n", b"HTTP/1.1 20\r\n", b"HTTP/1.1 +20\r\n", b"\n", &long]
        {
            assert!(status(answer).is_err(), "{answer:?}");
        }
    }
}
