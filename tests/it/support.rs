//! Helpers of the tests that read and write units, property lists and JSON.

mod chance;
mod command;
mod folder;
pub(crate) mod random_spec;
mod systemd_judge;

pub(crate) use chance::Chance;
pub(crate) use chance::damage;
pub(crate) use command::lost;
pub(crate) use command::printed;
pub(crate) use command::stderr_of;
pub(crate) use command::svcadapt;
pub(crate) use folder::Folder;
pub(crate) use systemd_judge::Judgement;
pub(crate) use systemd_judge::as_set;
