//! The steps for the process settings of a service.

use svcadapt_spec::{KeyringMode, ProcessSettings};

use super::SetupStep;

/// The step after the reset of all signals.
pub(super) fn of_signals(asked: &ProcessSettings) -> impl Iterator<Item = SetupStep> {
    (asked.ignore_sigpipe == Some(true)).then_some(SetupStep::IgnoreSigpipe).into_iter()
}

/// The steps that need the rights of the caller; none for what is not set.
pub(super) fn before_identity(asked: &ProcessSettings) -> impl Iterator<Item = SetupStep> {
    // Nodes without a policy have no effect, as for systemd.
    let numa = asked.numa_policy.map(|policy| SetupStep::NumaPolicy(policy, asked.numa_nodes.clone()));
    let dump = asked.coredump_filter.map(SetupStep::CoredumpFilter);
    [dump, numa, asked.personality.map(SetupStep::Personality)].into_iter().flatten()
}

/// The steps of the service's user: a keyring belongs to the one who makes it, and a change of the user would clear the
/// capabilities that some secure bits keep.
pub(super) fn after_identity(asked: &ProcessSettings) -> impl Iterator<Item = SetupStep> {
    let keyring = asked.keyring.filter(|mode| *mode != KeyringMode::Inherit).map(SetupStep::Keyring);
    [keyring, asked.secure_bits.map(SetupStep::SecureBits)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::NumaNodes;

    use super::*;

    #[test]
    fn what_has_no_effect_has_no_step() {
        let asked = ProcessSettings {
            keyring: Some(KeyringMode::Inherit),
            numa_nodes: Some(NumaNodes::All),
            ..ProcessSettings::default()
        };
        assert_eq!(before_identity(&asked).chain(after_identity(&asked)).count(), 0);
    }
}
