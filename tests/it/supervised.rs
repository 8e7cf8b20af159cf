//! Below a supervisor a program has the same state as a daemon, in the process that the supervisor started, and
//! readiness is sent by the supervisor's own protocol.

mod activation;
mod container;
mod container_terminal;
mod equal_modes;
mod exec_in_place;
mod generated_units;
mod main_pid;
mod monitor;
pub(crate) mod notify_messages;
mod passed_on;
mod pid_file;
mod prepared_by_host;
mod reload;
pub(crate) mod s6_and_runit;
mod shell_wrapper;
pub(crate) mod support;
mod type_forking;
mod vsock;
