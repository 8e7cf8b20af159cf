//! Under somebody's supervision a program is what it would be as a daemon, in the process that its supervisor
//! started, and told in the supervisor's own protocol.

mod activation;
mod container;
mod container_terminal;
mod equal_modes;
mod exec_in_place;
mod generated_units;
mod main_pid;
mod monitor;
pub(crate) mod notify_messages;
mod pid_file;
mod prepared_by_host;
mod reload;
pub(crate) mod s6_and_runit;
mod shell_wrapper;
pub(crate) mod support;
mod type_forking;
