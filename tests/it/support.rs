//! Helpers of the tests that read and write units, property lists and JSON.

mod chance;
mod command;
mod folder;
pub(crate) mod random_spec;
mod systemd_judge;

pub(crate) use chance::{Chance, damage};
pub(crate) use command::{lost, printed, stderr_of, svcadapt};
pub(crate) use folder::Folder;
pub(crate) use systemd_judge::{Judgement, as_set};
