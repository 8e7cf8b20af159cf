//! A unit file with its bytes: what the reader of the format leaves out is looked for there.

use std::path::Path;

use svcadapt_spec::Origin;

use crate::lint::{Finding, Findings, rules};
use crate::unit::UnitFile;

/// A unit file or a drop-in, as text and as assignments.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its assignments.
    pub file: UnitFile,
    /// What stands in it.
    pub text: Vec<u8>,
}

impl Source {
    /// Reads a text; what systemd would take the whole file away for is a finding.
    pub fn parse(path: &Path, text: Vec<u8>) -> Result<Self, Vec<Finding>> {
        match UnitFile::parse(path, &text) {
            Ok(file) => Ok(Self { file, text }),
            Err(faults) => {
                let mut findings = Findings::default();
                for fault in faults {
                    let origin = fault.origin.unwrap_or(Origin::Option);
                    findings.add(&rules::file::REFUSED, origin, fault.refusal.cause);
                }
                Err(findings.sorted())
            }
        }
    }
}
