//! A command that is started, and left running as soon as it has said that it is ready (systemd-notify(1), `--fork`).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use svcadapt_spec::Probe;

use super::{ProbeInputs, Probes, ProcessTree, RunAs};
use crate::sys::process_handle::ProcessHandle;
use crate::sys::socket::NotifySocket;
use crate::sys::{fd, process};

/// How long the barrier of a sender is awaited: it follows at once, if it does.
const BARRIER_TIMEOUT: Duration = Duration::from_millis(100);

/// The socket on which a command says that it is ready.
#[derive(Debug)]
pub struct ReadySocket(Probes);

impl ReadySocket {
    /// Opens one, and returns its name for `NOTIFY_SOCKET`.
    pub fn new() -> io::Result<(Self, OsString)> {
        let (socket, name) = NotifySocket::abstract_name()?;
        let inputs = ProbeInputs {
            socket: Some(socket),
            pipes: Vec::new(),
            identity: RunAs::Own,
            environment: Vec::new(),
            logs: Vec::new(),
            buses: Vec::new(),
        };
        let mut address = OsString::from("@");
        address.push(OsStr::from_bytes(&name));
        Ok((Self(Probes::new(&[Probe::Notify], inputs)), address))
    }

    /// Waits until the command is ready (`None`), or has ended before.
    pub fn wait(mut self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        let held = ProcessHandle::open(pid)?;
        let tree = ProcessTree { main: pid, root: process::own_pid(), control: None };
        loop {
            // What it has said before its end counts.
            let ended = child.try_wait()?;
            self.0.look(tree, Duration::ZERO)?;
            if self.0.all_met() {
                self.await_barrier(tree)?;
                return Ok(None);
            }
            if ended.is_some() {
                return Ok(ended);
            }
            let mut all = self.0.descriptors();
            all.extend(held.as_ref().and_then(ProcessHandle::descriptor));
            fd::wait_readable(&all, held.as_ref().and_then(ProcessHandle::pause))?;
        }
    }

    /// A sender may wait until its message was read (`BARRIER=1` follows), and would fail without a listener.
    fn await_barrier(&mut self, tree: ProcessTree) -> io::Result<()> {
        let until = Instant::now() + BARRIER_TIMEOUT;
        while !self.0.notifications().barrier {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            fd::wait_readable(&self.0.descriptors(), Some(left))?;
            self.0.look(tree, Duration::ZERO)?;
        }
        Ok(())
    }
}
