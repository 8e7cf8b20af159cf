//! The rules of restarts and of starts in a row (systemd.service(5), systemd.unit(5)).

use std::ffi::OsStr;

use super::choice::choices;
use super::value_error::text;
use super::{ExitStatusSet, Timespan, ValueError};

/// What refines `Restart=`: how fast, how often and after which ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restarts {
    /// `RestartSteps=`: in how many steps the delay grows to its maximum. `None`: it does not grow.
    pub steps: Option<u32>,
    /// `RestartMaxDelaySec=`: the delay after the last step.
    pub max_delay: Option<Timespan>,
    /// `RestartMode=`
    pub mode: Option<RestartMode>,
    /// `OnFailure=`: the units that systemd starts when the service has failed.
    pub on_failure: Vec<String>,
    /// `OnSuccess=`: those that it starts when the service has ended well.
    pub on_success: Vec<String>,
    /// `RestartPreventExitStatus=`: ends that never lead to a restart.
    pub prevent: ExitStatusSet,
    /// `RestartForceExitStatus=`: ends that always lead to a restart.
    pub force: ExitStatusSet,
    /// `SuccessExitStatus=`: ends that count as a success, besides status 0 and the four clean signals.
    pub success: ExitStatusSet,
    /// `StartLimitIntervalSec=`: the time in which starts are counted. 0: they are not counted.
    pub limit_interval: Option<Timespan>,
    /// `StartLimitBurst=`: how many starts are allowed in that time. 0: they are not counted.
    pub limit_burst: Option<u32>,
}

/// The names of units, separated by blanks.
pub(crate) fn units(value: &OsStr) -> Result<Vec<String>, ValueError> {
    let words = text(value)?.split_ascii_whitespace();
    words
        .map(|word| {
            let has_type =
                word.rsplit_once('.').is_some_and(|(name, kind)| !name.is_empty() && !kind.is_empty());
            let plain =
                has_type && word.bytes().all(|b| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b));
            if plain {
                Ok(word.to_owned())
            } else {
                Err(ValueError::hinted("not the name of a unit", "it ends in its type, as web.service"))
            }
        })
        .collect()
}

/// Through which states a restart goes: `RestartMode=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartMode {
    /// The service is failed or inactive in between, and its dependents see it.
    Normal,
    /// The service goes straight to its next start.
    Direct,
}

choices!(RestartMode, 2, "restart mode", [Normal = "normal", Direct = "direct"]);
