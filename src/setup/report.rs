//! What the process that becomes the program tells the one that waits for it, over a pipe.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use super::journal::Created;
use crate::error::StepError;
use crate::sys::fd;

/// One message. After the last one the pipe is closed: by the exec that was announced, or by a death.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The process exists, and this is its number.
    Started(i32),
    /// It has made something that was not there before.
    Created(Created),
    /// A step failed; the process ends.
    Failed(StepError),
    /// Everything is done but the exec.
    Executing,
    /// A program that was executed again has come to where it goes on.
    Entered,
    /// A program that stays what it is has done all its steps: from here on its own code speaks, and of what was made
    /// it is not asked.
    Settled,
    /// A program that stays what it is says that it is ready.
    Ready,
    /// It says what it is doing.
    Status(String),
    /// It says why it is about to fail.
    Why(String),
    /// It asks for so many microseconds more, from now on.
    Extend(u64),
}

impl Report {
    /// Sends the message.
    pub fn send(&self, pipe: impl AsFd) -> io::Result<()> {
        let mut message = Vec::new();
        match self {
            Self::Started(pid) => {
                message.push(b'S');
                put(&mut message, &pid.to_ne_bytes());
            }
            Self::Created(made) => {
                message.push(if made.directory { b'D' } else { b'F' });
                put(&mut message, std::os::unix::ffi::OsStrExt::as_bytes(made.path.as_os_str()));
                put(&mut message, &made.device.to_ne_bytes());
                put(&mut message, &made.inode.to_ne_bytes());
            }
            Self::Failed(failure) => {
                message.push(b'X');
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
            Self::Executing => message.push(b'E'),
            Self::Entered => message.push(b'N'),
            Self::Settled => message.push(b'L'),
            Self::Ready => message.push(b'R'),
            Self::Status(text) => {
                message.push(b'T');
                put(&mut message, shortened(text));
            }
            Self::Extend(micros) => {
                message.push(b'Z');
                put(&mut message, &micros.to_ne_bytes());
            }
            Self::Why(text) => {
                message.push(b'Y');
                put(&mut message, shortened(text));
            }
        }
        fd::write_all(pipe, &message)
    }
}

/// As much of a text of the program's own as there is room for.
fn shortened(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(LONGEST / 4)]
}

fn put(message: &mut Vec<u8>, field: &[u8]) {
    message.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(field);
}

/// The longest message: a few paths and texts of at most 4 KiB each.
const LONGEST: usize = 65_536;

/// Puts messages together from what comes out of the pipe.
#[derive(Debug, Default)]
pub struct Reports {
    pending: Vec<u8>,
}

impl Reports {
    /// Takes more bytes. Of a message that is longer than any of ours no more is taken: it comes from a program that
    /// wants the memory of whoever started it, and what it says is never complete.
    pub fn feed(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.pending.len());
        self.pending.extend(&bytes[..bytes.len().min(room)]);
    }
}

impl Iterator for Reports {
    type Item = Report;

    /// The next message that is complete.
    fn next(&mut self) -> Option<Report> {
        let mut rest = Fields(self.pending.split_first()?.1);
        let report = match self.pending.first()? {
            b'S' => Report::Started(i32::from_ne_bytes(rest.number()?)),
            kind @ (b'D' | b'F') => Report::Created(Created {
                directory: *kind == b'D',
                path: PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(
                    rest.field()?.to_vec(),
                )),
                device: u64::from_ne_bytes(rest.number()?),
                inode: u64::from_ne_bytes(rest.number()?),
            }),
            b'X' => {
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
            b'N' => Report::Entered,
            b'L' => Report::Settled,
            b'R' => Report::Ready,
            b'T' => Report::Status(rest.text()?),
            b'Y' => Report::Why(rest.text()?),
            b'Z' => Report::Extend(u64::from_ne_bytes(rest.number()?)),
            _ => Report::Executing,
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
        let refused = StepError { errno: Some(2), ..failure.clone() };
        let made = Created { directory: true, path: "/run/a\nb".into(), device: 7, inode: u64::MAX };
        let all = [
            Report::Started(42),
            Report::Created(made),
            Report::Failed(failure),
            Report::Failed(refused),
            Report::Executing,
            Report::Entered,
            Report::Settled,
            Report::Status("opening".into()),
            Report::Why("no\nbells".into()),
            Report::Extend(u64::MAX),
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
        assert_eq!(reports.pending.len(), LONGEST);
        let (out, input) = fd::pipe().unwrap();
        Report::Why("é".repeat(LONGEST)).send(&input).unwrap();
        let mut bytes = vec![0; LONGEST];
        let length = fd::read(&out, &mut bytes).unwrap().unwrap();
        let mut reports = Reports::default();
        reports.feed(&bytes[..length]);
        assert!(matches!(reports.next(), Some(Report::Why(text)) if text.len() == LONGEST / 4));
    }
}
