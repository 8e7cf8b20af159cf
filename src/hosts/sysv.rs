//! Init scripts of System V, by the LSB ("Init Script Actions").

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt_spec::ServiceName;

use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::tool::{Tool, is_installed};
use super::{HostState, ManagedService, Operation, RunPhase};

/// A script in /etc/init.d.
#[derive(Debug)]
pub(crate) struct InitScript {
    path: PathBuf,
    name: String,
}

impl InitScript {
    /// The script of this name, if it starts svcadapt. Others are not asked: many know no `status`, or call a service running
    /// that is not, where no init uses them.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let path = Path::new("/etc/init.d").join(name);
        let found = path
            .metadata()
            .ok()
            .filter(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)?;
        let text = (found.len() <= MAX_SCRIPT_BYTES).then(|| std::fs::read(&path).ok()).flatten()?;
        let calls_svcadapt = text.windows(OWN_NAME.len()).any(|part| part == OWN_NAME);
        calls_svcadapt.then(|| Self { path, name: name.to_owned() })
    }
}

/// What a script contains that starts svcadapt.
const OWN_NAME: &[u8] = b"svcadapt";

/// A larger file is no init script.
const MAX_SCRIPT_BYTES: u64 = 256 * 1024;

impl Managed for InitScript {
    fn host(&self) -> Host {
        Host::SysV
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        vec![Tool::new(&self.path).args([operation.name()]).within(limit)]
    }

    fn state(&self) -> Result<HostState, StepError> {
        let tool = Tool::new(&self.path).args(["status"]);
        let finished = tool.run()?;
        let phase = match finished.status.code() {
            Some(0) => RunPhase::Running,
            Some(1 | 2) => RunPhase::Failed("dead".to_owned()),
            Some(3) => RunPhase::Stopped,
            _ => return Err(tool.failure(&finished)),
        };
        // Links `S20NAME` start it in a runlevel, links `K01NAME` stop it: a disabled one has only those.
        let levels = Path::new("/etc").read_dir().into_iter().flatten().flatten();
        let levels = levels.filter(|level| level.file_name().to_string_lossy().starts_with("rc"));
        let links = levels.flat_map(|level| level.path().read_dir().into_iter().flatten().flatten());
        let kinds = links.filter_map(|link| {
            let name = link.file_name().to_string_lossy().into_owned();
            (name.get(3..) == Some(&self.name)).then(|| name.starts_with('S'))
        });
        let kinds: Vec<bool> = kinds.collect();
        let enabled = (!kinds.is_empty()).then(|| kinds.contains(&true));
        Ok(HostState { enabled, ..HostState::of(phase, None) })
    }

    fn contains_this_process(&self) -> bool {
        // svcadapt that is called by the script is asked for the service itself.
        let parent = svcadapt::internal::process_info(svcadapt::internal::own_pid())
            .and_then(|own| svcadapt::internal::process_info(own.ppid));
        parent.is_some_and(|parent| parent.command_line.iter().any(|word| Path::new(word) == self.path))
    }
}

/// The programs that make the links of the runlevels: Debian's, and that of Red Hat and SUSE.
const REGISTRARS: [&str; 2] = ["update-rc.d", "chkconfig"];

/// The one that is installed.
pub(crate) fn registrar() -> Option<&'static str> {
    REGISTRARS.into_iter().find(|program| is_installed(program))
}

/// The scripts of the machine.
pub(crate) struct InitScripts;

impl InitScripts {
    /// Runs the registrar with the words for Debian's, or those for the other one.
    fn register(name: &ServiceName, debian: &[&[&str]], other: &[&[&str]]) -> Result<(), StepError> {
        let program = registrar().ok_or_else(|| {
            StepError::new("install", "neither update-rc.d nor chkconfig is installed")
                .of(name.as_str())
                .status(1)
        })?;
        let all = if program == REGISTRARS[0] { debian } else { other };
        all.iter().try_for_each(|words| Tool::new(program).args(*words).succeed().map(drop))
    }
}

impl Installer for InitScripts {
    fn directory(&self) -> Result<PathBuf, StepError> {
        Ok(PathBuf::from("/etc/init.d"))
    }

    fn enable(&self, name: &ServiceName) -> Result<(), StepError> {
        let script = name.as_str();
        Self::register(
            name,
            &[&[script, "defaults"], &[script, "enable"]],
            &[&["--add", script], &[script, "on"]],
        )
    }

    fn disable(&self, name: &ServiceName) -> Result<(), StepError> {
        Self::register(name, &[&[name.as_str(), "disable"]], &[&[name.as_str(), "off"]])
    }

    /// The script is still there (`-f`).
    fn forget(&self, name: &ServiceName) -> Result<(), StepError> {
        Self::register(name, &[&["-f", name.as_str(), "remove"]], &[&["--del", name.as_str()]])
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(InitScript::named(name.as_str()).map(ManagedService::new))
    }
}
