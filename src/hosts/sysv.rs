//! Init scripts of System V, by the LSB ("Init Script Actions").

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use svcadapt::StepError;
use svcadapt::internal::{effective_user, is_trusted_place, own_pid, process_info};
use svcadapt_spec::ServiceName;

use super::script_claims::Claims;
use super::service::{Host, Managed};
use super::service_manager::Installer;
use super::tool::{Tool, is_installed};
use super::{HostState, ManagedService, Operation, RunPhase, StartTime};

/// A script in /etc/init.d.
#[derive(Debug)]
pub(crate) struct InitScript {
    path: PathBuf,
    name: String,
    author: Author,
}

/// Who answers for the service of a script.
#[derive(Debug)]
enum Author {
    /// svcadapt: the script starts it, or is it. Its answers are exact.
    Svcadapt,
    /// The script itself, and what it says of its program: many call a service running that is not.
    Script(Claims),
    /// Nothing: other users than root can write the script, which is not executed.
    Untrusted,
}

impl InitScript {
    /// The script of this name. One that does not start svcadapt must be an init script by the LSB.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let path = Path::new(FOLDER).join(name);
        let found = path.metadata().ok()?;
        let mode = found.permissions().mode();
        if !found.is_file() || mode & 0o111 == 0 {
            return None;
        }
        let author = if is_svcadapt(&path) {
            Author::Svcadapt
        } else {
            let text = (found.len() <= MAX_SCRIPT_BYTES).then(|| std::fs::read(&path).ok()).flatten()?;
            if text.windows(OWN_NAME.len()).any(|part| part == OWN_NAME.as_bytes()) {
                Author::Svcadapt
            } else {
                Author::Script(Claims::of(&String::from_utf8_lossy(&text))?)
            }
        };
        let is_owned = found.uid() == 0 || found.uid() == effective_user();
        let is_trusted = is_owned && mode & 0o022 == 0 && is_trusted_place(&path);
        let author = if is_trusted { author } else { Author::Untrusted };
        Some(Self { path, name: name.to_owned(), author })
    }

    /// The state of a service that svcadapt does not have, by the script and by the processes.
    fn judged(&self, claims: &Claims) -> Result<HostState, StepError> {
        let status = Tool::new(&self.path).args(["status"]);
        let answer = if claims.knows("status") { status.run()?.status.code() } else { None };
        claims.judge(answer, claims.look()).ok_or_else(|| {
            let cause = match answer {
                Some(0) => "its init script says that it runs, and no process proves it",
                Some(_) => "its init script does not say whether it runs",
                None => "its init script has no action 'status', and no process proves that it runs",
            };
            let path = self.address();
            let hint = format!("`ps` shows whether it runs; `{path} stop` stops it");
            StepError::new("status", cause).of(path).status(1).hint(hint)
        })
    }
}

/// Where init scripts are.
const FOLDER: &str = "/etc/init.d";

/// What a script contains that starts svcadapt, and the name of a program that is svcadapt.
const OWN_NAME: &str = "svcadapt";

/// A larger file is no init script.
const MAX_SCRIPT_BYTES: u64 = 256 * 1024;

/// How long the service of a script may take to change after the script has ended: its work is done then.
const AFTER_SCRIPT: Duration = Duration::from_secs(10);

/// Whether a path leads to svcadapt: to a file of this name, or to the one that is executed.
fn is_svcadapt(path: &Path) -> bool {
    let is_called_so =
        path.canonicalize().is_ok_and(|real| real.file_name().is_some_and(|file| file == OWN_NAME));
    let id = |path: &Path| path.metadata().map(|found| (found.dev(), found.ino())).ok();
    is_called_so || std::env::current_exe().is_ok_and(|own| id(&own).is_some() && id(&own) == id(path))
}

impl Managed for InitScript {
    fn host(&self) -> Host {
        Host::SysV
    }

    fn address(&self) -> String {
        self.path.display().to_string()
    }

    fn commands(&self, operation: Operation, limit: Duration) -> Vec<Tool> {
        let tool = |operation: Operation| Tool::new(&self.path).args([operation.name()]).within(limit);
        match (&self.author, operation) {
            (Author::Untrusted, _) => Vec::new(),
            (Author::Script(claims), Operation::Reload) if !claims.knows("reload") => Vec::new(),
            (Author::Script(claims), Operation::Restart) if !claims.knows("restart") => {
                vec![tool(Operation::Stop), tool(Operation::Start)]
            }
            _ => vec![tool(operation)],
        }
    }

    fn returns_early(&self, operation: Operation) -> bool {
        matches!(self.author, Author::Script(_)) && operation != Operation::Reload
    }

    fn settle_limit(&self, limit: Duration) -> Duration {
        limit.min(AFTER_SCRIPT)
    }

    fn state(&self) -> Result<HostState, StepError> {
        let state = match &self.author {
            Author::Svcadapt => {
                let tool = Tool::new(&self.path).args(["status"]);
                let finished = tool.run()?;
                let phase = match finished.status.code() {
                    Some(0) => RunPhase::Running,
                    Some(1 | 2) => RunPhase::Failed("dead".to_owned()),
                    Some(3) => RunPhase::Stopped,
                    _ => return Err(tool.failure(&finished)),
                };
                HostState::of(phase, None)
            }
            Author::Script(claims) => self.judged(claims)?,
            Author::Untrusted => {
                let cause = "its init script is not asked, because other users than root can change it";
                let path = self.address();
                let hint = format!("`chown root {path}; chmod go-w {path}`, after you have read it");
                return Err(StepError::new("status", cause).of(path).status(1).hint(hint));
            }
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
        Ok(HostState { enabled, ..state })
    }

    fn is_foreign(&self) -> bool {
        matches!(self.author, Author::Script(_) | Author::Untrusted)
    }

    fn contains_this_process(&self) -> bool {
        // svcadapt that is called by the script, or as the script, is asked for the service itself.
        let own = process_info(own_pid());
        let parent = own.as_ref().and_then(|own| process_info(own.ppid));
        let mut words = own.into_iter().chain(parent).flat_map(|one| one.command_line);
        words.any(|word| Path::new(&word) == self.path)
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
        Ok(PathBuf::from(FOLDER))
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

    fn start_time(&self) -> StartTime {
        StartTime::Boot
    }

    fn service(&self, name: &ServiceName) -> Result<Option<ManagedService>, StepError> {
        Ok(InitScript::named(name.as_str()).map(ManagedService::new))
    }
}
