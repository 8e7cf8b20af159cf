//! The steps that set the scheduling of a service, in systemd's order.

use svcadapt_spec::{IoClass, Scheduling};

use super::SetupStep;

/// The kernel's own priority within the best-effort class (ioprio_set(2)).
const USUAL_IO_PRIORITY: u8 = 4;

/// The steps; none for what is not set.
pub(super) fn steps(asked: &Scheduling) -> impl Iterator<Item = SetupStep> {
    // Without a policy the other two have no effect, as for systemd.
    let policy = asked.cpu_policy.map(|policy| SetupStep::CpuPolicy {
        policy,
        priority: if policy.is_realtime() { asked.cpu_priority.unwrap_or(1) } else { 0 },
        reset_on_fork: asked.cpu_reset_on_fork == Some(true),
    });
    let affinity =
        (!asked.cpu_affinity.is_empty()).then(|| SetupStep::CpuAffinity(asked.cpu_affinity.clone()));
    let io = match (asked.io_class, asked.io_priority) {
        (None, None) => None,
        (None | Some(IoClass::None), level) => {
            Some(SetupStep::IoPriority(IoClass::BestEffort, level.unwrap_or(USUAL_IO_PRIORITY)))
        }
        (Some(class), level) => Some(SetupStep::IoPriority(class, level.unwrap_or(USUAL_IO_PRIORITY))),
    };
    [policy, affinity, io, asked.timer_slack.map(SetupStep::TimerSlack)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::CpuPolicy;

    use super::*;

    #[test]
    fn what_is_not_set_has_no_step() {
        assert_eq!(steps(&Scheduling::default()).count(), 0);
        let no_policy = Scheduling { cpu_reset_on_fork: Some(true), ..Scheduling::default() };
        assert_eq!(steps(&no_policy).count(), 0);
    }

    #[test]
    fn priority_without_a_class_is_best_effort_and_policy_has_its_own_range() {
        let only = |asked: Scheduling| steps(&asked).next().unwrap();
        let io = |io_class, io_priority| only(Scheduling { io_class, io_priority, ..Scheduling::default() });
        assert_eq!(io(None, Some(6)), SetupStep::IoPriority(IoClass::BestEffort, 6));
        assert_eq!(io(Some(IoClass::None), None), SetupStep::IoPriority(IoClass::BestEffort, 4));
        assert_eq!(io(Some(IoClass::Idle), None), SetupStep::IoPriority(IoClass::Idle, 4));
        let priority = |cpu_policy, cpu_priority| match only(Scheduling {
            cpu_policy: Some(cpu_policy),
            cpu_priority,
            ..Scheduling::default()
        }) {
            SetupStep::CpuPolicy { priority, .. } => priority,
            other => panic!("{other:?}"),
        };
        assert_eq!(priority(CpuPolicy::Batch, Some(5)), 0);
        assert_eq!(priority(CpuPolicy::Rr, None), 1);
        assert_eq!(priority(CpuPolicy::Fifo, Some(7)), 7);
    }
}
