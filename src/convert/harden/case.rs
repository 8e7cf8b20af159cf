//! The facts of a spec that decide on the rows of the sandbox.

use std::path::Path;

use svcadapt_spec::{Capabilities, Field, Principal, ServiceSpec, ServiceType};

use super::jit::jit;
use super::lookup::named;
use super::places::{SpecPath, places};
use super::{Level, Network};
use crate::divide::{Division, Systemd};

/// A spec and the facts derived from it.
pub(super) struct HardenInput<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) division: &'a Division,
    pub(super) host: Systemd,
    pub(super) level: Level,
    pub(super) network: Network,
    /// The files and directories of the spec.
    pub(super) places: Vec<SpecPath>,
    /// The program with a JIT compiler. `None` if there is no such program.
    pub(super) jit: Option<String>,
    /// The capabilities that the spec grants.
    pub(super) wanted: Capabilities,
    /// The first field for which the adapter has to be root. `None` if it does not have to be.
    pub(super) root: Option<Field>,
}

impl<'a> HardenInput<'a> {
    pub(super) fn new(
        spec: &'a ServiceSpec,
        division: &'a Division,
        adapter: &Path,
        host: Systemd,
        level: Level,
        network: Network,
    ) -> Self {
        Self {
            spec,
            division,
            host,
            level,
            network,
            places: places(spec, division, adapter),
            jit: jit(&spec.command),
            wanted: spec.ambient_capabilities.unwrap_or_default()
                | spec.capability_bounding_set.unwrap_or_default(),
            root: root(spec, division),
        }
    }

    /// Whether the service starts as root: its user is root, or the adapter has to be root.
    pub(super) fn is_root(&self) -> bool {
        let user = match &self.spec.user {
            Some(Principal::Name(name)) => name == "root",
            Some(Principal::Id(number)) => *number == 0,
            None => false,
        };
        user || self.root.is_some()
    }

    /// Those of these capabilities that the spec grants. `None` if it grants no such capability.
    pub(super) fn wants(&self, names: &str) -> Option<Capabilities> {
        let both = Capabilities::from_bits(self.wanted.bits() & named(names).bits());
        (both != Capabilities::EMPTY).then_some(both)
    }
}

/// The first field for which the adapter has to be root: the change of identity, or a step before it.
fn root(spec: &ServiceSpec, division: &Division) -> Option<Field> {
    division.adapter.iter().copied().find(|field| match field {
        Field::PidFile => spec.service_type != Some(ServiceType::Forking),
        Field::User
        | Field::Group
        | Field::SupplementaryGroups
        | Field::RootDirectory
        | Field::CapabilityBoundingSet
        | Field::AmbientCapabilities
        | Field::Directory(_) => true,
        _ => false,
    })
}
