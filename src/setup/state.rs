//! The identity of a service: a lock that its process holds, and a record of which process that is.
//!
//! The lock is a POSIX record lock on a file that the program never opens. It survives the exec, no child inherits
//! it, it goes with the process however that dies, and it tells the holder's number. A program that closes every
//! descriptor loses it; then the record stands in: a number and a start time name one process until the next boot.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::spec::AbsPath;
use crate::spec::ServiceName;
use crate::sys::fd;
use crate::sys::file;
use crate::sys::identity;
use crate::sys::lock;
use crate::sys::lock::Holder;
use crate::sys::process;

/// What is known of a service that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its process.
    pub pid: i32,
    /// When that process started, in a unit of the system's own.
    pub start_time: u64,
    /// The boot in which that was.
    pub boot: String,
    /// Its pid file.
    pub pid_file: Option<PathBuf>,
    /// Its program.
    pub program: PathBuf,
    /// How long a stop may take, in microseconds; none for ever.
    pub stop_patience: Option<u64>,
}

/// What a look at a service's lock has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It runs, as this process; none where that belongs to another pid namespace.
    Running(Option<i32>, Option<Record>),
    /// It ran, and has ended without being stopped by us.
    Dead(Record),
    /// Nothing is known of it.
    Unknown,
}

/// Where the locks lie: `/run/svcadapt` for root, else the user's own runtime directory.
pub fn directory() -> PathBuf {
    let uid = identity::effective_user();
    let runtime = PathBuf::from(format!("/run/user/{uid}"));
    if uid == 0 {
        PathBuf::from(if Path::new("/run").is_dir() { "/run/svcadapt" } else { "/var/run/svcadapt" })
    } else if fs::symlink_metadata(&runtime).is_ok_and(|found| found.is_dir() && found.uid() == uid) {
        runtime.join("svcadapt")
    } else {
        PathBuf::from(format!("/tmp/svcadapt-{uid}"))
    }
}

/// The lock of a service that has a name, or only a pid file; none where it has neither.
pub fn path(name: Option<&ServiceName>, pid_file: Option<&AbsPath>) -> Option<PathBuf> {
    match (name, pid_file) {
        (Some(name), _) => Some(directory().join(name.as_str())),
        (None, Some(pid_file)) => Some(directory().join(key(pid_file.as_path()))),
        (None, None) => None,
    }
}

/// A path as the name of one file, which no service can have: `%` for what would be ambiguous.
fn key(path: &Path) -> OsString {
    let mut name = b".".to_vec();
    for &byte in path.as_os_str().as_bytes().iter().skip(1) {
        match byte {
            b'/' => name.push(b','),
            b'%' | b',' => name.extend(format!("%{byte:02x}").bytes()),
            _ => name.push(byte),
        }
    }
    OsString::from_vec(name)
}

/// Makes the directory of the locks, or makes sure that it is one that nobody else can change.
pub fn prepare_directory() -> io::Result<()> {
    let (path, uid) = (directory(), identity::effective_user());
    let mode = if uid == 0 { 0o755 } else { 0o700 };
    if file::make_directory(&path, mode)? {
        // Whatever the umask.
        file::set_mode(file::open_directory(&path)?, mode)?;
    }
    let found = fs::symlink_metadata(&path)?;
    if !found.is_dir() || found.uid() != uid || found.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "{} belongs to somebody else, or others can write it",
            path.display()
        )));
    }
    Ok(())
}

/// Looks at a lock from outside.
pub fn look(path: &Path) -> io::Result<Found> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Unknown),
        Err(error) => return Err(error),
    };
    let holder = lock::holder(&file)?;
    let record = read(&file)?;
    Ok(match (holder, record) {
        (Holder::Process(pid), record) => {
            Found::Running(Some(pid), record.filter(|record| record.pid == pid))
        }
        (Holder::Elsewhere, record) => Found::Running(None, record),
        (Holder::Nobody, Some(record)) if record.lives() => Found::Running(Some(record.pid), Some(record)),
        (Holder::Nobody, Some(record)) => Found::Dead(record),
        (Holder::Nobody, None) => Found::Unknown,
    })
}

/// Every lock with a record in it but `own`: to open and close that would let go of it.
pub fn others(own: Option<&Path>) -> Vec<(PathBuf, Record)> {
    let entries = fs::read_dir(directory()).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| own.is_none_or(|own| own != entry.path()));
    let mut all: Vec<_> = entries
        .filter_map(|entry| {
            let open =
                file::open_input(&entry.path()).ok().filter(|f| f.metadata().is_ok_and(|m| m.is_file()))?;
            Some((entry.path(), read(&open).ok()??))
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// Removes a lock that nobody holds, and what was recorded in it. A start that comes at the same time keeps its own.
pub fn remove(path: &Path) -> io::Result<()> {
    let file = match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if lock::take(&file)? == Holder::Nobody && same(&file, path)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The lock of this process.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock on a descriptor of this number, or says who has it.
    ///
    /// The descriptor must never have a second one beside it: closing that would let go of the lock.
    pub fn take(path: &Path, descriptor: i32) -> io::Result<Result<Self, Option<i32>>> {
        loop {
            let opened = file::open_own(path, 0o644)?;
            // Whatever the umask: status may be asked by anybody.
            file::set_mode(&opened, 0o644)?;
            let file = File::from(fd::renumber(opened.into(), descriptor)?);
            match lock::take(&file)? {
                Holder::Nobody => {}
                Holder::Process(pid) => return Ok(Err(Some(pid))),
                Holder::Elsewhere => return Ok(Err(None)),
            }
            // Somebody may have removed the file between our opening and locking it.
            if !same(&file, path)? {
                continue;
            }
            return Ok(match read(&file)? {
                Some(record) if record.lives() => Err(Some(record.pid)),
                _ => Ok(Self(file)),
            });
        }
    }

    /// Records which process this is.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        let text = record.write();
        self.0.set_len(0)?;
        self.0.write_all(&text)
    }
}

impl std::os::fd::AsFd for Lock {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn same(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// More than this is no record of ours.
const LONGEST: u64 = 64 * 1024;

fn read(file: &File) -> io::Result<Option<Record>> {
    let mut text = Vec::new();
    let mut start = vec![0; 1];
    // From the beginning, wherever the file stands.
    if file.read_at(&mut start, 0)? == 0 {
        return Ok(None);
    }
    let mut again = file;
    again.rewind()?;
    again.take(LONGEST).read_to_end(&mut text)?;
    Ok(Record::read(&text))
}

impl Record {
    /// The record of this very process.
    pub fn own(pid_file: Option<PathBuf>, program: PathBuf, stop_patience: Option<u64>) -> io::Result<Self> {
        let pid = process::own_pid();
        Ok(Self {
            pid,
            start_time: process::identity(pid)?.start_time,
            boot: process::boot()?,
            pid_file,
            program,
            stop_patience,
        })
    }

    /// Whether its process lives: the same one, and no zombie.
    pub fn lives(&self) -> bool {
        let now = process::identity(self.pid);
        process::boot().is_ok_and(|boot| boot == self.boot)
            && now.is_ok_and(|now| now.start_time == self.start_time && !now.ended)
    }

    /// A field a line; the last line says that the record is whole.
    fn write(&self) -> Vec<u8> {
        let mut text =
            format!("pid={}\nstart={}\nboot={}\n", self.pid, self.start_time, self.boot).into_bytes();
        let mut put = |name: &str, value: &OsStr| {
            text.extend(name.bytes());
            text.push(b'=');
            for &byte in value.as_bytes() {
                match byte {
                    b'%' | b'\n' => text.extend(format!("%{byte:02x}").bytes()),
                    _ => text.push(byte),
                }
            }
            text.push(b'\n');
        };
        put("program", self.program.as_os_str());
        if let Some(path) = &self.pid_file {
            put("pid-file", path.as_os_str());
        }
        if let Some(patience) = self.stop_patience {
            put("stop", OsStr::new(&patience.to_string()));
        }
        text.extend(b"end=\n");
        text
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b"end=\n")?;
        let field = |name: &str| {
            let value = text
                .split(|&b| b == b'\n')
                .find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
            Some(unescape(value))
        };
        let number = |name: &str| field(name)?.into_string().ok()?.parse::<u64>().ok();
        Some(Self {
            pid: i32::try_from(number("pid")?).ok()?,
            start_time: number("start")?,
            boot: field("boot")?.into_string().ok()?,
            pid_file: field("pid-file").map(PathBuf::from),
            program: field("program")?.into(),
            stop_patience: number("stop"),
        })
    }
}

fn unescape(value: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(protected) if byte == b'%' => {
                bytes.push(protected);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::own(None, "/bin/a%0a\nb".into(), Some(30_000_000)).unwrap();
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        record.pid_file = Some("/run/x=y.pid".into());
        assert_eq!(Record::read(&record.write()), Some(record.clone()));
        assert!(record.lives());
        record.start_time += 1;
        assert!(!record.lives());
    }

    #[test]
    fn half_a_record_is_none() {
        let text = Record::own(None, "/bin/a".into(), None).unwrap().write();
        for length in 0..text.len() {
            assert_eq!(Record::read(&text[..length]), None);
        }
    }

    #[test]
    fn no_two_pid_files_have_one_key() {
        assert_eq!(key(Path::new("/run/a-b.pid")), ".run,a-b.pid");
        assert_ne!(key(Path::new("/run/a,b")), key(Path::new("/run/a/b")));
    }
}
