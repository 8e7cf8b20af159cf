//! The life of a service that svcadapt stays with: its commands, restarts, stop, and the requests to its monitor.

mod against_systemd;
mod clock;
mod commands;
mod conditions;
mod core_dump;
mod disturbed;
mod exhausted;
mod faults;
mod monitor;
mod notifications;
mod notify_protocol;
mod pid_file;
mod reload;
mod restart;
mod successor;
mod support;
mod unattended;
mod watchdog_probe;
mod without_main;
