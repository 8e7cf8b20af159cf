//! The descriptors of the program.

use svcadapt_spec::{Probe, SocketMoment, Sockets};

use super::StepList;
use crate::plan::life::store_size;
use crate::plan::streams::is_socket_a_stream;
use crate::plan::{Ending, LaunchStep, SocketSource};

impl StepList<'_> {
    /// The descriptors that stay open. A program that becomes the service itself opens its sockets and its lock at any free
    /// number, and has duplicates of passed descriptors.
    pub(super) fn open_descriptors(&self) -> Vec<i32> {
        if self.end == Ending::Return {
            return self.spec.files_preserve.clone();
        }
        let mut kept = self.passed_to_program();
        kept.extend(self.resolved.lock.as_ref().map(|_| self.lock_descriptor()));
        kept.sort_unstable();
        kept
    }

    /// Whether the process that stays opens the sockets of the service, and gives the same ones to each start.
    pub(super) fn monitor_listens(&self) -> bool {
        self.strategy.stays() && self.end == Ending::Exec && self.listening == SocketSource::Own
    }

    /// The commands at a moment, if the service has sockets.
    pub(super) fn socket_commands(&mut self, moment: SocketMoment) {
        let sockets = &self.spec.sockets;
        let commands = sockets.commands.get(&moment).filter(|_| !sockets.listen.is_empty());
        for command in commands.into_iter().flatten() {
            let (directive, command) = (moment.directive(), command.to_string());
            self.launcher(LaunchStep::SocketCommand { directive, command });
        }
    }

    /// The numbers at which the program gets the descriptors that the process that stays holds: its sockets, then those that
    /// it has stored. systemd passes nothing but the socket to a program that has it as a stream.
    pub(super) fn held_descriptors(&self) -> Vec<i32> {
        let caller = &self.resolved.caller;
        let own = if self.monitor_listens() { self.spec.sockets.listen.len() } else { 0 };
        let before = match self.listening {
            SocketSource::Passed => caller.passed_descriptors.len(),
            SocketSource::Launchd => caller.launchd_descriptors.len(),
            SocketSource::Own | SocketSource::Program => 0,
        };
        let stored = if is_socket_a_stream(self.spec) { 0 } else { caller.stored };
        (Sockets::FIRST_DESCRIPTOR..).skip(before).take(own + stored).collect()
    }

    /// The descriptors that the spec or the host pass to the program.
    fn passed_to_program(&self) -> Vec<i32> {
        let as_stream = is_socket_a_stream(self.spec);
        let passed = &self.resolved.caller.passed_descriptors;
        let mut kept = if as_stream { Vec::new() } else { passed.clone() };
        match self.listening {
            _ if as_stream => {}
            SocketSource::Own => kept.extend(self.spec.sockets.descriptors()),
            SocketSource::Launchd => {
                kept.extend(
                    (Sockets::FIRST_DESCRIPTOR..)
                        .zip(&self.resolved.caller.launchd_descriptors)
                        .map(|(at, _)| at),
                );
            }
            SocketSource::Passed | SocketSource::Program => {}
        }
        if !as_stream {
            kept.extend(self.held_descriptors());
        }
        kept.extend(&self.spec.files_preserve);
        kept.extend(self.spec.ready.iter().filter_map(|probe| match probe {
            Probe::Fd(number) => Some(*number),
            _ => None,
        }));
        kept.sort_unstable();
        kept.dedup();
        kept
    }

    /// The descriptor of the lock: the first free one from 32 up. Scripts use 3 to 9, shells 10 and above; below 64 the
    /// kernel's initial descriptor table need not grow. If RLIMIT_NOFILE is below 32, the highest free lower one.
    pub(super) fn lock_descriptor(&self) -> i32 {
        const USUAL: i32 = 32;
        let kept = self.passed_to_program();
        let given = &self.resolved.caller.launchd_descriptors;
        // Those that the program will have stored get numbers after the others.
        let last = kept.iter().rev().copied().find(|&number| number < USUAL);
        let first = last.map_or(Sockets::FIRST_DESCRIPTOR, |last| last + 1);
        let stored = i32::try_from(store_size(self.spec)).unwrap_or(i32::MAX);
        let reserved = first..first.saturating_add(stored);
        let free =
            |number: &i32| !kept.contains(number) && !given.contains(number) && !reserved.contains(number);
        let limit = self.resolved.caller.descriptors.unwrap_or(i32::MAX);
        let lower = || (3..limit.min(USUAL)).rev().find(free);
        (USUAL..limit).find(free).or_else(lower).unwrap_or(USUAL)
    }
}
