//! The job that is checked.

use std::path::Path;

use svcadapt_spec::{Origin, Scope};

use crate::lint::Machine;
use crate::plist::{Document, Node};

/// A parsed job and the machine that it is checked for.
pub(super) struct JobView<'a> {
    pub(super) document: Document<'a>,
    pub(super) path: &'a Path,
    pub(super) scope: Scope,
    pub(super) machine: &'a dyn Machine,
}

impl JobView<'_> {
    pub(super) fn node(&self, key: &str) -> Option<&Node> {
        self.document.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.node(key)?.text()
    }

    pub(super) fn origin(&self, node: &Node) -> Origin {
        self.document.origin(node)
    }
}
