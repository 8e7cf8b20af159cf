//! The names of the keys that are written. launchd passes over a name that it does not know.

pub(super) const LABEL: &str = "Label";
pub(super) const PROGRAM_ARGUMENTS: &str = "ProgramArguments";
pub(super) const RUN_AT_LOAD: &str = "RunAtLoad";
pub(super) const EXIT_TIME_OUT: &str = "ExitTimeOut";
pub(super) const USER_NAME: &str = "UserName";
pub(super) const GROUP_NAME: &str = "GroupName";
pub(super) const INIT_GROUPS: &str = "InitGroups";
pub(super) const UMASK: &str = "Umask";
pub(super) const WORKING_DIRECTORY: &str = "WorkingDirectory";
pub(super) const ENVIRONMENT_VARIABLES: &str = "EnvironmentVariables";
pub(super) const STANDARD_IN_PATH: &str = "StandardInPath";
pub(super) const STANDARD_OUT_PATH: &str = "StandardOutPath";
pub(super) const STANDARD_ERROR_PATH: &str = "StandardErrorPath";
pub(super) const SOFT_RESOURCE_LIMITS: &str = "SoftResourceLimits";
pub(super) const HARD_RESOURCE_LIMITS: &str = "HardResourceLimits";
pub(super) const NICE: &str = "Nice";
