//! What has to be known of a service before anything is taken from it.

use std::ffi::OsStr;
use std::path::Path;

use svcadapt_spec::{Capabilities, Directive, Field, Principal, Scope, ServiceSpec, ServiceType};

use super::jit::jit;
use super::objections::dynamic_user;
use super::places::{Place, places};
use super::{Level, Network};
use crate::divide::{Division, Systemd, is_off};

/// A service, and what follows from its spec.
pub(super) struct Case<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) division: &'a Division,
    pub(super) host: Systemd,
    pub(super) level: Level,
    pub(super) network: Network,
    /// The files and directories that the spec names.
    pub(super) places: Vec<Place>,
    /// The program with a just-in-time compiler.
    pub(super) jit: Option<String>,
    /// The capabilities that the spec gives it.
    pub(super) wanted: Capabilities,
    /// What the adapter has to be root for.
    pub(super) root: Option<Field>,
}

impl<'a> Case<'a> {
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

    /// Whether the service is root by the spec's own word, or because the adapter has to be.
    pub(super) fn is_root(&self) -> bool {
        let user = match &self.spec.user {
            Some(Principal::Name(name)) => name == "root",
            Some(Principal::Id(number)) => *number == 0,
            None => false,
        };
        user || self.root.is_some()
    }

    /// Whether the program is started as root, and may well take another user itself when it has its ports and files:
    /// who starts it does not.
    pub(super) fn stays_root(&self) -> bool {
        let another = match &self.spec.user {
            Some(Principal::Name(name)) => name != "root",
            Some(Principal::Id(number)) => *number != 0,
            None => false,
        };
        let dynamic = match last(self.spec, DYNAMIC_USER) {
            Some(value) => !is_off(value),
            None => self.level == Level::Strict && dynamic_user(self).is_none(),
        };
        self.host.scope == Scope::System && !another && !dynamic
    }

    /// Whether the spec gives it one of these capabilities; which.
    pub(super) fn wants(&self, names: &str) -> Option<Capabilities> {
        let both = Capabilities::from_bits(self.wanted.bits() & named(names).bits());
        (both != Capabilities::EMPTY).then_some(both)
    }
}

const DYNAMIC_USER: &str = "DynamicUser";

/// Capabilities by their names, which are our own words.
pub(super) fn named(names: &str) -> Capabilities {
    Capabilities::parse(OsStr::new(names)).unwrap_or_default()
}

/// The value that `[Service]` gives a directive in a unit that was read; the last one wins.
pub(super) fn last<'a>(spec: &'a ServiceSpec, name: &str) -> Option<&'a str> {
    let mut lines = spec.native.systemd.iter().flatten();
    lines.rfind(|line| line.section() == "Service" && line.name() == name).map(Directive::value)
}

/// Whether a unit that was read demands something that can also be switched off.
pub(super) fn demanded(spec: &ServiceSpec, name: &str) -> bool {
    last(spec, name).is_some_and(|value| !is_off(value))
}

/// What the adapter has to be root for: the change of identity, and what comes before it.
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
