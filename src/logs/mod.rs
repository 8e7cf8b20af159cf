//! Where the output of a service goes, and how it is shown.

mod archive;
mod pipe;
mod place;
mod read;
mod rotate;
mod show;
mod timestamp;
mod when;
mod writer;

pub(crate) use archive::{clear_unfinished, compress, set_aside};
pub(crate) use pipe::{LogMoment, LogPipe, Pumped};
pub(crate) use place::used_log;
pub use place::{own_log, place};
pub use read::{FileQuery, file_lines, has_times, last_lines};
pub(crate) use rotate::{MAX_BYTES, prepare, prepare_directory};
pub(crate) use show::journal_since;
pub use show::{LogQuery, LogSource, journal_command, journal_last, journal_query};
pub(crate) use timestamp::TIME_BYTES;
pub use when::log_time;
pub(crate) use writer::LogRules;
