//! `svcadapt logs`, and where output goes that has no place: to a log file, or to the journal.

mod files;
mod journal;
mod pipe;
mod ready;
