//! Init scripts of System V, by the LSB ("Init Script Actions").

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;

use super::service::{Host, Managed};
use super::tool::Tool;
use super::{Action, HostState, RunPhase};

/// A script in /etc/init.d.
#[derive(Debug)]
pub(crate) struct Script {
    path: PathBuf,
    name: String,
}

impl Script {
    /// The script of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let path = Path::new("/etc/init.d").join(name);
        let is_program = |path: &Path| {
            path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        is_program(&path).then(|| Self { path, name: name.to_owned() })
    }
}

impl Managed for Script {
    fn host(&self) -> Host {
        Host::SysV
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn commands(&self, action: Action, limit: Duration) -> Vec<Tool> {
        vec![Tool::new(&self.path).args([action.name()]).within(limit)]
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
        let starts = |level: std::fs::DirEntry| {
            let links = level.path().read_dir().into_iter().flatten().flatten();
            links.into_iter().any(|link| {
                let name = link.file_name().to_string_lossy().into_owned();
                name.starts_with('S') && name.get(3..) == Some(&self.name)
            })
        };
        let levels = Path::new("/etc").read_dir().into_iter().flatten().flatten();
        let levels = levels.filter(|level| level.file_name().to_string_lossy().starts_with("rc"));
        let enabled = levels.into_iter().any(starts);
        Ok(HostState { enabled: Some(enabled), ..HostState::of(phase, None) })
    }

    fn contains_this_process(&self) -> bool {
        // svcadapt that is called by the script is asked for the service itself.
        let parent = svcadapt::internal::process_info(svcadapt::internal::own_pid())
            .and_then(|own| svcadapt::internal::process_info(own.ppid));
        parent.is_some_and(|parent| parent.command_line.iter().any(|word| Path::new(word) == self.path))
    }
}
