//! The verdicts: a pure function of the gathered data, one file per group of rows.

mod descriptors;
mod detachment;
mod pid_file;
mod privileges;
mod signals;
mod streams;
mod surroundings;

use crate::audit::process::Process;
use crate::audit::row::Row;

/// One row per check: the steps in the order of daemon(7), then the other checks. The rules are in the documentation of
/// [`crate::audit`].
pub(crate) fn judge(process: &Process) -> Vec<Row> {
    let mut rows = vec![
        descriptors::row(process),
        signals::dispositions(process),
        signals::mask(process),
        surroundings::environment(process),
        detachment::session(process),
        detachment::session_leader(process),
        detachment::terminal(process),
        detachment::parent(process),
        streams::row(process),
        surroundings::umask(process),
        surroundings::working_directory(process),
    ];
    rows.extend(process.pid_file.as_ref().map(|facts| pid_file::row(process, facts)));
    rows.extend([
        privileges::user(process),
        privileges::groups(process),
        privileges::capabilities(process),
        privileges::no_new_privileges(process),
        surroundings::root(process),
        surroundings::limits(process),
        surroundings::nice(process),
        surroundings::oom_score(process),
        surroundings::seccomp(process),
    ]);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::process::samples::clean;
    use crate::audit::row::StepVerdict;

    #[test]
    fn clean_daemon_has_only_the_verdict_ok() {
        for row in judge(&clean()) {
            assert_eq!(row.verdict, StepVerdict::Ok, "{row:?}");
            assert!(!row.found.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn steps_are_in_order() {
        let steps: Vec<_> = judge(&clean()).iter().map(|row| row.step).collect();
        let numbered: Vec<_> = steps.iter().copied().flatten().collect();
        assert!(numbered.is_sorted());
        assert_eq!(steps.iter().filter(|step| step.is_none()).count(), 5);
    }
}
