//! Which side does what.

use svcadapt_spec::{FIELDS, Field};

use super::life_fields::is_of_life;
use super::{Loss, Subject, Target};

/// Which side does what. Each field that is set is in `host`, in `adapter` or lost. The order is that of [`FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// The host.
    pub target: Target,
    /// The fields that the host does, exactly or approximately.
    pub host: Vec<Field>,
    /// The fields that `svcadapt run` does.
    pub adapter: Vec<Field>,
    /// The differences from the spec.
    pub losses: Vec<Loss>,
}

impl Division {
    /// Whether `svcadapt run` has to start the program.
    pub fn needs_adapter(&self) -> bool {
        !self.adapter.is_empty()
    }

    /// Whether the adapter checks the readiness of the service.
    pub fn adapter_watches(&self) -> bool {
        self.adapter.contains(&Field::Ready)
    }

    /// Whether the adapter sends notifications beside the program, from a process that is not the main one.
    pub(crate) fn adapter_notifies(&self) -> bool {
        self.adapter_watches() || self.adapter.contains(&Field::WatchdogProbe)
    }

    /// Whether the adapter stays as long as the program runs. Otherwise the program replaces it by execve(2).
    pub fn adapter_stays(&self) -> bool {
        matches!(self.target, Target::Launchd(_)) && self.adapter.iter().copied().any(needs_staying_adapter)
    }

    /// Moves fields from the host to the adapter, and returns whether there were any.
    pub(super) fn move_to_adapter(&mut self, which: impl Fn(Field) -> bool) -> bool {
        let moved: Vec<Field> = self.host.iter().copied().filter(|&field| which(field)).collect();
        self.host.retain(|field| !moved.contains(field));
        // The adapter does them exactly, so their losses are gone.
        self.losses.retain(|loss| !matches!(loss.subject, Subject::Field(field) if moved.contains(&field)));
        self.adapter.extend(&moved);
        self.adapter.sort_by_key(|field| place(*field));
        !moved.is_empty()
    }
}

/// Whether an adapter that does this field below launchd stays. launchd follows only the process that it has started, and
/// itself sends it only SIGTERM; it has no readiness. Credentials are removed when the program has ended.
pub(crate) fn needs_staying_adapter(field: Field) -> bool {
    matches!(
        field,
        Field::Type
            | Field::Ready
            | Field::Restart
            | Field::KillSignal
            | Field::ReloadSignal
            | Field::LoadCredential
            | Field::ImportCredential
            | Field::SetCredential
            | Field::LogRotateSize
            | Field::LogRotateAge
            | Field::LogTimestamps
    ) || is_of_life(field)
}

/// The position of a field in [`FIELDS`].
pub(super) fn place(field: Field) -> Option<usize> {
    FIELDS.iter().position(|row| row.field == field)
}
