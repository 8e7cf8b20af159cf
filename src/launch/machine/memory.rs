//! An out-of-memory kill in the life of a service (systemd.service(5), `OOMPolicy=`).

use svcadapt_spec::OomPolicy;

use super::turn::Turn;
use super::{Phase, ServiceResult};

impl Turn<'_> {
    /// The kernel has killed a process of the service for lack of memory.
    pub(super) fn out_of_memory(&mut self) {
        use Phase as P;
        let result = ServiceResult::OomKill;
        match (self.state.phase, self.policy.oom) {
            (_, OomPolicy::Continue) | (P::Dead | P::Failed | P::AutoRestart, _) => {}
            (P::Running | P::Exited, OomPolicy::Stop) => self.enter_stop(result),
            (P::Condition | P::StartPre | P::Start | P::StartPost | P::Reload | P::Stop, OomPolicy::Stop) => {
                self.enter_kill(P::StopSigterm, result);
            }
            (P::StopWatchdog | P::StopSigterm, _) => self.enter_kill(P::StopSigkill, result),
            (P::StopSigkill | P::FinalSigkill, _) => self.note(result),
            // Everything at once, as the kernel has done.
            (
                P::Condition
                | P::StartPre
                | P::Start
                | P::StartPost
                | P::Running
                | P::Exited
                | P::Reload
                | P::Stop,
                OomPolicy::Kill,
            )
            | (P::StopPost | P::FinalWatchdog | P::FinalSigterm, _) => {
                self.enter_kill(P::FinalSigkill, result);
            }
        }
    }
}
