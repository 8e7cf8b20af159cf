//! A screen that a command draws again and again, on a terminal.

use std::fmt::Write;
use std::io;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{SelfPipe, error_text, own_pid, signal, terminal_size, wait_readable};

use super::Exit;
use super::report::print;

/// The signals that end the command.
const ENDS: [i32; 4] = [signal::SIGINT, signal::SIGTERM, signal::SIGHUP, signal::SIGQUIT];

/// Enters the alternate screen without a cursor, and leaves it (xterm's `?1049`, which terminals of today have).
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// The lines and columns of a terminal that does not say how large it is.
const SIZE: (u16, u16) = (24, 80);

/// The screen. The terminal is as it was when it is dropped.
pub(crate) struct Screen {
    caught: SelfPipe,
    shown: String,
}

impl Screen {
    /// Takes the screen.
    pub(crate) fn open() -> Result<Self, StepError> {
        let error = |cause: String| StepError::new("standard output", cause).status(1);
        if !io::stdout().is_terminal() {
            let hint = "without --watch the table is printed once; `svcadapt wait` waits for one service";
            return Err(error("not a terminal".to_owned()).hint(hint));
        }
        let others = [signal::SIGWINCH, signal::SIGTSTP, signal::SIGCONT];
        let numbers: Vec<i32> = ENDS.into_iter().chain(others).collect();
        let caught = SelfPipe::open(&numbers).map_err(|cause| error(error_text(&cause)))?;
        let _ = print(ENTER);
        Ok(Self { caught, shown: String::new() })
    }

    /// Shows a text, if it is another one than before or if the window has another size. What does not fit is cut off.
    pub(crate) fn show(&mut self, text: &str) -> Result<(), Exit> {
        let (rows, columns) = terminal_size(io::stdout()).unwrap_or(SIZE);
        let mut frame = "\x1b[H".to_owned();
        let lines: Vec<&str> = text.lines().collect();
        let fits = usize::from(rows).saturating_sub(1);
        for line in lines.iter().take(fits) {
            // Writing to a String cannot fail.
            let _ =
                write!(frame, "{}\x1b[K\r\n", line.chars().take(usize::from(columns)).collect::<String>());
        }
        frame.push_str("\x1b[J");
        if lines.len() > fits {
            let _ = write!(frame, "({} more)", lines.len() - fits);
        }
        if frame == self.shown {
            return Ok(());
        }
        print(&frame)?;
        self.shown = frame;
        Ok(())
    }

    /// Waits for this time, or until the window has changed. Returns the signal that ends the command.
    pub(crate) fn wait(&mut self, time: Duration) -> io::Result<Option<i32>> {
        wait_readable(&[self.caught.as_fd()], Some(time))?;
        while let Some(number) = self.caught.next()? {
            match number {
                number if ENDS.contains(&number) => return Ok(Some(number)),
                signal::SIGTSTP => {
                    // Ctrl-Z: the shell gets its own screen.
                    let _ = print(LEAVE);
                    signal::send(own_pid(), signal::SIGSTOP)?;
                    let _ = print(ENTER);
                }
                _ => {}
            }
            self.shown.clear();
        }
        Ok(None)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = print(LEAVE);
    }
}
