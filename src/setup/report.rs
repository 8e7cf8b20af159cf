//! The reports that the process which becomes the program sends to the waiting process, over a pipe.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::undo::{Created, CreatedKind};
use crate::error::StepError;
use crate::sys::fd;

/// One message. After the last one the pipe is closed, by the announced exec or by the end of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The process exists and has this pid.
    Started(i32),
    /// It has created this.
    Created(Created),
    /// A step failed; the process exits.
    Failed(StepError),
    /// Only the exec is left to do.
    Executing,
    /// A re-executed program has reached `Daemon::enter`.
    Entered,
    /// A program that becomes the service in place has performed all its steps. From here on its own code may write
    /// to the pipe, so reports about created files are ignored.
    SetupDone,
    /// A program that became the service in place is ready.
    Ready,
    /// Its status text.
    Status(String),
    /// The reason why it is about to fail.
    FailureReason(String),
    /// It requests this many microseconds more, counted from now.
    ExtendTimeout(u64),
    /// A signal has ended the program of a monitor, which reports the failure next.
    KilledBy(i32),
}

impl Report {
    fn tag(&self) -> Tag {
        match self {
            Self::Started(_) => Tag::Started,
            Self::Created(created) => match created.kind {
                CreatedKind::File => Tag::CreatedFile,
                CreatedKind::Directory => Tag::CreatedDirectory,
                CreatedKind::Queue => Tag::CreatedQueue,
            },
            Self::Failed(_) => Tag::Failed,
            Self::Executing => Tag::Executing,
            Self::Entered => Tag::Entered,
            Self::SetupDone => Tag::SetupDone,
            Self::Ready => Tag::Ready,
            Self::Status(_) => Tag::Status,
            Self::FailureReason(_) => Tag::FailureReason,
            Self::ExtendTimeout(_) => Tag::ExtendTimeout,
            Self::KilledBy(_) => Tag::KilledBy,
        }
    }

    /// Sends the message.
    pub fn send(&self, pipe: impl AsFd) -> io::Result<()> {
        let mut message = vec![self.tag() as u8];
        match self {
            Self::Started(number) | Self::KilledBy(number) => put(&mut message, &number.to_ne_bytes()),
            Self::Created(created) => {
                put(&mut message, created.path.as_os_str().as_bytes());
                put(&mut message, &created.device.to_ne_bytes());
                put(&mut message, &created.inode.to_ne_bytes());
            }
            Self::Failed(failure) => {
                for text in [&failure.stage, &failure.cause] {
                    put(&mut message, shortened(text));
                }
                for text in [&failure.object, &failure.hint] {
                    put(&mut message, &[u8::from(text.is_some())]);
                    put(&mut message, text.as_deref().unwrap_or_default().as_bytes());
                }
                put(&mut message, &[failure.status]);
                put(&mut message, &failure.errno.unwrap_or_default().to_ne_bytes());
            }
            Self::Executing | Self::Entered | Self::SetupDone | Self::Ready => {}
            Self::Status(text) | Self::FailureReason(text) => put(&mut message, shortened(text)),
            Self::ExtendTimeout(micros) => put(&mut message, &micros.to_ne_bytes()),
        }
        fd::write_all(pipe, &message)
    }
}

/// The first byte of a message: its kind.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Started = b'S',
    CreatedDirectory = b'D',
    CreatedFile = b'F',
    CreatedQueue = b'Q',
    Failed = b'X',
    Executing = b'E',
    Entered = b'N',
    SetupDone = b'L',
    Ready = b'R',
    Status = b'T',
    FailureReason = b'Y',
    ExtendTimeout = b'Z',
    KilledBy = b'K',
}

impl Tag {
    const ALL: [Self; 13] = [
        Self::Started,
        Self::CreatedDirectory,
        Self::CreatedFile,
        Self::CreatedQueue,
        Self::Failed,
        Self::Executing,
        Self::Entered,
        Self::SetupDone,
        Self::Ready,
        Self::Status,
        Self::FailureReason,
        Self::ExtendTimeout,
        Self::KilledBy,
    ];

    /// The kind for this byte. Only a program's own code writes other bytes to the pipe: the launcher ignores
    /// `Executing` from there.
    fn of(byte: u8) -> Self {
        Self::ALL.into_iter().find(|tag| *tag as u8 == byte).unwrap_or(Self::Executing)
    }
}

/// A text of the program, cut to the space that a message has.
fn shortened(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(MAX_MESSAGE_BYTES / 4)]
}

fn put(message: &mut Vec<u8>, field: &[u8]) {
    message.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(field);
}

/// The largest message: a few paths and texts of at most 4 KiB each.
const MAX_MESSAGE_BYTES: usize = 65_536;

/// Assembles messages from the bytes of the pipe.
#[derive(Debug, Default)]
pub struct Reports {
    pending: Vec<u8>,
}

impl Reports {
    /// Adds bytes, up to the largest message. A longer one comes from a program that wants to exhaust the reader's
    /// memory; it never becomes complete.
    pub fn feed(&mut self, bytes: &[u8]) {
        let room = MAX_MESSAGE_BYTES.saturating_sub(self.pending.len());
        self.pending.extend(&bytes[..bytes.len().min(room)]);
    }
}

impl Iterator for Reports {
    type Item = Report;

    /// The next complete message.
    fn next(&mut self) -> Option<Report> {
        let mut rest = Fields(self.pending.split_first()?.1);
        let report = match Tag::of(*self.pending.first()?) {
            Tag::Started => Report::Started(i32::from_ne_bytes(rest.number()?)),
            Tag::CreatedFile => Report::Created(rest.created(CreatedKind::File)?),
            Tag::CreatedDirectory => Report::Created(rest.created(CreatedKind::Directory)?),
            Tag::CreatedQueue => Report::Created(rest.created(CreatedKind::Queue)?),
            Tag::Failed => {
                let (stage, cause) = (rest.text()?, rest.text()?);
                let (object, hint) = (rest.optional()?, rest.optional()?);
                Report::Failed(StepError {
                    stage,
                    object,
                    cause,
                    hint,
                    output: Vec::new(),
                    status: u8::from_ne_bytes(rest.number()?),
                    // No error has the number 0.
                    errno: Some(i32::from_ne_bytes(rest.number()?)).filter(|number| *number != 0),
                })
            }
            Tag::Executing => Report::Executing,
            Tag::Entered => Report::Entered,
            Tag::SetupDone => Report::SetupDone,
            Tag::Ready => Report::Ready,
            Tag::Status => Report::Status(rest.text()?),
            Tag::FailureReason => Report::FailureReason(rest.text()?),
            Tag::ExtendTimeout => Report::ExtendTimeout(u64::from_ne_bytes(rest.number()?)),
            Tag::KilledBy => Report::KilledBy(i32::from_ne_bytes(rest.number()?)),
        };
        let used = self.pending.len() - rest.0.len();
        self.pending.drain(..used);
        Some(report)
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn created(&mut self, kind: CreatedKind) -> Option<Created> {
        Some(Created {
            kind,
            path: PathBuf::from(OsString::from_vec(self.field()?.to_vec())),
            device: u64::from_ne_bytes(self.number()?),
            inode: u64::from_ne_bytes(self.number()?),
        })
    }

    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.field()?.try_into().ok()
    }

    fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.field()?).into_owned())
    }

    #[allow(clippy::option_option, reason = "the outer one says that the message is not complete yet")]
    fn optional(&mut self) -> Option<Option<String>> {
        let some = self.number()? == [1];
        let text = self.text()?;
        Some(some.then_some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_pipe_in_pieces_of_any_size() {
        let failure = StepError::about("exec", "/bin/x y", "no such file", 203).hint("look");
        let with_errno = StepError { errno: Some(2), ..failure.clone() };
        let made =
            Created { kind: CreatedKind::Directory, path: "/run/a\nb".into(), device: 7, inode: u64::MAX };
        let all = [
            Report::Started(42),
            Report::Created(made),
            Report::Failed(failure),
            Report::Failed(with_errno),
            Report::Executing,
            Report::Entered,
            Report::SetupDone,
            Report::Status("opening".into()),
            Report::FailureReason("no\nbells".into()),
            Report::ExtendTimeout(u64::MAX),
            Report::Ready,
        ];
        let (out, input) = fd::pipe().unwrap();
        for report in &all {
            report.send(&input).unwrap();
        }
        drop(input);
        let mut bytes = vec![0; 4096];
        let length = fd::read(&out, &mut bytes).unwrap().unwrap();
        for size in [1, 3, 4096] {
            let (mut reports, mut seen) = (Reports::default(), Vec::new());
            for piece in bytes[..length].chunks(size) {
                reports.feed(piece);
                seen.extend(reports.by_ref());
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn a_message_without_an_end_takes_no_memory() {
        let mut reports = Reports::default();
        reports.feed(&[b"T".as_slice(), &u32::MAX.to_ne_bytes()].concat());
        for _ in 0..100 {
            reports.feed(&[b'x'; 4096]);
            assert_eq!(reports.next(), None);
        }
        assert_eq!(reports.pending.len(), MAX_MESSAGE_BYTES);
        let (out, input) = fd::pipe().unwrap();
        Report::FailureReason("é".repeat(MAX_MESSAGE_BYTES)).send(&input).unwrap();
        let mut bytes = vec![0; MAX_MESSAGE_BYTES];
        let length = fd::read(&out, &mut bytes).unwrap().unwrap();
        let mut reports = Reports::default();
        reports.feed(&bytes[..length]);
        assert!(
            matches!(reports.next(), Some(Report::FailureReason(text)) if text.len() == MAX_MESSAGE_BYTES / 4)
        );
    }
}
