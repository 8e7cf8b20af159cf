//! Under somebody's supervision a program is what it would be as a daemon, in the process that its supervisor
//! started, and told in the supervisor's own protocol.

mod activation;
mod below_a_shell;
mod container;
mod everywhere;
mod forking;
mod hand_over;
mod itself;
mod manager;
mod monitor;
mod panics;
mod parity;
mod pid_file;
mod plain;
mod recognised;
mod reload;
mod supervisors;
mod support;
mod terminal;
mod units;
