//! Items for the `svcadapt` command beyond the public API. They may change in any release: programs use
//! [`Daemon`](crate::Daemon), [`control`](crate::control) and [`spec`](svcadapt_spec).
//!
//! No function here takes a raw descriptor number, but for the one that duplicates it, and functions that fork refuse to do so in a process with several threads:
//! code that would be unsound in other hands stays private.

pub use crate::control::{ForeignProcess, recorded_names, stop_to_restart};
pub use crate::detect::{Supervisor, UnitRef, supervisor_of, supervisors, unit_of};
pub use crate::launch::{
    DEFAULT_START_TIMEOUT, NOT_IN_TIME, Outcome, Progress, StderrTail, check, find_control_group, is_running,
    resume_monitor, start,
};
pub use crate::logs::{
    FileQuery, LogQuery, LogSource, file_lines, has_times, journal_command, journal_last, journal_query,
    last_lines, log_time, own_log, place,
};
pub use crate::notify::{Address, Notifier, connected_to_journal};
pub use crate::plan::{Resolution, StartedBy, forwards_signals, life_fields};
pub use crate::readiness::{Probed, ReadySocket, Schedule, probe};
pub use crate::registry::stored_spec::read as stored_spec;
pub use crate::registry::{directory as state_directory, lock_of};
pub use crate::setup::{do_without_state, refuse_lent_rights, resolve};
pub use crate::sys::command_output::run_within;
pub use crate::sys::descendants::descends;
pub use crate::sys::fd::{duplicate_raw, wait_readable, write_all};
pub use crate::sys::file::digest;
pub use crate::sys::identity::{RealUser, effective_user};
pub use crate::sys::journal::listens as journal_listens;
pub use crate::sys::lock::{StartLock, lock_starts};
pub use crate::sys::machine::is_booted_with_systemd;
pub use crate::sys::path_trust::is_trusted_place;
pub use crate::sys::process::{Ended, own_pid};
pub use crate::sys::process_handle::ProcessHandle;
pub use crate::sys::process_info::{of as process_info, pids, user_of};
pub use crate::sys::self_pipe::SelfPipe;
pub use crate::sys::sync::sync_file;
pub use crate::sys::terminal::size as terminal_size;
pub use crate::sys::{accounts, attribute, error_text, escape_control, procfs, signal, untrusted};
