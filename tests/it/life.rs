//! The life of a service that svcadapt stays with: its commands, restarts, stop, and the requests to its monitor.

mod against_systemd;
mod commands;
mod conditions;
mod monitor;
mod restart;
mod support;
