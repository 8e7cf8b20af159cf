//! Connects the standard streams of the program.

use std::io;
use std::os::fd::OwnedFd;

use svcadapt_spec::{Input, LogTarget, Output};

use super::perform::ServiceProcess;
use super::streams;
use crate::logs;
use crate::plan::StreamSocket;
use crate::sys::{fd, file};

impl ServiceProcess<'_> {
    pub(super) fn input(&mut self, input: &Input) -> io::Result<()> {
        let account = &self.resolved.account;
        let open = match input {
            Input::Terminal(claim) => streams::take_terminal(self.spec.terminal.device(), *claim, account)?,
            Input::Data => file::readable("stdin", &self.spec.input_data)?,
            _ => match StreamSocket::of_input(input) {
                Some(socket) => self.socket(socket)?,
                None => return self.streams.input(input, account),
            },
        };
        self.streams.set_input(open);
        Ok(())
    }

    /// A duplicate of a socket that the program gets.
    fn socket(&self, socket: StreamSocket<'_>) -> io::Result<OwnedFd> {
        let number = socket.descriptor(self.spec, self.resolved).map_err(io::Error::other)?;
        match self.placements.iter().find(|(_, place)| *place == number) {
            Some((socket, _)) => fd::duplicate(socket, 3),
            None => fd::duplicate_raw(number, 3),
        }
    }

    pub(super) fn output(&mut self, number: usize, output: &Output) -> io::Result<()> {
        let open = match output {
            Output::Terminal => streams::open_terminal(self.spec.terminal.device(), &self.resolved.account)?,
            Output::Log(target) => self.log(*target, output)?,
            Output::File(..)
                if self.log_pipe.is_some() && self.spec.standard_output.as_ref() == Some(output) =>
            {
                self.log_pipe
                    .as_ref()
                    .map_or_else(|| Ok(file::open_null()?.into()), |pipe| fd::duplicate(pipe, 3))?
            }
            _ => match StreamSocket::of_output(output) {
                Some(socket) => self.socket(socket)?,
                None => return self.file(number, output),
            },
        };
        self.streams.set_output(number, open, output);
        Ok(())
    }

    /// A stream to the journal. As with systemd, a journal that takes none does not stop the start: the output is lost.
    fn log(&mut self, target: LogTarget, output: &Output) -> io::Result<OwnedFd> {
        if let Some(same) = self.streams.same(output)? {
            return Ok(same);
        }
        match streams::journal(self.spec, target) {
            Ok(stream) => {
                self.journal_stream = Some(fd::identity(&stream)?);
                Ok(stream)
            }
            Err(error) => {
                streams::say_lost(output, &error);
                Ok(file::open_null()?.into())
            }
        }
    }

    /// Opens a file. The log file that a service has without being asked does not stop the start.
    fn file(&mut self, number: usize, output: &Output) -> io::Result<()> {
        let own = self.resolved.own_log.as_deref().filter(|own| match output {
            Output::File(_, path) => path.as_path() == *own && !self.streams.has(output),
            _ => false,
        });
        let prepared = own.map_or(Ok(()), logs::prepare);
        let mut streams = std::mem::take(&mut self.streams);
        let account = &self.resolved.account;
        let opened =
            prepared.and_then(|()| streams.output(number, output, account, |made| self.report_created(made)));
        self.streams = streams;
        match opened {
            Err(error) if own.is_some() => {
                streams::say_lost(output, &error);
                self.streams.set_output(number, file::open_null()?.into(), output);
                Ok(())
            }
            opened => opened,
        }
    }
}
