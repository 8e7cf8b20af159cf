//! SERVICE MANAGERS: which one has a service, and what it does when it is asked.
//!
//! [`of_process`] finds the manager that has started a process, [`named`] the services of a name that the managers of this
//! machine have, running or not. A [`ManagedService`] is started, stopped, restarted, reloaded and looked at by its
//! manager's own tool, because a manager starts a service again that was stopped in any other way.
//!
//! [`ProgramService`] is a program that installs itself: `myprog service install`. [`Installation`] installs files with a manager and remembers them, so that [`uninstall`] removes these and nothing else.
//!
//! One file a manager: how its services are found, which command does what, and how its answer is read.

#![forbid(unsafe_code)]

mod daemontools;
mod deliver;
mod files;
mod find;
mod home;
mod install;
mod launchctl;
mod launchd;
mod manifest;
mod openrc;
mod operation;
mod program_files;
mod program_service;
mod runit;
mod s6;
mod scanned;
mod script_claims;
mod service;
mod service_manager;
mod settle;
mod state;
mod supervision;
mod supervisord;
mod systemd;
mod sysv;
mod tool;
mod uninstall;
mod user_manager;

pub use deliver::{OutputFile, deliver};
pub use find::{named, of_process, started_as};
pub use install::{Change, ChangeKind, Installation, Installed, StartNow, StartTime};
pub use manifest::{all_installed, installed};
pub use operation::Operation;
pub use program_service::ProgramService;
pub use service::{Host, ManagedService};
pub use service_manager::ServiceManager;
pub use state::{HostState, RunPhase};
pub use systemd::{is_active_unit, version as systemd_version};
pub use uninstall::uninstall;
