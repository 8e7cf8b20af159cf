//! Reading from a stream socket in the file system, whose other end may be anybody's.

use std::io;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use super::platform;

/// How long a sender may take in all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to a socket and reads at most `limit` bytes, until the other end closes it. On Linux the other end sees an
/// address in the abstract namespace that ends with `wanted` (unix(7)).
pub fn read(path: &Path, wanted: &str, limit: u64) -> io::Result<Vec<u8>> {
    let end = Instant::now() + TIMEOUT;
    let late = || io::Error::from_raw_os_error(libc::ETIMEDOUT);
    let stream = platform::connect_named(path, wanted, TIMEOUT)?;
    let mut stream = stream.take(limit);
    let (mut data, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let left =
            end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(late)?;
        stream.get_ref().set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(data),
            Ok(count) => data.extend(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(late()),
            Err(error) => return Err(error),
        }
    }
}
