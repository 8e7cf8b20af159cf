//! A manager that services are installed with, of the system or of a user.

use std::path::PathBuf;

use svcadapt::StepError;
use svcadapt::internal::{effective_user, is_booted_with_systemd};
use svcadapt_spec::{Scope, ServiceName};

use super::tool::is_installed;
use super::{Host, ManagedService, StartTime, launchd, openrc, runit, s6, systemd, sysv};

/// What a manager does with the files of a service.
pub(crate) trait Installer {
    /// Where the files belong.
    fn directory(&self) -> Result<PathBuf, StepError>;

    /// Fails if services cannot be started now, because the manager does not run.
    fn check_running(&self) -> Result<(), StepError> {
        Ok(())
    }

    /// Makes the manager read new, changed or removed files. Most managers read them when they are needed.
    fn reload(&self) -> Result<(), StepError> {
        Ok(())
    }

    /// Has the service started at boot, or at login; it is not started now.
    fn enable(&self, name: &ServiceName) -> Result<(), StepError>;

    /// Has it no longer started at boot; it is not stopped.
    fn disable(&self, name: &ServiceName) -> Result<(), StepError>;

    /// Makes the manager forget a service that is stopped and disabled, before its files are removed.
    fn forget(&self, _name: &ServiceName) -> Result<(), StepError> {
        Ok(())
    }

    /// Makes the manager forget earlier starts and failures, which would keep the service from being started now.
    fn clear_failures(&self, _name: &ServiceName) {}

    /// What the user should know of all services that are installed there.
    fn note(&self) -> Option<StepError> {
        None
    }

    /// When an enabled service is started.
    fn start_time(&self) -> StartTime;

    /// The service, to be controlled. `None`: the manager does not know it.
    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError>;
}

/// A manager that services are installed with, of the system or of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceManager {
    /// The manager.
    pub host: Host,
    /// Whether it is the system's or the user's.
    pub scope: Scope,
}

impl ServiceManager {
    /// The manager of this machine.
    ///
    /// # Errors
    ///
    /// No manager runs here that services can be installed with; root has no services of a user; the manager that runs has
    /// none.
    pub fn of_machine(scope: Scope) -> Result<Self, StepError> {
        let host = if is_booted_with_systemd() {
            Host::Systemd
        } else if is_installed("launchctl") {
            Host::Launchd
        } else if std::path::Path::new("/run/openrc").is_dir() && is_installed("rc-update") {
            Host::OpenRc
        } else if runit::scanned_directory().is_some() {
            Host::Runit
        } else if s6::scanned_directory().is_some() {
            Host::S6
        } else if sysv::registrar().is_some() {
            Host::SysV
        } else {
            return Err(StepError::new("install", "no service manager runs here")
                .hint("--host NAME chooses one; `svcadapt run` starts the program without one")
                .status(1));
        };
        Self { host, scope }.checked()
    }

    /// A manager by its name.
    ///
    /// # Errors
    ///
    /// As [`ServiceManager::of_machine`]; services cannot be installed with this manager.
    pub fn named(name: &str, scope: Scope) -> Result<Self, StepError> {
        let host = Host::INSTALLS.into_iter().find(|host| host.name() == name).ok_or_else(|| {
            let names = Host::INSTALLS.map(Host::name).join(", ");
            StepError::new("--host", "services cannot be installed with this manager")
                .of(name)
                .hint(format!("the managers are {names}"))
        })?;
        Self { host, scope }.checked()
    }

    pub(crate) fn checked(self) -> Result<Self, StepError> {
        let error = |cause: String, hint: &str| Err(StepError::new("install", cause).hint(hint).status(1));
        let root = effective_user() == 0;
        match (self.scope, self.host) {
            (Scope::User, _) if root => error(
                "root has no services of a user".to_owned(),
                "leave out --scope user, or run this as the user",
            ),
            (Scope::User, Host::Systemd | Host::Launchd) => Ok(self),
            (Scope::User, host) => error(
                format!("{} has no services of a user", host.name()),
                "run this as root without --scope user",
            ),
            (Scope::System, _) if !root => error(
                "only root installs services of the system".to_owned(),
                "run this as root, or add --scope user",
            ),
            (Scope::System, _) => Ok(self),
        }
    }

    pub(crate) fn installer(self) -> Box<dyn Installer> {
        match self.host {
            Host::Systemd => Box::new(systemd::Units { scope: self.scope }),
            Host::Launchd => Box::new(launchd::Jobs { scope: self.scope }),
            Host::OpenRc => Box::new(openrc::OpenRcScripts),
            Host::Runit => Box::new(runit::RunitDirectories),
            Host::S6 => Box::new(s6::S6Directories),
            Host::Daemontools | Host::Supervisord | Host::SysV => Box::new(sysv::InitScripts),
        }
    }

    /// Where the files of a service belong.
    ///
    /// # Errors
    ///
    /// The user has no home.
    pub fn directory(self) -> Result<PathBuf, StepError> {
        self.installer().directory()
    }

    /// The service of this name, to be controlled. `None`: the manager does not know it.
    ///
    /// # Errors
    ///
    /// The manager does not answer.
    pub fn service(self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        self.installer().service(name)
    }

    /// Has a service started at boot, or at login.
    ///
    /// # Errors
    ///
    /// The manager does not know the service, or its tool fails.
    pub fn enable(self, name: &ServiceName) -> Result<(), StepError> {
        self.checked()?.installer().enable(name)
    }

    /// Has a service no longer started at boot, or at login.
    ///
    /// # Errors
    ///
    /// As [`ServiceManager::enable`].
    pub fn disable(self, name: &ServiceName) -> Result<(), StepError> {
        self.checked()?.installer().disable(name)
    }
}
